"""``paidan tasks``: what a supervisor changes of a task that goes on."""

from __future__ import annotations

from typing import Annotated

import typer

from adapters.cli.holding import grant_of
from adapters.cli.options import Grant, Reason, RequestId, TaskNumber
from adapters.cli.session import Session, remote


def register(app: typer.Typer) -> None:
    """Add the commands to the group."""
    app.command("reprioritise")(remote(reprioritise))


def reprioritise(
    session: Session,
    task: TaskNumber,
    *,
    priority: Annotated[int, typer.Option("--priority", min=0, max=100, help="Larger is more urgent.")],
    grant: Grant = None,
    reason: Reason = "",
    request_id: RequestId = "",
) -> None:
    """A supervisor makes a task more urgent or less."""
    from paidan.v1.tasks_pb2 import ReprioritiseTaskRequest

    from adapters.grpc_api.client import fresh_request_id

    request = ReprioritiseTaskRequest(
        name=session.name("tasks", task), priority=priority, grant=grant_of(session, task, grant), reason=reason,
        request_id=request_id or fresh_request_id(),
    )  # fmt: skip
    answer = session.ask(session.client.tasks.ReprioritiseTask, request)
    now = "is now" if answer.changed else "already was"
    session.tell(answer, f"Task {task} {now} of priority {priority} (position {answer.position}).")
