"""Queries of RPCs: wait for the position demanded within the caller's time, ask the views, miss nothing silently."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any, Protocol, TypeVar

from adapters.grpc_api.desk import Context
from adapters.grpc_api.failures import not_found, too_late, unavailable
from adapters.grpc_api.gates import Turns
from adapters.grpc_api.services import Services
from adapters.grpc_api.terms import filter_terms, order_terms
from adapters.grpc_api.waiting import PATIENCE_S, SPARE_S, time_left
from adapters.views.positions import BehindError
from adapters.views.queries import Queries
from engine.events import Recorded
from projections.measuring import MeasuresAsked, MeasureView
from projections.other_lists import AGENTS, PACKAGES, REJECTED, RULE_SETS
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
from projections.work_lists import ASSIGNMENTS, POOLS, TASKS

Row = TypeVar("Row")
Ask = Callable[..., Awaitable[Page[Row]]]


class Paged(Protocol):
    """A request for a page."""

    page_size: int
    page_token: str
    min_position: int


class Reading:
    """The views of one workspace. Every answer comes with a position that its rows show at least."""

    def __init__(self, services: Services) -> None:
        self._queries: Queries = services.queries
        self._writer, self._longest_s = services.writer, services.limits.wait_s

    # --- lists -------------------------------------------------------------------------------------------------------

    async def tasks(self, request: Any, context: Context) -> Page[TaskView]:
        """A ListTasksRequest."""
        return await self._filtered(self._queries.tasks, "tasks", TASKS.views, request, context)

    async def agents(self, request: Any, context: Context) -> Page[AgentView]:
        """A ListAgentsRequest."""
        return await self._filtered(self._queries.agents, "agents", AGENTS.views, request, context)

    async def packages(self, request: Any, context: Context) -> Page[PackageView]:
        """A ListPackagesRequest; newest first unless ordered otherwise."""
        order = request.order_by or "number desc"
        return await self._filtered(self._queries.packages, "packages", PACKAGES.views, request, context, order)

    async def rule_sets(self, request: Paged, context: Context) -> Page[RuleSetView]:
        """Newest first."""
        return await self._plain(self._queries.rule_sets, RULE_SETS.views, request, context, order_by="version desc")

    async def pools(self, request: Paged, context: Context) -> Page[PoolView]:
        """By rule and stage."""
        return await self._plain(self._queries.pools, POOLS.views, request, context)

    async def rejected(self, package: int, request: Paged, context: Context) -> Page[RejectedView]:
        """In the order of the file."""
        await self.package(package, request.min_position, context)
        return await self._plain(self._queries.rejected, REJECTED.views, request, context, package=package)

    async def assignments(
        self, request: Paged, context: Context, *, task: int, agent: str, package: int
    ) -> Page[AssignmentView]:
        """Of a task, an agent or a package."""
        whose = {"task": task, "agent": agent, "package": package}
        return await self._plain(self._queries.assignments, ASSIGNMENTS.views, request, context, **whose)

    def all_rejected(self, package: int) -> AsyncIterator[list[RejectedView]]:
        """All rows set aside, by the batch."""
        return self._queries.rejected_rows(package)

    # --- single rows -------------------------------------------------------------------------------------------------

    async def task(self, number: int, minimum: int, context: Context) -> tuple[TaskView, int]:
        """Raises Failure where there is none."""
        await self._reached(TASKS.views, minimum, context)
        page = await self._queries.tasks(filter=f"number = {number}", page_size=1)
        return _only(page, "TASK_UNKNOWN", f"Expected a task of this workspace, but there is no number {number}")

    async def comments(self, number: int) -> list[CommentView]:
        """What was said of a task, the latest."""
        return await self._queries.comments(number)

    async def agent(self, agent: str, minimum: int, context: Context) -> tuple[AgentView, int]:
        """Raises Failure where there is none."""
        await self._reached(AGENTS.views, minimum, context)
        quoted = agent.replace("\\", "\\\\").replace('"', '\\"')
        page = await self._queries.agents(filter=f'id = "{quoted}"', page_size=1)
        return _only(page, "AGENT_UNKNOWN", f"Expected an agent of the roster, but {agent!r} is not in it")

    async def package(self, number: int, minimum: int, context: Context) -> tuple[PackageView, int]:
        """Raises Failure where there is none."""
        await self._reached(PACKAGES.views, minimum, context)
        page = await self._queries.packages(filter=f"number = {number}", page_size=1)
        return _only(page, "PACKAGE_UNKNOWN", f"Expected a package of this workspace, but there is no number {number}")

    async def rule_set(self, version: int, minimum: int, context: Context) -> tuple[RuleSetView, int]:
        """With its source; 0: the one in force. Raises Failure where there is none."""
        await self._reached(RULE_SETS.views, minimum, context)
        position = await self._stands_at(RULE_SETS.views)
        row = await self._queries.rule_set(version)
        if row is None:
            wanted = f"version {version} of the rules" if version else "rules in force"
            raise not_found("RULE_SET_UNKNOWN", f"Expected {wanted}, but there is none")
        return row, position

    # --- the rest ----------------------------------------------------------------------------------------------------

    async def statistics(self, minimum: int, context: Context) -> tuple[list[CountView], list[SpreadView], int]:
        """Counts and spread."""
        await self._reached(TASKS.views, minimum, context)
        position = await self._stands_at(TASKS.views)
        return await self._queries.counts(), await self._queries.spread(), position

    async def measures(
        self, asked: MeasuresAsked, turns: Turns, minimum: int, context: Context
    ) -> tuple[list[MeasureView], int]:
        """Figures for a range of time, by group; in turn, as they may take long."""
        await self._reached(TASKS.views, minimum, context)
        async with turns.turn():
            position = await self._stands_at(TASKS.views)
            return await self._queries.measures(asked), position

    async def task_events(self, number: int, request: Paged, context: Context) -> Page[Recorded]:
        """A GetTaskHistoryRequest. Raises Failure where there is no such task."""
        _, position = await self.task(number, request.min_position, context)
        found, following = await self._queries.task_events(
            number, page_size=request.page_size, page_token=request.page_token
        )
        return Page(found, following, position)

    async def events(self, after: int, limit: int) -> list[Recorded]:
        """Of the log itself."""
        return await self._queries.events(after, limit)

    async def views(self, minimum: int, context: Context) -> tuple[list[PositionView], int]:
        """How far each view has come, and the log."""
        rows = await self._queries.positions()
        if minimum:
            await self._reached([row.view for row in rows], minimum, context)
            rows = await self._queries.positions()
        return rows, max([self._writer.position, *(row.position for row in rows)])

    # --- how ---------------------------------------------------------------------------------------------------------

    async def _filtered(
        self, ask: Ask[Row], listing: str, views: Iterable[str], request: Any, context: Context, order: str = ""
    ) -> Page[Row]:
        wanted = filter_terms(listing, request.filter)
        by = order_terms(listing, order or request.order_by)
        return await self._plain(ask, views, request, context, filter=wanted, order_by=by)

    async def _plain(
        self, ask: Ask[Row], views: Iterable[str], request: Paged, context: Context, **more: Any
    ) -> Page[Row]:
        await self._reached(views, request.min_position, context)
        return await ask(page_size=request.page_size, page_token=request.page_token, **more)

    async def _reached(self, views: Iterable[str], position: int, context: Context) -> None:
        if not position:
            return
        try:
            await self._queries.wait_for(views, position, time_left(context, self._longest_s))
        except BehindError as error:
            if (context.time_remaining() or PATIENCE_S) > SPARE_S:  # it is not the caller's deadline that has come
                raise unavailable("VIEW_BEHIND", str(error)) from error
            raise too_late(str(error)) from error

    async def _stands_at(self, views: Iterable[str]) -> int:
        wanted = set(views)
        return min((row.position for row in await self._queries.positions() if row.view in wanted), default=0)


def _only(page: Page[Row], reason: str, message: str) -> tuple[Row, int]:
    if not page.rows:
        raise not_found(reason, message)
    return page.rows[0], page.position
