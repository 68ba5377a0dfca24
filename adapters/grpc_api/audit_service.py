"""AuditService: reads the log, explains it and checks it."""

# ruff: noqa: N802 - RPCs are named as in the contract
from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from paidan.v1 import audit_pb2 as pb
from paidan.v1.audit_pb2_grpc import AuditServiceServicer

from adapters.grpc_api.audit_messages import (
    assignment_message,
    explanation_message,
    simulate_message,
    verify_message,
    view_message,
)
from adapters.grpc_api.checks import MAX_SOURCE
from adapters.grpc_api.desk import Context, Desk
from adapters.grpc_api.event_messages import event_message, history_message, in_batches
from adapters.grpc_api.failures import not_found, refused
from adapters.grpc_api.reading import Reading
from adapters.grpc_api.services import Services
from adapters.grpc_api.waiting import Tail
from engine.refusals import Refusal

READ = 100
"""Events read at a time: bulk ones carry some hundreds of tasks each."""


class AuditService(AuditServiceServicer):
    """What is heavy is done in another process."""

    def __init__(self, desk: Desk, reading: Reading, services: Services, tail: Tail) -> None:
        self._desk, self._reading, self._audit, self._tail = desk, reading, services.audit, tail
        self._message_bytes = services.limits.stream_message_bytes

    async def ReadEvents(
        self, request: pb.ReadEventsRequest, _context: Context
    ) -> AsyncIterator[pb.ReadEventsResponse]:
        checks = self._desk.checks()
        checks.parent(request.parent)
        after = max(0, checks.number("from_position", request.from_position) - 1)
        left = checks.number("limit", request.limit)
        checks.end()
        while True:
            found = await self._reading.events(after, min(READ, left or READ))
            for batch in in_batches(map(event_message, found), self._message_bytes):
                yield pb.ReadEventsResponse(events=batch, position=batch[-1].position)
            after = found[-1].position if found else after
            if (request.limit and (left := left - len(found)) == 0) or not (found or request.follow):
                return
            if not found:
                await self._tail.moved()

    async def GetTaskHistory(self, request: pb.GetTaskHistoryRequest, context: Context) -> pb.GetTaskHistoryResponse:
        checks = self._desk.checks()
        task = checks.number_in("tasks", request.name)
        checks.page(request)
        checks.end()
        page = await self._reading.task_events(task, request, context)
        return pb.GetTaskHistoryResponse(
            events=[history_message(event, task) for event in page.rows],
            next_page_token=page.next_page_token,
            position=page.position,
        )

    async def ListAssignments(self, request: pb.ListAssignmentsRequest, context: Context) -> pb.ListAssignmentsResponse:
        checks = self._desk.checks()
        checks.parent(request.parent)
        checks.page(request)
        whose: dict[str, Any] = {
            "task": checks.number("task", request.task),
            "agent": checks.line("agent", request.agent),
            "package": checks.number("package", request.package),
        }
        if sum(map(bool, whose.values())) != 1:
            checks.wrong("task", "Expected exactly one of task, agent and package")
        checks.end()
        page = await self._reading.assignments(request, context, **whose)
        return pb.ListAssignmentsResponse(
            assignments=[
                assignment_message(f"{self._desk.name('tasks', row.task)}/assignments/{row.grant}", row)
                for row in page.rows
            ],
            next_page_token=page.next_page_token,
            position=page.position,
        )

    async def ExplainTask(self, request: pb.ExplainTaskRequest, context: Context) -> pb.ExplainTaskResponse:
        checks = self._desk.checks()
        task = checks.number_in("tasks", request.name)
        grant = checks.number("grant", request.grant)
        minimum = checks.number("min_position", request.min_position)
        checks.end()
        await self._tail.reached(minimum, context)
        found = await self._audit.explain(task, grant)
        if isinstance(found, Refusal):
            raise refused(found)
        return explanation_message(found)

    async def Verify(self, request: pb.VerifyRequest, context: Context) -> AsyncIterator[pb.VerifyResponse]:
        checks = self._desk.checks()
        checks.parent(request.parent)
        minimum = checks.number("min_position", request.min_position)
        checks.end()
        await self._tail.reached(minimum, context)
        async for step in self._audit.verify():
            yield verify_message(step)

    async def Simulate(self, request: pb.SimulateRequest, context: Context) -> AsyncIterator[pb.SimulateResponse]:
        checks = self._desk.checks()
        checks.parent(request.parent)
        source = checks.text("source", request.source, MAX_SOURCE, required=True)
        minimum = checks.number("min_position", request.min_position)
        checks.end()
        await self._tail.reached(minimum, context)
        async for step in self._audit.simulate(source):
            if isinstance(step, Refusal):
                raise refused(step)
            yield simulate_message(step)

    async def ListViews(self, request: pb.ListViewsRequest, context: Context) -> pb.ListViewsResponse:
        checks = self._desk.checks()
        checks.parent(request.parent)
        checks.page(request)
        if request.page_token:
            checks.wrong("page_token", "Expected none: all views are on one page")
        checks.end()
        rows, head = await self._reading.views(request.min_position, context)
        views = [view_message(self._desk.name("views", row.view), row) for row in rows]
        return pb.ListViewsResponse(views=views, position=head)

    async def RebuildView(
        self, request: pb.RebuildViewRequest, context: Context
    ) -> AsyncIterator[pb.RebuildViewResponse]:
        checks = self._desk.checks()
        view = checks.id_in("views", request.name)
        checks.line("request_id", request.request_id)
        checks.end()
        rows, _ = await self._reading.views(0, context)
        known = sorted(row.view for row in rows)
        if view not in known:
            raise not_found("VIEW_UNKNOWN", f"Expected one of {', '.join(known)}, but got {view!r}")
        last = None
        async for last in self._audit.rebuild(view):
            yield pb.RebuildViewResponse(done=last.done, total=last.total, position=last.done)
        if last is not None:
            yield pb.RebuildViewResponse(done=last.done, total=last.total, position=last.done, complete=True)
