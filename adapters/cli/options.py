"""Options that every command has, declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from adapters.settings.defaults import DEFAULT_SERVER, DEFAULT_WORKSPACE

__all__ = ["DEFAULT_SERVER", "DEFAULT_WORKSPACE"]

Server = Annotated[str, typer.Option("--server", envvar="PAIDAN_SERVER", metavar="HOST:PORT", help="Server to ask.")]
WorkspaceName = Annotated[str, typer.Option("--workspace", envvar="PAIDAN_WORKSPACE", help="Workspace to work in.")]
Actor = Annotated[str, typer.Option("--actor", envvar="PAIDAN_ACTOR", help="In whose name; it stands in the log.")]
AsJson = Annotated[bool, typer.Option("--json", help="Answer as JSON, one object a line.")]

RequestId = Annotated[
    str, typer.Option("--request-id", help="Makes a repeat harmless: it gets the first answer. Default: a fresh one.")
]
Holder = Annotated[str, typer.Option("--agent", help="Id of the agent. Default: whoever holds it.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, for those who read the log.")]
Grant = Annotated[
    int | None, typer.Option("--grant", min=0, help="Grant of the assignment. Default: the one now in force.")
]
Filter = Annotated[str, typer.Option("--filter", help='Which, in AIP-160, such as: status = "pooled" AND rule = "r1"')]
OrderBy = Annotated[str, typer.Option("--order-by", help="Order, such as: priority desc")]
Limit = Annotated[int, typer.Option("--limit", min=0, help="At most this many; 0: all.")]
TaskNumber = Annotated[int, typer.Argument(min=1, metavar="TASK", help="Number of the task.")]
PackageNumber = Annotated[int, typer.Argument(min=1, metavar="PACKAGE", help="Number of the package.")]
File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)]
