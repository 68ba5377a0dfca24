"""The part of TaskService that supervisors use: urgency, time limits, remarks, duplicates."""

# ruff: noqa: N802 - RPCs are named as in the contract
from __future__ import annotations

from paidan.v1 import tasks_pb2 as pb

from adapters.grpc_api.checks import Checks
from adapters.grpc_api.desk import Context, Desk
from engine import commands as cmd
from engine.decide.merging import MAX_DUPLICATES
from engine.decide.supervising import MAX_COMMENT
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

    async def CommentTask(self, request: pb.CommentTaskRequest, context: Context) -> pb.CommentTaskResponse:
        checks = self._desk.checks()
        number = checks.number_in("tasks", request.name)
        text = checks.text("text", request.text, MAX_COMMENT, required=True)
        checks.line("request_id", request.request_id)
        checks.end()
        answer = await self._desk.submit(cmd.CommentTask(number, text), request.request_id, context)
        return pb.CommentTaskResponse(name=request.name, position=answer.position)

    async def MergeTasks(self, request: pb.MergeTasksRequest, context: Context) -> pb.MergeTasksResponse:
        checks = self._desk.checks()
        checks.parent(request.parent)
        command = _merge(checks, request)
        checks.line("request_id", request.request_id)
        checks.end()
        answer = await self._desk.submit(command, request.request_id, context)
        return pb.MergeTasksResponse(name=self._desk.name("tasks", request.into), position=answer.position)


def _merge(checks: Checks, request: pb.MergeTasksRequest) -> cmd.MergeTasks:
    if not 1 <= len(request.duplicates) <= MAX_DUPLICATES:
        checks.wrong("duplicates", f"Expected 1 to {MAX_DUPLICATES} tasks, but got {len(request.duplicates)}")
        checks.end()  # before each of too many is looked at
    duplicates = tuple(
        cmd.Held(
            checks.number(f"duplicates[{place}].task", one.task, 1),
            checks.number(f"duplicates[{place}].grant", one.grant),
        )
        for place, one in enumerate(request.duplicates)
    )
    return cmd.MergeTasks(duplicates, checks.number("into", request.into, 1), checks.text("reason", request.reason))
