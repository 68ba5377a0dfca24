"""The part of TaskService that supervisors use on tasks that go on."""

# ruff: noqa: N802 - RPCs are named as in the contract
from __future__ import annotations

from paidan.v1 import tasks_pb2 as pb

from adapters.grpc_api.desk import Context, Desk
from engine import commands as cmd
from engine.state.task import MAX_PRIORITY


class Supervising:
    """Thin, as TaskService itself, which brings the desk."""

    _desk: Desk

    async def ReprioritiseTask(
        self, request: pb.ReprioritiseTaskRequest, context: Context
    ) -> pb.ReprioritiseTaskResponse:
        checks = self._desk.checks()
        number = checks.number_in("tasks", request.name)
        grant = checks.number("grant", request.grant)
        if not request.HasField("priority"):
            checks.wrong("priority", f"Expected 0 to {MAX_PRIORITY}, but it is left out")
        priority = checks.number("priority", request.priority, 0, MAX_PRIORITY)
        reason = checks.text("reason", request.reason)
        checks.line("request_id", request.request_id)
        checks.end()
        command = cmd.ReprioritiseTask(number, priority, grant, reason)
        answer = await self._desk.submit(command, request.request_id, context)
        return pb.ReprioritiseTaskResponse(name=request.name, changed=answer.changed, position=answer.position)

    async def ChangeDeadlines(self, request: pb.ChangeDeadlinesRequest, context: Context) -> pb.ChangeDeadlinesResponse:
        checks = self._desk.checks()
        number = checks.number_in("tasks", request.name)
        grant = checks.number("grant", request.grant)
        if not request.HasField("respond_by_time") and not request.HasField("resolve_by_time"):
            checks.wrong("resolve_by_time", "Expected respond_by_time, resolve_by_time or both, but there is neither")
        respond_by = checks.moment("respond_by_time", request)
        resolve_by = checks.moment("resolve_by_time", request)
        reason = checks.text("reason", request.reason)
        checks.line("request_id", request.request_id)
        checks.end()
        command = cmd.ChangeDeadlines(number, respond_by, resolve_by, grant, reason)
        answer = await self._desk.submit(command, request.request_id, context)
        return pb.ChangeDeadlinesResponse(name=request.name, changed=answer.changed, position=answer.position)
