"""``paidan tasks``: an agent answers an offer."""

from __future__ import annotations

from typing import Annotated

import typer

from adapters.cli.holding import held
from adapters.cli.options import Grant, Holder, RequestId, TaskNumber
from adapters.cli.session import Session, remote

Why = Annotated[str, typer.Option("--note", help="Why, for those who read the log.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the group."""
    app.command("accept")(remote(accept))
    app.command("reject")(remote(reject))


def accept(
    session: Session, task: TaskNumber, agent: Holder = "", grant: Grant = None, request_id: RequestId = ""
) -> None:
    """An agent takes a task that it is offered."""
    from paidan.v1.tasks_pb2 import AcceptOfferRequest

    from adapters.grpc_api.client import fresh_request_id

    agent, grant = held(session, task, agent, grant)
    request = AcceptOfferRequest(
        name=session.name("tasks", task), agent=agent, grant=grant, request_id=request_id or fresh_request_id()
    )
    answer = session.ask(session.client.tasks.AcceptOffer, request)
    session.tell(answer, f"{agent} holds task {task} under grant {grant} (position {answer.position}).")


def reject(
    session: Session, task: TaskNumber, *, agent: Holder = "", grant: Grant = None, note: Why = "",
    request_id: RequestId = "",
) -> None:  # fmt: skip
    """An agent lets an offer pass; the next one is asked."""
    from paidan.v1.tasks_pb2 import RejectOfferRequest

    from adapters.grpc_api.client import fresh_request_id

    agent, grant = held(session, task, agent, grant)
    request = RejectOfferRequest(
        name=session.name("tasks", task), agent=agent, grant=grant, note=note,
        request_id=request_id or fresh_request_id(),
    )  # fmt: skip
    answer = session.ask(session.client.tasks.RejectOffer, request)
    session.tell(answer, f"{agent} has let task {task} pass (position {answer.position}).")
