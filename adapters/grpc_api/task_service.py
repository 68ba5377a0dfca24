"""TaskService: what services, agents and supervisors ask of single tasks."""

# ruff: noqa: N802 - RPCs are named as in the contract
from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import TypeAlias

from paidan.v1 import tasks_pb2 as pb
from paidan.v1.tasks_pb2_grpc import TaskServiceServicer

from adapters.grpc_api.assignments_stream import AssignmentStream
from adapters.grpc_api.checks import MAX_ID, Checks
from adapters.grpc_api.desk import Context, Desk
from adapters.grpc_api.reading import Reading
from adapters.grpc_api.supervising import Supervising
from adapters.grpc_api.task_messages import comment_message, task_message
from adapters.grpc_api.values import of_values
from adapters.grpc_api.words import timestamp
from engine import commands as cmd
from engine.decide.batches import MAX_BATCH
from engine.decide.handover import MAX_TASKS
from engine.events import Person

MAX_FIELDS = 200

_OfAssignment: TypeAlias = (
    pb.StartTaskRequest
    | pb.CompleteTaskRequest
    | pb.LockTaskRequest
    | pb.UnlockTaskRequest
    | pb.AcceptOfferRequest
    | pb.RejectOfferRequest
)


class TaskService(Supervising, TaskServiceServicer):
    """Thin: checks a request, hands a command in, renders the answer."""

    def __init__(self, desk: Desk, reading: Reading, assignments: AssignmentStream) -> None:
        self._desk, self._reading, self._assignments = desk, reading, assignments

    async def CreateTask(self, request: pb.CreateTaskRequest, context: Context) -> pb.CreateTaskResponse:
        checks = self._desk.checks()
        checks.parent(request.parent)
        command = _create(checks, request)
        checks.line("request_id", request.request_id)
        checks.end()
        answer = await self._desk.submit(command, request.request_id, context)
        return pb.CreateTaskResponse(
            name=self._desk.name("tasks", answer.number), number=answer.number or 0, position=answer.position
        )

    async def BatchCreateTasks(
        self, request: pb.BatchCreateTasksRequest, context: Context
    ) -> pb.BatchCreateTasksResponse:
        checks = self._desk.checks()
        checks.parent(request.parent)
        checks.number("requests", len(request.requests), 1, MAX_BATCH)
        checks.line("request_id", request.request_id)
        checks.end()  # before each of too many is looked at
        command = cmd.CreateTasks(
            tuple(_one_of(checks.within(f"requests[{place}]."), one) for place, one in enumerate(request.requests))
        )
        checks.end()
        answer = await self._desk.submit(command, request.request_id, context)
        first = answer.number or 0  # a repeat has as many tasks, or it were no repeat; and their numbers follow on
        numbers = range(first, first + len(command.tasks))
        return pb.BatchCreateTasksResponse(
            numbers=numbers,
            names=[self._desk.name("tasks", number) for number in numbers],
            position=answer.position,
        )

    async def GetTask(self, request: pb.GetTaskRequest, context: Context) -> pb.GetTaskResponse:
        checks = self._desk.checks()
        number = checks.number_in("tasks", request.name)
        minimum = checks.number("min_position", request.min_position)
        checks.end()
        row, position = await self._reading.task(number, minimum, context)
        task = task_message(self._desk.name("tasks", number), row)
        task.comments.extend(map(comment_message, await self._reading.comments(number)))
        return pb.GetTaskResponse(task=task, position=position)

    async def ListTasks(self, request: pb.ListTasksRequest, context: Context) -> pb.ListTasksResponse:
        checks = self._desk.checks()
        checks.parent(request.parent)
        checks.page(request)
        checks.end()
        page = await self._reading.tasks(request, context)
        return pb.ListTasksResponse(
            tasks=[task_message(self._desk.name("tasks", row.number), row) for row in page.rows],
            next_page_token=page.next_page_token,
            position=page.position,
        )

    async def ClaimTask(self, request: pb.ClaimTaskRequest, context: Context) -> pb.ClaimTaskResponse:
        checks = self._desk.checks()
        checks.parent(request.parent)
        agent = checks.line("agent", request.agent, MAX_ID, required=True)
        task = checks.number("task", request.task) or None
        checks.line("request_id", request.request_id)
        checks.end()
        answer = await self._desk.submit(cmd.ClaimTask(agent, task), request.request_id, context)
        return pb.ClaimTaskResponse(
            name=self._desk.name("tasks", answer.number),
            number=answer.number or 0,
            grant=answer.position,
            position=answer.position,
        )

    async def StartTask(self, request: pb.StartTaskRequest, context: Context) -> pb.StartTaskResponse:
        number, agent, grant = self._held(request)
        answer = await self._desk.submit(cmd.StartTask(number, agent, grant), request.request_id, context)
        return pb.StartTaskResponse(name=request.name, position=answer.position)

    async def CompleteTask(self, request: pb.CompleteTaskRequest, context: Context) -> pb.CompleteTaskResponse:
        checks = self._desk.checks()
        checks.number("wrap_up", len(request.wrap_up), 0, MAX_FIELDS)
        for name, value in request.wrap_up.items():
            checks.text(f"wrap_up.{name}", value)
        number, agent, grant = self._held(request, checks)
        wrap_up = {name: request.wrap_up[name] for name in sorted(request.wrap_up)}
        answer = await self._desk.submit(cmd.CompleteTask(number, agent, grant, wrap_up), request.request_id, context)
        return pb.CompleteTaskResponse(name=request.name, position=answer.position)

    async def CancelTask(self, request: pb.CancelTaskRequest, context: Context) -> pb.CancelTaskResponse:
        checks = self._desk.checks()
        number = checks.number_in("tasks", request.name)
        grant = checks.number("grant", request.grant)
        reason = checks.text("reason", request.reason)
        checks.line("request_id", request.request_id)
        checks.end()
        answer = await self._desk.submit(cmd.CancelTask(number, grant, reason), request.request_id, context)
        return pb.CancelTaskResponse(name=request.name, position=answer.position)

    async def ReassignTask(self, request: pb.ReassignTaskRequest, context: Context) -> pb.ReassignTaskResponse:
        checks = self._desk.checks()
        number = checks.number_in("tasks", request.name)
        agent = checks.line("agent", request.agent, MAX_ID, required=True)
        grant = checks.number("grant", request.grant)
        reason = checks.text("reason", request.reason)
        checks.line("request_id", request.request_id)
        checks.end()
        command = cmd.ReassignTask(number, agent, grant, reason)
        answer = await self._desk.submit(command, request.request_id, context)
        return pb.ReassignTaskResponse(name=request.name, grant=answer.position, position=answer.position)

    async def AcceptOffer(self, request: pb.AcceptOfferRequest, context: Context) -> pb.AcceptOfferResponse:
        number, agent, grant = self._held(request)
        answer = await self._desk.submit(cmd.AcceptOffer(number, agent, grant), request.request_id, context)
        return pb.AcceptOfferResponse(name=request.name, position=answer.position)

    async def RejectOffer(self, request: pb.RejectOfferRequest, context: Context) -> pb.RejectOfferResponse:
        checks = self._desk.checks()
        note = checks.text("note", request.note)
        number, agent, grant = self._held(request, checks)
        answer = await self._desk.submit(cmd.RejectOffer(number, agent, grant, note), request.request_id, context)
        return pb.RejectOfferResponse(name=request.name, position=answer.position)

    async def HandOverTasks(self, request: pb.HandOverTasksRequest, context: Context) -> pb.HandOverTasksResponse:
        checks = self._desk.checks()
        checks.parent(request.parent)
        command = _handover(checks, request)
        checks.line("request_id", request.request_id)
        checks.end()
        answer = await self._desk.submit(command, request.request_id, context)
        return pb.HandOverTasksResponse(position=answer.position)

    async def LockTask(self, request: pb.LockTaskRequest, context: Context) -> pb.LockTaskResponse:
        checks = self._desk.checks()
        period_ms = checks.period("period", request.period)
        note = checks.text("note", request.note)
        number, agent, grant = self._held(request, checks)
        command = cmd.LockTask(number, agent, grant, period_ms, note)
        answer = await self._desk.submit(command, request.request_id, context)
        until = timestamp(answer.until)
        return pb.LockTaskResponse(name=request.name, locked_until=until, position=answer.position)

    async def UnlockTask(self, request: pb.UnlockTaskRequest, context: Context) -> pb.UnlockTaskResponse:
        number, agent, grant = self._held(request)
        answer = await self._desk.submit(cmd.UnlockTask(number, agent, grant), request.request_id, context)
        return pb.UnlockTaskResponse(name=request.name, position=answer.position)

    async def WatchAssignments(
        self, request: pb.WatchAssignmentsRequest, _context: Context
    ) -> AsyncIterator[pb.WatchAssignmentsResponse]:
        checks = self._desk.checks()
        checks.parent(request.parent)
        agent = checks.line("agent", request.agent, MAX_ID, required=True)
        after = checks.number("from_position", request.from_position)
        checks.end()
        async with aclosing(self._assignments.of(agent, after)) as messages:
            async for message in messages:
                yield message

    def _held(self, request: _OfAssignment, checks: Checks | None = None) -> tuple[int, str, int]:
        """Task, agent and grant of a request about an assignment."""
        checks = checks or self._desk.checks()
        number = checks.number_in("tasks", request.name)
        agent = checks.line("agent", request.agent, MAX_ID, required=True)
        grant = checks.number("grant", request.grant, 1)
        checks.line("request_id", request.request_id)
        checks.end()
        return number, agent, grant


def _one_of(checks: Checks, request: pb.CreateTaskRequest) -> cmd.CreateTask:
    """One of a batch."""
    if request.parent:
        checks.parent(request.parent)
    if request.request_id:
        checks.wrong("request_id", "Expected none: the batch has one for all its tasks")
    return _create(checks, request)


def _create(checks: Checks, request: pb.CreateTaskRequest) -> cmd.CreateTask:
    checks.number("attributes", len(request.attributes), 0, MAX_FIELDS)
    return cmd.CreateTask(
        checks.line("task_type", request.task_type, required=True),
        checks.line("business_type", request.business_type),
        of_values(request.attributes),
        checks.line("customer", request.customer) or None,
        checks.line("owner", request.owner) or None,
        checks.line("region", request.region) or None,
        checks.number("priority", request.priority, 0, 100) if request.HasField("priority") else None,
        _person(checks, request),
    )


def _handover(checks: Checks, request: pb.HandOverTasksRequest) -> cmd.HandOverTasks:
    if not 1 <= len(request.tasks) <= MAX_TASKS:
        checks.wrong("tasks", f"Expected 1 to {MAX_TASKS} tasks, but got {len(request.tasks)}")
        checks.end()
    tasks = tuple(
        cmd.Held(
            checks.number(f"tasks[{place}].task", one.task, 1), checks.number(f"tasks[{place}].grant", one.grant, 1)
        )
        for place, one in enumerate(request.tasks)
    )
    return cmd.HandOverTasks(
        checks.line("agent", request.agent, MAX_ID, required=True),
        tasks,
        checks.text("note", request.note),
        checks.line("to_agent", request.to_agent, MAX_ID),
        checks.line("to_rule", request.to_rule, MAX_ID),
    )


def _person(checks: Checks, request: pb.CreateTaskRequest) -> Person | None:
    if not request.HasField("person"):
        return None
    person = request.person
    return Person(
        checks.line("person.full_name", person.full_name) or None,
        checks.line("person.mobile", person.mobile) or None,
        checks.line("person.id_card", person.id_card) or None,
    )
