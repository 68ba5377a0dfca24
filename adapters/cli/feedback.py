"""``paidan tasks feedback``: what the requester thinks of completed work."""

from __future__ import annotations

from typing import Annotated

import typer

from adapters.cli.options import RequestId, TaskNumber
from adapters.cli.session import Session, remote


def register(app: typer.Typer) -> None:
    """Add the command to the group."""
    app.command("feedback")(remote(feedback))


def feedback(
    session: Session,
    task: TaskNumber,
    *,
    satisfied: Annotated[bool, typer.Option("--satisfied/--unsatisfied", help="What the requester thinks.")],
    score: Annotated[int, typer.Option("--score", min=0, max=5, help="1 to 5, 5 is best; 0: none.")] = 0,
    note: Annotated[str, typer.Option("--note", help="In his words.")] = "",
    request_id: RequestId = "",
) -> None:
    """The requester of a completed task is satisfied with it, or is not: then it is opened again."""
    from paidan.v1.tasks_pb2 import GiveFeedbackRequest

    from adapters.grpc_api.client import fresh_request_id

    request = GiveFeedbackRequest(
        name=session.name("tasks", task), satisfied=satisfied, score=score, note=note,
        request_id=request_id or fresh_request_id(),
    )  # fmt: skip
    answer = session.ask(session.client.tasks.GiveFeedback, request)
    word = "satisfied" if satisfied else "unsatisfied"
    session.tell(answer, f"The requester of task {task} is {word} (position {answer.position}).")
