"""Pages by key: every row once, whatever is written meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import islice
from operator import attrgetter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.views.queries import BehindError, Queries, QueryError, ViewsUnavailableError
from projections.listing import MAX_PAGE, page_size
from tests.projections.drawing import seeded
from tests.projections.live import Live, expected

_FIELDS = ("number", "priority", "status", "agent", "region", "rule", "created_at", "assigned_at")
_orders = st.lists(st.sampled_from(_FIELDS), max_size=3, unique=True).flatmap(
    lambda names: st.tuples(*(st.sampled_from([name, f"{name} desc"]) for name in names))
)


@pytest.fixture(scope="module")
def told(postgres: str) -> Iterator[Live]:
    live = Live(postgres, "pages")
    live.put(seeded(21, 250).log)
    live.catch_up()
    yield live
    live.close()


async def _all(queries: Queries, size: int, **asked) -> list:
    rows, token = [], ""
    while True:
        page = await queries.tasks(page_size=size, page_token=token, **asked)
        rows += page.rows
        token = page.next_page_token
        if not token:
            return rows
        assert len(page.rows) == size


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(order=_orders, size=st.integers(1, 30))
def test_every_row_once_and_in_order(told: Live, order: tuple[str, ...], size: int) -> None:
    rows = told.ask(lambda queries: _all(queries, size, order_by=", ".join(order)))
    want = expected(seeded(21, 250).log)["tasks"]
    descending = bool(order) and order[-1].endswith(" desc")
    if not any(name.startswith("number") for name in order):
        want.sort(key=lambda row: row.number, reverse=descending)
    for name in reversed(order):
        want.sort(key=attrgetter(name.split()[0]), reverse=name.endswith("desc"))
    assert [row.number for row in rows] == [row.number for row in want]


def test_rows_there_from_the_beginning_come_once_while_others_come_in(empty: Live) -> None:
    log = seeded(22, 300).log
    empty.put(log[: len(log) // 2])
    empty.catch_up()
    rest = iter(log[len(log) // 2 :])

    async def reading(queries: Queries) -> tuple[set[int], list[int]]:
        before = {row.number for row in await _all(queries, 100)}
        seen, token = [], ""
        while True:
            page = await queries.tasks(page_size=3, page_token=token, order_by="created_at, number")
            seen += [row.number for row in page.rows]
            token = page.next_page_token
            if not token:
                return before, seen
            await asyncio.to_thread(empty.put, list(islice(rest, 5)))
            await asyncio.to_thread(empty.catch_up)

    before, seen = empty.ask(reading)
    assert len(seen) == len(set(seen))
    assert before <= set(seen)


def test_a_token_belongs_to_its_query(told: Live) -> None:
    async def misuse(queries: Queries) -> None:
        token = (await queries.tasks(page_size=2, filter="priority >= 0")).next_page_token
        assert (await queries.tasks(page_size=5, page_token=token, filter="priority >= 0")).rows
        for asked in ({}, {"filter": "priority >= 1"}, {"filter": "priority >= 0", "order_by": "number desc"}):
            with pytest.raises(QueryError, match="another") as raised:
                await queries.tasks(page_token=token, **asked)
            assert raised.value.field == "page_token"
        for broken in (token[:-3], "x", "%%%", token + "AAAA"):
            with pytest.raises(QueryError, match=r"page_token|another|changed"):
                await queries.tasks(page_token=broken, filter="priority >= 0")
        with pytest.raises(QueryError, match="another"):
            await queries.agents(page_token=token)

    told.ask(misuse)


def test_page_sizes() -> None:
    assert (page_size(0), page_size(7), page_size(10**9)) == (100, 7, MAX_PAGE)


def test_an_answer_says_where_its_views_stand(told: Live) -> None:
    head = len(seeded(21, 250).log)

    async def positions(queries: Queries) -> list[int]:
        pages = [
            await queries.tasks(page_size=1),
            await queries.agents(filter='team = "nobody"'),
            await queries.pools(),
        ]
        return [page.position for page in pages]

    assert told.ask(positions) == [head] * 3


def test_reading_ones_writes(empty: Live) -> None:
    log = seeded(23, 100).log

    async def asking(queries: Queries) -> int:
        waiting = asyncio.create_task(queries.tasks(min_position=len(log)))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        await asyncio.to_thread(lambda: (empty.put(log), empty.catch_up(20)))
        return (await asyncio.wait_for(waiting, 0.9)).position

    assert empty.ask(asking) == len(log)


def test_waiting_for_what_does_not_come_ends_with_a_clear_error(told: Live) -> None:
    with pytest.raises(
        BehindError, match=r"Expected tasks at position 10000000 within 0\.05 s, but the last behind is at"
    ):
        told.ask(lambda queries: queries.wait_for(("pools",), 10_000_000, 0.05))
    with pytest.raises(ValueError, match="Expected one of the views"):
        told.ask(lambda queries: queries.wait_for(("nothing",), 1, 0.05))


def test_postgres_away_is_one_error() -> None:
    async def asking() -> None:
        queries = Queries("postgresql://nobody@127.0.0.1:1/none", "bank", patience=0.3)
        await queries.open()
        try:
            with pytest.raises(ViewsUnavailableError, match="Expected PostgreSQL to answer"):
                await queries.tasks()
        finally:
            await queries.close()

    asyncio.run(asking())


def test_connections_that_died_are_replaced(told: Live) -> None:
    async def asking(queries: Queries) -> None:
        before = await queries.tasks()
        told.connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name IN ('paidan-queries', 'paidan-positions')"
        )
        assert await queries.tasks() == before
        await queries.wait_for(("tasks",), before.position, 3)

    told.ask(asking)


def test_events_are_read_in_parts(told: Live) -> None:
    log = seeded(21, 250).log

    async def asking(queries: Queries) -> None:
        assert await queries.events(0, 5) == log[:5]
        assert await queries.events(5, 10_000) == log[5:]
        assert await queries.events(len(log), 10) == []

    told.ask(asking)
