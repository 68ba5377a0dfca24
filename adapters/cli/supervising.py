"""``paidan tasks``: what a supervisor does to tasks: urgency, time limits, remarks, duplicates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from adapters.cli.holding import grant_of, numbered
from adapters.cli.options import Grant, Reason, RequestId, TaskNumber
from adapters.cli.session import Session, fail, remote


def register(app: typer.Typer) -> None:
    """Add the commands to the group."""
    app.command("reprioritise")(remote(reprioritise))
    app.command("deadlines")(remote(change_deadlines))
    app.command("comment")(remote(comment))
    app.command("merge")(remote(merge))


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


def change_deadlines(
    session: Session,
    task: TaskNumber,
    *,
    respond_by: Annotated[str, typer.Option("--respond-by", metavar="TIME", help="When it is to have begun.")] = "",
    resolve_by: Annotated[
        str,
        typer.Option("--resolve-by", metavar="TIME", help="When it is to be done: 2026-01-31T18:00, or 2h (from now)."),
    ] = "",
    grant: Grant = None,
    reason: Reason = "",
    request_id: RequestId = "",
) -> None:
    """A supervisor sets until when a task is to be begun and done."""
    from paidan.v1.tasks_pb2 import ChangeDeadlinesRequest

    from adapters.grpc_api.client import fresh_request_id

    if not respond_by and not resolve_by:
        raise fail("Expected --respond-by, --resolve-by or both, but there is neither")
    request = ChangeDeadlinesRequest(name=session.name("tasks", task), reason=reason)
    if respond_by:
        request.respond_by_time.FromDatetime(_to_come(respond_by, "--respond-by"))
    if resolve_by:
        request.resolve_by_time.FromDatetime(_to_come(resolve_by, "--resolve-by"))
    request.grant, request.request_id = grant_of(session, task, grant), request_id or fresh_request_id()
    answer = session.ask(session.client.tasks.ChangeDeadlines, request)
    now = "has other limits now" if answer.changed else "had these limits already"
    session.tell(answer, f"Task {task} {now} (position {answer.position}).")


def comment(
    session: Session,
    task: TaskNumber,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What there is to say, for all who look at the task.")],
    request_id: RequestId = "",
) -> None:
    """Somebody says something about a task."""
    from paidan.v1.tasks_pb2 import CommentTaskRequest

    from adapters.grpc_api.client import fresh_request_id

    request = CommentTaskRequest(
        name=session.name("tasks", task), text=text, request_id=request_id or fresh_request_id()
    )
    answer = session.ask(session.client.tasks.CommentTask, request)
    session.tell(answer, f"It is said of task {task} (position {answer.position}).")


def merge(
    session: Session,
    duplicates: Annotated[
        list[str], typer.Argument(metavar="TASK[=GRANT]...", help="Numbers of the duplicates; all or none are merged.")
    ],
    *,
    into: Annotated[int, typer.Option("--into", min=1, metavar="TASK", help="Number of the task that goes on.")],
    reason: Reason = "",
    request_id: RequestId = "",
) -> None:
    """A supervisor ends duplicates in favour of one task."""
    from paidan.v1.tasks_pb2 import DuplicateTask, MergeTasksRequest

    from adapters.grpc_api.client import fresh_request_id

    named = [numbered(text) for text in duplicates]
    request = MergeTasksRequest(
        parent=session.parent, into=into, reason=reason, request_id=request_id or fresh_request_id(),
        duplicates=[DuplicateTask(task=number, grant=grant_of(session, number, grant)) for number, grant in named],
    )  # fmt: skip
    answer = session.ask(session.client.tasks.MergeTasks, request)
    many = f"Task {named[0][0]} is" if len(named) == 1 else f"{len(named)} tasks are"
    session.tell(answer, f"{many} merged into task {into} (position {answer.position}).")


def _to_come(text: str, option: str) -> datetime:
    """A time without a zone is one of this machine's."""
    from engine.rules.durations import read_duration

    span = read_duration(text)
    try:
        moment = datetime.fromisoformat(text) if span is None else datetime.now(UTC) + timedelta(milliseconds=span)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        told = f"Expected {option} a time such as 2026-01-31T18:00, or 2h (from now), but got {text[:80]!r}"
        raise fail(told) from error
