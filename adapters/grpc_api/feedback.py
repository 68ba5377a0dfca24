"""The part of TaskService by which requesters say what they think of completed work."""

# ruff: noqa: N802 - RPCs are named as in the contract
from __future__ import annotations

from paidan.v1 import tasks_pb2 as pb

from adapters.grpc_api.desk import Context, Desk
from adapters.grpc_api.words import timestamp
from engine import commands as cmd
from engine.decide.feedback import MAX_SCORE
from projections.rows import TaskView


class Feedback:
    """Thin, as TaskService itself, which brings the desk."""

    _desk: Desk

    async def GiveFeedback(self, request: pb.GiveFeedbackRequest, context: Context) -> pb.GiveFeedbackResponse:
        checks = self._desk.checks()
        number = checks.number_in("tasks", request.name)
        if not request.HasField("satisfied"):
            checks.wrong("satisfied", "Expected true or false, but it is left out")
        score = checks.number("score", request.score, 0, MAX_SCORE)
        note = checks.text("note", request.note)
        checks.line("request_id", request.request_id)
        checks.end()
        command = cmd.GiveFeedback(number, request.satisfied, score, note)
        answer = await self._desk.submit(command, request.request_id, context)
        return pb.GiveFeedbackResponse(name=request.name, position=answer.position)


def feedback_message(row: TaskView) -> pb.TaskFeedback | None:
    """What the requester thinks; None where nobody asked."""
    if not (row.feedback or row.closed_at or row.reopened):
        return None
    return pb.TaskFeedback(
        opinion=row.feedback,
        score=row.score,
        note=row.feedback_note,
        give_time=timestamp(row.feedback_at),
        due_time=timestamp(row.closes_at),
        close_time=timestamp(row.closed_at),
        close_reason=row.closed_why,
        reopened=row.reopened,
    )
