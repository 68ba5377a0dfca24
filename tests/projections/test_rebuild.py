"""A view built anew is the view that was there, and nobody notices the change."""

from __future__ import annotations

import asyncio
import threading

import pytest

from adapters.views.connection import positions_of
from adapters.views.queries import Queries
from adapters.views.rebuild import RebuildRunningError, rebuild
from projections.catalogue import VIEWS
from tests.projections.drawing import seeded
from tests.projections.live import Live, expected, shown
from tests.projections.projecting import caught_up, start, until

LOG = seeded(61, 300).log


@pytest.mark.parametrize("view", [view.name for view in VIEWS])
def test_rebuilt_is_live(empty: Live, view: str) -> None:
    empty.put(LOG)
    empty.catch_up()
    before, told = empty.dump(), []
    assert rebuild(empty.dsn, empty.workspace, view, lambda *step: told.append(step)) == len(LOG)
    assert empty.dump() == before
    assert told[-1] == (len(LOG), len(LOG))
    assert set(positions_of(empty.connection).values()) == {len(LOG)}
    empty.put(seeded(61, 310).log[len(LOG) :])
    empty.catch_up()


def test_what_was_wrong_is_right_after_a_rebuild(empty: Live) -> None:
    empty.put(LOG)
    empty.catch_up()
    empty.connection.execute("UPDATE tasks SET priority = 1; DELETE FROM waiting")
    rebuild(empty.dsn, empty.workspace, "pools")
    assert empty.ask(shown) == expected(LOG)


def test_a_view_whose_tables_were_dropped(empty: Live) -> None:
    empty.put(LOG)
    empty.catch_up()
    empty.connection.execute("DROP TABLE packages, rejected_rows")
    rebuild(empty.dsn, empty.workspace, "packages")
    assert empty.ask(shown) == expected(LOG)


def test_nobody_notices_a_rebuild(empty: Live) -> None:
    """Rebuilt over and over while the log grows and queries are asked: every answer is whole."""
    empty.put(LOG[:150])
    process = start(empty)
    wrong: list[str] = []

    def rebuilding() -> None:
        for view in ("tasks", "packages", "agents", "tasks"):
            rebuild(empty.dsn, empty.workspace, view)

    async def asking(queries: Queries) -> None:
        thread = threading.Thread(target=rebuilding)
        thread.start()
        for place in range(150, len(LOG), 8):
            await asyncio.to_thread(empty.put, LOG[place : place + 8])
            page = await queries.tasks(page_size=1000, min_position=150)
            known = [task.number for task in expected(LOG[: page.position])["tasks"]]
            if [row.number for row in page.rows] != known:
                wrong.append(f"at {page.position}")
        await asyncio.to_thread(thread.join)

    try:
        until(lambda: caught_up(empty, 150))
        empty.ask(asking)
        until(lambda: caught_up(empty, len(LOG)))
        assert not wrong
        assert empty.ask(shown) == expected(LOG)
        assert process.poll() is None
    finally:
        process.terminate()
        process.wait(10)


def test_one_rebuild_of_a_view_at_a_time(empty: Live) -> None:
    empty.put(LOG)
    empty.catch_up()
    started, go_on = threading.Event(), threading.Event()

    def slowly(_done: int, _head: int) -> None:
        started.set()
        go_on.wait(10)

    thread = threading.Thread(target=rebuild, args=(empty.dsn, empty.workspace, "agents", slowly))
    thread.start()
    started.wait(10)
    with pytest.raises(RebuildRunningError, match="one rebuild of agents at a time"):
        rebuild(empty.dsn, empty.workspace, "agents")
    go_on.set()
    thread.join()


def test_a_view_that_does_not_exist(empty: Live) -> None:
    with pytest.raises(ValueError, match="Expected one of the views tasks, agents"):
        rebuild(empty.dsn, empty.workspace, "tusks")
