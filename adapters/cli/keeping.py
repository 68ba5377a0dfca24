"""``paidan tasks``: what an agent may do with work that he does not go on with: hand it over, lock it, unlock it."""

from __future__ import annotations

from typing import Annotated

import typer

from adapters.cli.durations import milliseconds_of
from adapters.cli.holding import held, numbered
from adapters.cli.options import Grant, Holder, RequestId, TaskNumber
from adapters.cli.session import REFUSED, Session, fail, remote

Note = Annotated[str, typer.Option("--note", help="For whoever has to do with it next.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the group."""
    app.command("handover")(remote(hand_over))
    app.command("lock")(remote(lock))
    app.command("unlock")(remote(unlock))


def hand_over(
    session: Session,
    tasks: Annotated[
        list[str], typer.Argument(metavar="TASK[=GRANT]...", help="Numbers of the tasks; all or none are handed over.")
    ],
    *,
    agent: Holder = "",
    grant: Grant = None,
    note: Note = "",
    to_agent: Annotated[str, typer.Option("--to-agent", help="Who is to have them.")] = "",
    to_rule: Annotated[str, typer.Option("--to-rule", help="Into whose pool they go.")] = "",
    request_id: RequestId = "",
) -> None:
    """An agent gives tasks out of hand: back to the pool, to another agent, or to another rule's pool."""
    from paidan.v1.tasks_pb2 import HandOverTasksRequest, HeldTask

    from adapters.grpc_api.client import fresh_request_id

    if to_agent and to_rule:
        raise fail("Expected --to-agent or --to-rule, but both are given")
    holder, grants = _all_held(session, [numbered(text) for text in tasks], agent, grant)
    request = HandOverTasksRequest(
        parent=session.parent, agent=holder, note=note, to_agent=to_agent, to_rule=to_rule,
        tasks=[HeldTask(task=number, grant=named) for number, named in grants],
        request_id=request_id or fresh_request_id(),
    )  # fmt: skip
    answer = session.ask(session.client.tasks.HandOverTasks, request)
    many = f"task {grants[0][0]}" if len(grants) == 1 else f"{len(grants)} tasks"
    session.tell(answer, f"{holder} has handed over {many} (position {answer.position}).")


def lock(
    session: Session,
    task: TaskNumber,
    period: Annotated[str, typer.Option("--for", metavar="DURATION", help="From now on: 90s, 30m, 1h30m.")],
    *,
    agent: Holder = "",
    grant: Grant = None,
    note: Note = "",
    request_id: RequestId = "",
) -> None:
    """An agent keeps a task for a while; its time limit runs on."""
    from google.protobuf.duration_pb2 import Duration
    from paidan.v1.tasks_pb2 import LockTaskRequest

    from adapters.cli.rendering import local
    from adapters.grpc_api.client import fresh_request_id

    seconds = milliseconds_of(period, "--for") // 1_000
    agent, grant = held(session, task, agent, grant)
    request = LockTaskRequest(
        name=session.name("tasks", task), agent=agent, grant=grant, period=Duration(seconds=seconds), note=note,
        request_id=request_id or fresh_request_id(),
    )  # fmt: skip
    answer = session.ask(session.client.tasks.LockTask, request)
    session.tell(answer, f"{agent} keeps task {task} until {local(answer.locked_until)} (position {answer.position}).")


def unlock(
    session: Session, task: TaskNumber, agent: Holder = "", grant: Grant = None, request_id: RequestId = ""
) -> None:
    """An agent ends a lock early."""
    from paidan.v1.tasks_pb2 import UnlockTaskRequest

    from adapters.grpc_api.client import fresh_request_id

    agent, grant = held(session, task, agent, grant)
    request = UnlockTaskRequest(
        name=session.name("tasks", task), agent=agent, grant=grant, request_id=request_id or fresh_request_id()
    )
    answer = session.ask(session.client.tasks.UnlockTask, request)
    session.tell(answer, f"Task {task} is unlocked, and {agent} holds it still (position {answer.position}).")


def _all_held(
    session: Session, tasks: list[tuple[int, int | None]], agent: str, grant: int | None
) -> tuple[str, list[tuple[int, int]]]:
    """Who holds the tasks, and each with its grant, as far as they are not given."""
    holders: dict[str, int] = {}
    grants = []
    for number, named in tasks:
        holder, found = held(session, number, agent, grant if named is None else named)
        holders.setdefault(holder, number)
        grants.append((number, found))
    if len(holders) > 1:
        told = " and ".join(f"{holder} holds task {number}" for holder, number in holders.items())
        raise fail(f"Expected one agent to hold all of them, but {told}", REFUSED)
    return next(iter(holders)), grants
