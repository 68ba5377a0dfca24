"""``paidan tasks``: create, list, show, watch, claim, start, complete, reassign, cancel. More: keeping, supervising."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from adapters.cli import keeping, offering, supervising
from adapters.cli.holding import grant_of, held
from adapters.cli.options import Filter, Grant, Holder, Limit, OrderBy, Reason, RequestId, TaskNumber
from adapters.cli.pairs import pairs_of, values_of
from adapters.cli.session import Session, fail, remote
from adapters.cli.task_watch import watch

app = typer.Typer(help="Single tasks, from creation to completion.", no_args_is_help=True)

GivenAgent = Annotated[str, typer.Argument(metavar="AGENT", help="Id of the agent.")]


@app.command("create")
@remote
def create(
    session: Session,
    task_type: Annotated[str, typer.Argument(metavar="[TYPE]", help="Task type.")] = "",
    *,
    file: Annotated[
        Path | None,
        typer.Option(
            "--file", exists=True, dir_okay=False, help="Tasks as JSON objects, one a line: all are created, or none."
        ),
    ] = None,
    business_type: Annotated[str, typer.Option("--business-type")] = "",
    attribute: Annotated[
        list[str],
        typer.Option(
            "--attribute", "-a", metavar="NAME=VALUE", help="An attribute; the value is YAML: 3, 3.0, true, [a, b]."
        ),
    ] = [],  # noqa: B006
    customer: Annotated[str, typer.Option("--customer", help="Customer number.")] = "",
    owner: Annotated[str, typer.Option("--owner", help="Account manager: an agent id.")] = "",
    region: Annotated[str, typer.Option("--region")] = "",
    priority: Annotated[
        int | None, typer.Option("--priority", min=0, max=100, help="Default: that of the task type.")
    ] = None,
    request_id: RequestId = "",
) -> None:
    """Create one task, or all that stand in a file."""
    if bool(task_type) == bool(file):
        raise fail("Expected either a TYPE or a --file of tasks, but got " + ("both" if file else "neither"))
    if file is not None:
        _create_all(session, file, request_id)
        return
    from paidan.v1.tasks_pb2 import CreateTaskRequest

    from adapters.grpc_api.client import fresh_request_id
    from adapters.grpc_api.values import to_values

    request = CreateTaskRequest(
        parent=session.parent, task_type=task_type, business_type=business_type,
        attributes=to_values(values_of(attribute)), customer=customer, owner=owner, region=region, priority=priority,
        request_id=request_id or fresh_request_id(),
    )  # fmt: skip
    answer = session.ask(session.client.tasks.CreateTask, request)
    session.tell(answer, f"Task {answer.number} is created (position {answer.position}).")


def _create_all(session: Session, file: Path, request_id: str) -> None:
    from adapters.cli.task_files import create_all
    from adapters.grpc_api.client import fresh_request_id

    answer = create_all(session, file, request_id or fresh_request_id())
    numbers = f"{answer.numbers[0]} to {answer.numbers[-1]}"
    session.tell(answer, f"{len(answer.numbers)} tasks are created, {numbers} (position {answer.position}).")


app.command("watch")(watch)


@app.command("list")
@remote
def list_tasks(
    session: Session,
    filter: Filter = "",  # noqa: A002
    order_by: OrderBy = "",
    limit: Limit = 50,
    status: Annotated[
        str, typer.Option("--status", help="Only those: pooled, offered, assigned, in_progress ...")
    ] = "",
) -> None:
    """Tasks that a filter selects."""
    from paidan.v1.tasks_pb2 import ListTasksRequest

    from adapters.cli.task_columns import TASK_COLUMNS

    if status:
        filter = f"status = {json.dumps(status)}" + (f" AND ({filter})" if filter else "")  # noqa: A001
    request = ListTasksRequest(parent=session.parent, filter=filter, order_by=order_by)
    session.show_rows(
        session.pages(session.client.tasks.ListTasks, request, "tasks", limit), TASK_COLUMNS, "No such tasks."
    )


@app.command("show")
@remote
def show(session: Session, task: TaskNumber) -> None:
    """Everything about one task."""
    from paidan.v1.tasks_pb2 import GetTaskRequest

    from adapters.cli.task_columns import TASK_FIELDS

    request = GetTaskRequest(name=session.name("tasks", task))
    session.show_record(session.query(session.client.tasks.GetTask, request).task, TASK_FIELDS)


@app.command("claim")
@remote
def claim(
    session: Session,
    agent: GivenAgent,
    task: Annotated[int, typer.Option("--task", min=0, help="The task wanted; 0: the first of the pools open.")] = 0,
    request_id: RequestId = "",
) -> None:
    """An agent takes a task from a claim pool."""
    from paidan.v1.tasks_pb2 import ClaimTaskRequest

    from adapters.grpc_api.client import fresh_request_id

    request = ClaimTaskRequest(
        parent=session.parent, agent=agent, task=task, request_id=request_id or fresh_request_id()
    )
    answer = session.ask(session.client.tasks.ClaimTask, request)
    session.tell(answer, f"{agent} holds task {answer.number} under grant {answer.grant}.")


@app.command("start")
@remote
def start(
    session: Session, task: TaskNumber, agent: Holder = "", grant: Grant = None, request_id: RequestId = ""
) -> None:
    """An agent begins work on a task that it holds."""
    from paidan.v1.tasks_pb2 import StartTaskRequest

    from adapters.grpc_api.client import fresh_request_id

    agent, grant = held(session, task, agent, grant)
    request = StartTaskRequest(
        name=session.name("tasks", task), agent=agent, grant=grant, request_id=request_id or fresh_request_id()
    )
    answer = session.ask(session.client.tasks.StartTask, request)
    session.tell(answer, f"{agent} works on task {task} (position {answer.position}).")


@app.command("complete")
@remote
def complete(
    session: Session,
    task: TaskNumber,
    *,
    wrap_up: Annotated[
        list[str], typer.Option("--wrap-up", "-w", metavar="FIELD=VALUE", help="A field of the rule's wrap-up.")
    ] = [],  # noqa: B006
    agent: Holder = "",
    grant: Grant = None,
    request_id: RequestId = "",
) -> None:
    """An agent ends its work on a task."""
    from paidan.v1.tasks_pb2 import CompleteTaskRequest

    from adapters.grpc_api.client import fresh_request_id

    fields = pairs_of(wrap_up, "--wrap-up")
    agent, grant = held(session, task, agent, grant)
    request = CompleteTaskRequest(
        name=session.name("tasks", task), agent=agent, grant=grant, wrap_up=fields,
        request_id=request_id or fresh_request_id(),
    )  # fmt: skip
    answer = session.ask(session.client.tasks.CompleteTask, request)
    session.tell(answer, f"Task {task} is completed (position {answer.position}).")


@app.command("reassign")
@remote
def reassign(
    session: Session, task: TaskNumber, agent: GivenAgent, *, grant: Grant = None, reason: Reason = "",
    request_id: RequestId = "",
) -> None:  # fmt: skip
    """A supervisor gives a task to an agent."""
    from paidan.v1.tasks_pb2 import ReassignTaskRequest

    from adapters.grpc_api.client import fresh_request_id

    request = ReassignTaskRequest(
        name=session.name("tasks", task), agent=agent, grant=grant_of(session, task, grant), reason=reason,
        request_id=request_id or fresh_request_id(),
    )  # fmt: skip
    answer = session.ask(session.client.tasks.ReassignTask, request)
    session.tell(answer, f"{agent} holds task {task} under grant {answer.grant}.")


@app.command("cancel")
@remote
def cancel(
    session: Session, task: TaskNumber, grant: Grant = None, reason: Reason = "", request_id: RequestId = ""
) -> None:
    """Take a task out of the system."""
    from paidan.v1.tasks_pb2 import CancelTaskRequest

    from adapters.grpc_api.client import fresh_request_id

    request = CancelTaskRequest(
        name=session.name("tasks", task), grant=grant_of(session, task, grant), reason=reason,
        request_id=request_id or fresh_request_id(),
    )  # fmt: skip
    answer = session.ask(session.client.tasks.CancelTask, request)
    session.tell(answer, f"Task {task} is cancelled (position {answer.position}).")


keeping.register(app)
offering.register(app)
supervising.register(app)
