"""Flags of ``serve`` and ``demo``. None means not given: environment, file and defaults are looked at then."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer


def _flag(*names: str, variable: str, text: str, **more: Any) -> Any:
    return typer.Option(*names, help=f"{text} \\[env: {variable}]", show_default=False, **more)


Listen = Annotated[
    str | None,
    _flag(
        "--listen",
        "--server",
        variable="PAIDAN_LISTEN",
        metavar="HOST:PORT",
        text="gRPC address, 127.0.0.1:7411 unless given.",
    ),
]
Data = Annotated[
    Path | None,
    _flag("--data", variable="PAIDAN_DATA", text="Directory for the spool and what is embedded, .paidan unless given."),
]
Postgres = Annotated[
    str | None,
    _flag("--postgres", variable="PAIDAN_POSTGRES", metavar="DSN", text="PostgreSQL to use; else an embedded one."),
]
Nats = Annotated[
    str | None,
    _flag("--nats", variable="PAIDAN_NATS", metavar="URL", text="NATS to publish to, or off; else an embedded one."),
]
Workspace = Annotated[
    str | None, _flag("--workspace", variable="PAIDAN_WORKSPACE", text="Workspace to serve, default unless given.")
]
Metrics = Annotated[
    str | None,
    _flag("--metrics", variable="PAIDAN_METRICS", metavar="HOST:PORT", text="Prometheus, /healthz and /readyz there."),
]
Otlp = Annotated[
    str | None, _flag("--otlp", variable="PAIDAN_OTLP", metavar="URL", text="OTLP/gRPC endpoint for traces; else none.")
]
LogFormat = Annotated[
    str | None,
    _flag(
        "--log-format", variable="PAIDAN_LOG_FORMAT", metavar="auto|console|json", text="Form of the lines on stderr."
    ),
]
LogLevel = Annotated[
    str | None,
    _flag("--log-level", variable="PAIDAN_LOG_LEVEL", metavar="debug|info|warning|error", text="The least written."),
]
Clock = Annotated[
    str | None,
    _flag(
        "--clock",
        variable="PAIDAN_CLOCK",
        metavar="wall|driven",
        text="driven: as late as callers say, in rehearsals alone (docs/operations.md).",
    ),
]
Config = Annotated[
    Path | None,
    typer.Option(
        "--config", envvar="PAIDAN_CONFIG", show_default=False, help="Settings as TOML; flags and PAIDAN_… go first."
    ),
]
