"""Exactly once, whatever dies; and one broken view does not hold up the others."""

from __future__ import annotations

import psycopg
import pytest

from adapters.log.codec import UnknownEventError
from adapters.log.schemas import schema_of
from adapters.views.connection import Window, channel_of, connect, create_views, positions_of
from adapters.views.projector import Projector
from engine.events import TasksAllocated
from projections import packages
from projections.catalogue import VIEWS
from projections.port import View
from projections.runner import ViewFailedError, catch_up
from tests.projections.drawing import seeded
from tests.projections.live import Live, Slices, expected, shown


class DyingError(Exception):
    pass


def _dies(view: View, at: int) -> View:
    def apply(cursor, batch) -> None:
        view.apply(cursor, batch)
        if batch[-1].position >= at:
            raise DyingError

    return View(view.name, view.tables, view.ddl, apply)


@pytest.mark.parametrize("at", [1, 20, 55])
def test_a_batch_that_dies_leaves_nothing_and_is_done_once_afterwards(empty: Live, at: int) -> None:
    story = seeded(5, 120)
    empty.put(story.log)
    channel, reader = channel_of(empty.workspace), Slices(empty.log, 10)
    dying = [_dies(view, at) for view in VIEWS]
    with pytest.raises(ViewFailedError) as raised:
        while True:
            catch_up(empty.connection, dying, reader, channel)
    assert isinstance(raised.value.__cause__, DyingError)
    assert set(positions_of(empty.connection).values()) == {(at - 1) // 10 * 10}
    empty.catch_up(10)
    assert empty.ask(shown) == expected(story.log)


def test_a_killed_backend_loses_and_doubles_nothing(empty: Live) -> None:
    story = seeded(6, 120)
    empty.put(story.log)
    connection = connect(empty.dsn, schema_of(empty.workspace))
    pid = connection.info.backend_pid

    def kill(cursor, batch) -> None:
        VIEWS[0].apply(cursor, batch)
        empty.connection.execute("SELECT pg_terminate_backend(%s)", [pid])

    killed = [View(VIEWS[0].name, VIEWS[0].tables, VIEWS[0].ddl, kill), *VIEWS[1:]]
    with pytest.raises((ViewFailedError, psycopg.OperationalError)):
        catch_up(connection, killed, Slices(empty.log, 10), channel_of(empty.workspace))
    assert set(positions_of(empty.connection).values()) == {0}
    empty.catch_up()
    assert empty.ask(shown) == expected(story.log)


def test_a_view_that_fails_is_left_behind_and_comes_after(empty: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    story = seeded(8, 80)
    empty.put(story.log)
    now = [0.0]
    projector = Projector(empty.dsn, empty.workspace, clock=lambda: now[0])
    broken = _dies(packages.VIEW, 1)
    views = tuple(broken if view is packages.VIEW else view for view in VIEWS)
    monkeypatch.setattr("adapters.views.projector.VIEWS", views)
    while projector.step(empty.connection, Window(empty.log.read_stored)):
        pass
    standing = positions_of(empty.connection)
    assert standing.pop("packages") == 0
    assert set(standing.values()) == {len(story.log)}
    monkeypatch.setattr("adapters.views.projector.VIEWS", VIEWS)
    assert not projector.step(empty.connection, Window(empty.log.read_stored)), "it is not tried again at once"
    now[0] = 60.0
    while projector.step(empty.connection, Window(empty.log.read_stored)):
        pass
    assert empty.ask(shown) == expected(story.log)


def test_views_at_different_positions_meet_again(empty: Live) -> None:
    story = seeded(9, 80)
    empty.put(story.log)
    for place, view in enumerate(VIEWS):
        for _ in range(place):
            catch_up(empty.connection, [view], Slices(empty.log, 3), channel_of(empty.workspace))
    empty.catch_up(7)
    assert set(positions_of(empty.connection).values()) == {len(story.log)}
    assert empty.ask(shown) == expected(story.log)


def test_an_unknown_event_stops_the_reader(empty: Live) -> None:
    empty.put(seeded(1, 10).log)
    empty.connection.execute("UPDATE stored_events SET topic = 'TasksTeleported.v9' WHERE originator_version = 4")
    with pytest.raises(UnknownEventError, match="TasksTeleported"):
        empty.catch_up()


def test_a_table_dropped_by_hand_is_built_again(empty: Live) -> None:
    story = seeded(2, 80)
    cut = max(place for place, one in enumerate(story.log) if isinstance(one.event, TasksAllocated))
    empty.put(story.log[:cut])
    empty.catch_up()
    empty.connection.execute("DROP TABLE assignments")
    empty.put(story.log[cut:])
    empty.catch_up()
    assert empty.ask(shown) == expected(story.log)


def test_another_layout_is_built_again(empty: Live) -> None:
    empty.put(seeded(2, 40).log)
    empty.catch_up()
    empty.connection.execute("UPDATE view_positions SET layout = 'older' WHERE view = 'agents'")
    assert create_views(empty.connection) == ["agents"]
    assert positions_of(empty.connection)["agents"] == 0
    empty.catch_up()
    assert len(set(positions_of(empty.connection).values())) == 1
