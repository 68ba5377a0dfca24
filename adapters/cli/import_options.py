"""Options of ``paidan packages import``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Uri = Annotated[str, typer.Argument(help="A path or URI that the server can read, or with --upload a file here.")]
TaskType = Annotated[str, typer.Option("--task-type", help="Type of the tasks that its rows become.")]
BusinessType = Annotated[str, typer.Option("--business-type", help="Business type of the tasks.")]
Segment = Annotated[str, typer.Option("--segment", help="Segment number. Default: the package's number.")]
Priority = Annotated[int, typer.Option("--priority", min=0, max=100, help="Of rows that name none.")]
Mapping = Annotated[
    Path | None, typer.Option("--mapping", exists=True, dir_okay=False, help="YAML file: which column holds what.")
]
Columns = Annotated[
    list[str],
    typer.Option(
        "--column", "-c", metavar="FIELD=COLUMN", help="customer, name, mobile, id_card, owner, region or priority."
    ),
]
Attributes = Annotated[
    list[str], typer.Option("--attribute", "-a", metavar="NAME=COLUMN", help="An attribute's column.")
]
Delimiter = Annotated[str, typer.Option("--delimiter", help="Default: found from the header line.")]
Encoding = Annotated[str, typer.Option("--encoding", help="utf-8 or gb18030. Default: found.")]
Upload = Annotated[bool, typer.Option("--upload", help="Send the file from here.")]
Follow = Annotated[bool, typer.Option("--follow/--no-follow", help="Stay until distribution has come to rest.")]
