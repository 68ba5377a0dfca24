"""Questions to the views of one workspace, asked on asyncio.

Every answer is one SQL statement, so its rows and the position it reports are of one moment.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from typing import Any, TypedDict, TypeVar, Unpack

from adapters.log.codec import Stored, decode
from adapters.log.schemas import schema_of, stream_of
from adapters.views.agent_work import AgentWork
from adapters.views.connection import bell_of
from adapters.views.positions import BehindError, Positions
from adapters.views.query_pool import QueryPool, TooManyQueriesError, ViewsUnavailableError
from engine.events import Recorded
from projections import measuring, other_lists, work_lists
from projections.comments import COMMENTS
from projections.errors import QueryError
from projections.history import history_page
from projections.listing import NO_SCOPE, Listing, Request, Scope, page_of, page_size, plan
from projections.rows import (
    AgentView,
    AssignmentView,
    CommentView,
    CountView,
    PackageView,
    Page,
    PoolView,
    PositionView,
    RejectedView,
    RuleSetView,
    SpreadView,
    TaskView,
)
from projections.rule_sets import ATTRIBUTES
from projections.statistics import COUNTS, SPREAD
from projections.work_lists import TASK_POSITIONS

__all__ = ["Asked", "BehindError", "Queries", "QueryError", "ViewsUnavailableError"]

Row = TypeVar("Row")

EVENTS_BYTES = 8_000_000
"""One answer of ``events`` ends after this many bytes as stored."""

_EVENTS = """
SELECT originator_version, topic, state FROM (
    SELECT *, sum(octet_length(state)) OVER (ORDER BY originator_version) - octet_length(state) AS before FROM (
        SELECT originator_version, topic, state FROM stored_events
        WHERE originator_id = %s AND originator_version > %s ORDER BY originator_version LIMIT %s) found
) sized WHERE before < %s ORDER BY originator_version
"""
_EVENTS_AT = """
SELECT originator_version, topic, state FROM stored_events
WHERE originator_id = %s AND originator_version = ANY(%s) ORDER BY originator_version
"""
_HEAD = "SELECT coalesce(max(originator_version), 0) FROM stored_events WHERE originator_id = %s"

_RULE_SET = """
SELECT version, author, reason, applied_at, position, rules, source FROM rule_sets
WHERE version = %s OR %s = 0 ORDER BY version DESC LIMIT 1
"""


class Asked(TypedDict, total=False):
    """What every list takes: filter (google.aip.dev/160), order and page."""

    filter: str
    order_by: str
    page_size: int
    page_token: str


class Queries:
    """Lists and single rows of a workspace's views. ``open`` before, ``close`` after.

    Lists raise QueryError for what can never be answered, ViewsUnavailableError while PostgreSQL is away, and
    BehindError where the views do not come to ``min_position`` in time.
    """

    def __init__(
        self, dsn: str, workspace: str, *, connections: int = 4, patience: float = 10.0, waiting: int = 128
    ) -> None:
        self._stream = stream_of(workspace)
        self._pool = QueryPool(dsn, schema_of(workspace), connections, patience, waiting)
        self.work = AgentWork(self._pool, self._stream)
        self._positions = Positions(dsn, workspace, self._ring)
        self._bell = bell_of(workspace)
        self._patience = patience

    async def open(self) -> None:
        """Open connections and begin to follow the views' positions; PostgreSQL may still be away."""
        await self._pool.open()
        self._positions.start()

    async def close(self) -> None:
        """Close connections; queries under way end first."""
        await self._positions.stop()
        await self._pool.close()

    async def wait_for(self, view_names: Iterable[str], position: int, timeout: float | None = None) -> None:
        """Until the views have come to ``position``: read your writes. Raises BehindError after ``timeout`` seconds."""
        await self._positions.wait_for(view_names, position, self._patience if timeout is None else timeout)

    # --- lists -------------------------------------------------------------------------------------------------------

    async def tasks(self, min_position: int = 0, **asked: Unpack[Asked]) -> Page[TaskView]:
        """Tasks, by number unless ordered otherwise."""
        return await self._page(work_lists.TASKS, Request(**asked), min_position)

    async def agents(self, min_position: int = 0, **asked: Unpack[Asked]) -> Page[AgentView]:
        """Agents, removed ones too, by id."""
        return await self._page(other_lists.AGENTS, Request(**asked), min_position)

    async def pools(self, min_position: int = 0, **asked: Unpack[Asked]) -> Page[PoolView]:
        """Lanes with tasks in them, by rule and stage."""
        return await self._page(work_lists.POOLS, Request(**asked), min_position)

    async def packages(self, min_position: int = 0, **asked: Unpack[Asked]) -> Page[PackageView]:
        """Packages, by number."""
        return await self._page(other_lists.PACKAGES, Request(**asked), min_position)

    async def rule_sets(self, min_position: int = 0, **asked: Unpack[Asked]) -> Page[RuleSetView]:
        """Rule set versions without their source, oldest first."""
        return await self._page(other_lists.RULE_SETS, Request(**asked), min_position)

    async def rejected(self, package: int, min_position: int = 0, **asked: Unpack[Asked]) -> Page[RejectedView]:
        """Rows of a package that were set aside, in the order they were met."""
        scope: Scope = ("t.package = %s", (package,), ())
        return await self._page(other_lists.REJECTED, Request(**asked), min_position, scope)

    async def assignments(
        self,
        *,
        task: int = 0,
        agent: str = "",
        package: int = 0,
        min_position: int = 0,
        **asked: Unpack[Asked],
    ) -> Page[AssignmentView]:
        """Allocation history of a task, an agent, a package or all, in the order the assignments were made."""
        scope = _history_of(task, agent, package)
        return await self._page(work_lists.ASSIGNMENTS, Request(**asked), min_position, scope)

    async def rejected_rows(self, package: int, batch: int = 500) -> AsyncIterator[list[RejectedView]]:
        """All rows of a package that were set aside, by the batch."""
        token = ""
        while True:
            page = await self.rejected(package, page_size=batch, page_token=token)
            if page.rows:
                yield page.rows
            token = page.next_page_token
            if not token:
                return

    # --- single rows -------------------------------------------------------------------------------------------------

    async def task(self, number: int, min_position: int = 0) -> TaskView | None:
        """A task by number, None where there is none."""
        return await self._one(work_lists.TASKS, ("t.number = %s", (number,), ()), min_position)

    async def comments(self, number: int) -> list[CommentView]:
        """What was said of a task, the latest, oldest first."""
        return [CommentView(*row) for row in await self._pool.fetch(COMMENTS, [number])]

    async def agent(self, agent: str, min_position: int = 0) -> AgentView | None:
        """An agent by id, None where there is none."""
        return await self._one(other_lists.AGENTS, ("t.id = %s", (agent,), ()), min_position)

    async def package(self, number: int, min_position: int = 0) -> PackageView | None:
        """A package by number, None where there is none."""
        return await self._one(other_lists.PACKAGES, ("t.number = %s", (number,), ()), min_position)

    async def rule_set(self, version: int = 0, min_position: int = 0) -> RuleSetView | None:
        """A rule set version with its source; 0: the latest. None where there is none."""
        await self.wait_for(("rule_sets",), min_position)
        found = await self._pool.fetch(_RULE_SET, [version, version])
        return RuleSetView(*found[0]) if found else None

    # --- statistics --------------------------------------------------------------------------------------------------

    async def counts(self, min_position: int = 0) -> list[CountView]:
        """Tasks by type, business type, rule and status."""
        await self.wait_for(("tasks",), min_position)
        return [CountView(*row) for row in await self._pool.fetch(COUNTS, [])]

    async def spread(self, min_position: int = 0) -> list[SpreadView]:
        """How open tasks lie on the agents that have some, by rule."""
        await self.wait_for(("tasks",), min_position)
        return [SpreadView(*row) for row in await self._pool.fetch(SPREAD, [])]

    async def measures(self, asked: measuring.MeasuresAsked, min_position: int = 0) -> list[measuring.MeasureView]:
        """Figures for a range of time, by group. Raises TooManyRowsError."""
        sql, values = measuring.question(asked)
        await self.wait_for(("tasks",), min_position)
        return measuring.answer(asked, await self._pool.fetch(sql, values))

    async def positions(self) -> list[PositionView]:
        """How far each view has come."""
        found = await self._pool.fetch("SELECT view, position, updated_at FROM view_positions ORDER BY view", [])
        return [PositionView(*row) for row in found]

    # --- the log -----------------------------------------------------------------------------------------------------

    async def head(self) -> int:
        """Position of the last event, 0 for an empty log."""
        found = await self._pool.fetch(_HEAD, [self._stream])
        return int(found[0][0])

    async def events(self, after: int, limit: int) -> list[Recorded]:
        """Events above a position, at most ``limit`` and about 8 MB of them. Raises UnknownEventError."""
        rows = await self._pool.fetch(_EVENTS, [self._stream, after, limit, EVENTS_BYTES])
        return [decode(Stored(*row)) for row in rows]

    async def task_events(
        self, number: int, *, page_size: int = 0, page_token: str = "", min_position: int = 0
    ) -> tuple[list[Recorded], str]:
        """A page of the events that concern a task, oldest first, and the token of the next one."""
        await self.wait_for(("tasks",), min_position)
        positions = [row[0] for row in await self._pool.fetch(TASK_POSITIONS, {"task": number})]
        page, following = history_page(number, positions, page_size, page_token)
        rows = await self._pool.fetch(_EVENTS_AT, [self._stream, page])
        return [decode(Stored(*row)) for row in rows], following

    # --- how ---------------------------------------------------------------------------------------------------------

    async def _ring(self) -> None:
        with suppress(ViewsUnavailableError, TooManyQueriesError):
            await self._pool.fetch("SELECT pg_notify(%s, '')", [self._bell])

    async def _page(
        self, listing: Listing[Row], request: Request, min_position: int, scope: Scope = NO_SCOPE
    ) -> Page[Row]:
        page_size(request.page_size)
        attributes = await self._attributes(listing) if "attributes" in request.filter else {}
        made = plan(listing, request, attributes, scope)
        await self.wait_for(listing.views, min_position)
        return page_of(listing, made, await self._pool.fetch(made.sql, made.params))

    async def _one(self, listing: Listing[Row], scope: Scope, min_position: int) -> Row | None:
        page = await self._page(listing, Request(page_size=1), min_position, scope)
        return page.rows[0] if page.rows else None

    async def _attributes(self, listing: Listing[Any]) -> dict[str, str]:
        side = "agent" if listing.name == "agents" else "task"
        return dict(await self._pool.fetch(ATTRIBUTES.format(side=side), []))


def _history_of(task: int, agent: str, package: int) -> Scope:
    parts = [
        (text, value, joins)
        for text, value, joins in (
            ("t.task = %s", task, ()),
            ("t.agent = %s", agent, ()),
            (f"n.package = %s AND {work_lists.GIVEN_OF_PACKAGE}", package, ("n",)),
        )
        if value
    ]
    joins = tuple(join for _, _, needed in parts for join in needed)
    return (
        " AND ".join(text for text, _, _ in parts),
        tuple(value for text, value, _ in parts for _ in range(text.count("%s"))),
        joins,
    )
