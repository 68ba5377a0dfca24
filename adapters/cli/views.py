"""``paidan views``: list, rebuild."""

from __future__ import annotations

from typing import Annotated

import typer

from adapters.cli.options import RequestId
from adapters.cli.session import Session, remote

app = typer.Typer(help="Views: how far each has come; build one again.", no_args_is_help=True)


@app.command("list")
@remote
def list_views(session: Session) -> None:
    """How far each view has come."""
    from paidan.v1.audit_pb2 import ListViewsRequest

    from adapters.cli.rendering import field, number, time

    found = session.ask(session.client.audit.ListViews, ListViewsRequest(parent=session.parent))
    columns = [("view", field("view")), ("position#", number("view_position")), ("updated", time("update_time"))]
    session.show_rows(iter(found.views), columns, "No views yet.")
    if not session.as_json:
        session.say(f"The log's last position is {found.position:,}.")


@app.command("rebuild")
@remote
def rebuild(
    session: Session, view: Annotated[str, typer.Argument(help="Name of the view.")], request_id: RequestId = ""
) -> None:
    """Drop a view and build it again from the log, while the server runs."""
    from paidan.v1.audit_pb2 import RebuildViewRequest

    from adapters.cli.waiting import Steps

    request = RebuildViewRequest(name=session.name("views", view), request_id=request_id)
    last = None
    with Steps(quiet=session.as_json) as shown:
        for last in session.stream(session.client.audit.RebuildView, request):
            shown.at(f"building {view}", last.done, last.total)
    if last is not None:
        session.tell(last, f"View {view} is back in service at position {last.position}.")
