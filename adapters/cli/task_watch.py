"""``paidan tasks watch``: an agent's work as it comes and goes."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer

from adapters.cli.session import Session, remote

if TYPE_CHECKING:
    from paidan.v1.tasks_pb2 import AssignmentChange, Task, WatchAssignmentsResponse


@remote
def watch(
    session: Session,
    agent: Annotated[str, typer.Option("--agent", help="Id of the agent whose work is shown.")],
    start: Annotated[
        int, typer.Option("--from", min=0, help="Go on after this position; 0: begin with what the agent holds.")
    ] = 0,
) -> None:
    """An agent's work: what it holds, and every change as it comes. Ctrl-C ends it."""
    from paidan.v1.tasks_pb2 import WatchAssignmentsRequest

    from adapters.grpc_api.client import CallError

    position = start
    with suppress(KeyboardInterrupt):
        request = WatchAssignmentsRequest(parent=session.parent, agent=agent, from_position=start)
        try:
            for message in session.stream(session.client.tasks.WatchAssignments, request):
                _show(session, message)
                position = message.position or position
        except CallError:
            if position:
                typer.echo(f"paidan: the stream ended; go on with --from {position}", err=True)
            raise


def _show(session: Session, message: WatchAssignmentsResponse) -> None:
    if session.as_json:
        session.show_json(message)
        return
    for task in message.snapshot.tasks:
        session.say(f"{message.position or '':>8}  {'holds':<12} {_task_line(task)}")
    if message.HasField("snapshot") and message.position:
        session.say(f"{message.position:>8}  that is all it holds; what changes follows")
    for change in message.changes:
        session.say(f"{change.position:>8}  {change.kind.replace('_', ' '):<12} {_change_line(change)}")


def _change_line(change: AssignmentChange) -> str:
    if change.HasField("task"):
        return f"{_task_line(change.task)}{_said(by=change.method)}"
    return f"{change.number:>8}{_said(to=change.given_to, reason=change.reason)}"


def _task_line(task: Task) -> str:
    from adapters.cli.rendering import said

    who = " ".join(filter(None, (task.customer, task.person_masked.full_name, task.person_masked.mobile)))
    told = _said(priority=task.priority or "", rule=task.rule, customer=who, grant=task.grant)
    return f"{task.number:>8}  {task.type}{told}  {said(task.attributes)}".rstrip()


def _said(**words: Any) -> str:
    return "".join(f"  {name} {word}" for name, word in words.items() if word)
