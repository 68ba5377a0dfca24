"""Composition root and command line: puts the parts together, and nothing else.

``paidan serve`` runs five processes under one supervisor: the server (gRPC and the writer), the projector (views), the
importer (packages), the publisher (facts to NATS) and the connector (tasks from NATS, calls to the outside).
``--only`` runs one of them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from adapters.cli import app
from adapters.settings import flags

if TYPE_CHECKING:
    from adapters.operations.telemetry import Telemetry
    from adapters.processes.shared_server import SharedServer
    from adapters.settings.model import Settings
    from adapters.settings.sources import Resolved

os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")  # processes are started by exec; gRPC need not mind

PROGRAM = "server"
"""Module that the supervisor starts its children from: this one."""


class Role(StrEnum):
    """The processes that ``serve`` consists of."""

    SERVER = "server"
    PROJECTOR = "projector"
    IMPORTER = "importer"
    PUBLISHER = "publisher"
    CONNECTOR = "connector"


Only = Annotated[Role | None, typer.Option("--only", help="Run one process alone; it starts nothing that is embedded.")]
PrintConfig = Annotated[bool, typer.Option("--print-config", help="Show every setting and its source, and end.")]
AsJson = Annotated[bool, typer.Option("--json", help="Answer as JSON.")]


@app.command()
def serve(
    listen: flags.Listen = None,
    data: flags.Data = None,
    postgres: flags.Postgres = None,
    nats: flags.Nats = None,
    workspace: flags.Workspace = None,
    metrics: flags.Metrics = None,
    otlp: flags.Otlp = None,
    log_format: flags.LogFormat = None,
    log_level: flags.LogLevel = None,
    clock: flags.Clock = None,
    config: flags.Config = None,
    only: Only = None,
    print_config: PrintConfig = False,
    as_json: AsJson = False,
) -> None:
    """Serve a workspace until told to stop."""
    given = {"listen": listen, "data": data, "postgres": postgres, "nats": nats, "workspace": workspace}
    given |= {"metrics": metrics, "otlp": otlp, "log_format": log_format, "log_level": log_level, "clock": clock}
    if print_config:
        from adapters.settings.showing import show

        return show(_resolved(given, config), as_json)
    if only is None:
        return _serve_all(_resolved(given, config).settings, as_json)
    return _serve_one(only, _inherited() or _resolved(given, config).settings)


def _resolved(given: dict[str, Any], config: Path | None) -> Resolved:
    from adapters.settings.sources import WrongSettingsError, resolve

    try:
        return resolve(given, config)
    except WrongSettingsError as error:
        raise _wrong(str(error)) from error


def _inherited() -> Settings | None:
    from adapters.settings.sources import inherited

    return inherited()


def _wrong(told: str) -> typer.Exit:
    typer.echo("".join(f"paidan: {line}\n" for line in told.splitlines()), err=True, nl=False)
    return typer.Exit(2)


def _serve_all(settings: Settings, as_json: bool) -> None:
    import asyncio

    from adapters.operations.telemetry import Telemetry
    from adapters.processes.supervisor import Child, Supervisor
    from adapters.settings.sources import handed_down

    telemetry = Telemetry(settings, "supervisor")
    with ExitStack() as ending, _said_plainly():
        shared = ending.enter_context(telemetry.shared())
        used, parts = _with_embedded(settings, ending)
        roles = [role for role in Role if role not in NATS_ROLES or used.publishes]
        children = [Child(role.value, ("serve", "--only", role.value)) for role in roles]
        supervisor = Supervisor(children, PROGRAM, {**handed_down(used), **shared.environment})
        shared.show(supervisor)
        _announce(settings, used.nats, as_json)
        asyncio.run(supervisor.run(*(part.keep_running for part in parts)))


def _with_embedded(settings: Settings, ending: ExitStack) -> tuple[Settings, list[SharedServer]]:
    """Settings that name what was started here where nothing was named, and what has to be kept running."""
    from adapters.processes.embedded import EmbeddedPostgres
    from adapters.processes.embedded_nats import EmbeddedNats

    kinds: tuple[type[SharedServer], ...] = (EmbeddedPostgres, EmbeddedNats)
    parts = {kind.name: kind(settings.data) for kind in kinds if not getattr(settings, kind.name)}
    started = {}
    for name, part in parts.items():
        ending.callback(part.stop)
        started[name] = part.start()
    return settings.model_copy(update=started), list(parts.values())


@contextmanager
def _said_plainly() -> Iterator[None]:
    """What keeps a server from starting is told in a line."""
    try:
        yield
    except OSError as error:
        raise _wrong(str(error)) from error


def _announce(settings: Settings, nats: str, as_json: bool) -> None:
    import msgspec

    from adapters.settings.masking import masked

    facts = {"server": settings.listen, "workspace": settings.workspace, "data": str(settings.data)}
    facts["postgres"] = "given" if settings.postgres else "embedded"
    facts["nats"] = masked(nats)
    if settings.clock != "wall":
        facts["clock"] = settings.clock
        typer.echo("paidan: THE CLOCK IS DRIVEN BY CALLERS: this is a rehearsal", err=True)
    if as_json:
        return typer.echo(msgspec.json.encode(facts).decode())
    return typer.echo(
        "paidan: workspace {workspace} on {server}, data in {data}, {postgres} PostgreSQL, NATS {nats}; "
        "Ctrl-C stops".format(**facts)
    )


NATS_ROLES = (Role.PUBLISHER,)
"""Not started where NATS is off."""
NICENESS = {Role.SERVER: 0, Role.PROJECTOR: 5, Role.IMPORTER: 10, Role.PUBLISHER: 10, Role.CONNECTOR: 10}
"""What may lag goes after: on a busy machine a claim is answered first, and yet nobody is starved."""


NEEDED = {
    Role.SERVER: ("postgres",),
    Role.PROJECTOR: ("postgres",),
    Role.PUBLISHER: ("postgres", "nats"),
    Role.CONNECTOR: ("nats",),
}
"""Settings that a process alone cannot do without."""


def _serve_one(role: Role, settings: Settings) -> None:
    from adapters.operations.telemetry import Telemetry
    from adapters.settings.model import OFF

    for name in NEEDED.get(role, ()):
        if getattr(settings, name) in (("",) if role is Role.CONNECTOR else ("", *OFF)):
            raise _wrong(f"Expected --{name}, as one process alone starts nothing that is embedded, but there is none")
    os.nice(NICENESS[role])
    telemetry = Telemetry(settings, role.value)
    with _said_plainly(), telemetry.alone(role is Role.SERVER):
        RUN[role](settings, telemetry)


def _run_server(settings: Settings, telemetry: Telemetry) -> None:
    import uvloop

    from adapters.processes.api_process import serve_workspace

    uvloop.run(serve_workspace(settings, telemetry))


def _run_projector(settings: Settings, telemetry: Telemetry) -> None:
    from adapters.operations.followers import watch_views
    from adapters.views.projector import main as follow_the_log

    follow_the_log(settings.postgres, settings.workspace, watch=watch_views(telemetry))


def _run_importer(settings: Settings, _telemetry: Telemetry) -> None:
    from adapters.importing.importer_process import run_importer

    run_importer(settings.listen, settings.workspace, settings.spool)


def _run_publisher(settings: Settings, telemetry: Telemetry) -> None:
    from adapters.nats_bus.publisher import main as publish_the_log
    from adapters.nats_bus.stream import StreamLimits
    from adapters.operations.followers import watch_publisher

    kept = StreamLimits(settings.nats_keep_s, settings.nats_bytes, settings.nats_replicas)
    watch = watch_publisher(settings, telemetry)
    publish_the_log(settings.postgres, settings.nats, settings.workspace, limits=kept, watch=watch)


def _run_connector(settings: Settings, telemetry: Telemetry) -> None:
    from adapters.nats_bus.intake_streams import limits_of
    from adapters.processes.connector_process import Connecting, run_connector

    watchers: tuple[Any, ...] = ()
    if telemetry.metrics:
        from adapters.operations.metrics import IntakeMetrics, OutboundMetrics

        watchers = (IntakeMetrics(), OutboundMetrics())
    url = settings.nats if settings.publishes else ""
    limits = limits_of(settings.limits, settings.nats_replicas)
    told = (settings.listen, url, settings.workspace, limits, settings.limits, settings.secrets)
    run_connector(Connecting(*told, *watchers))


RUN = {
    Role.SERVER: _run_server,
    Role.PROJECTOR: _run_projector,
    Role.IMPORTER: _run_importer,
    Role.PUBLISHER: _run_publisher,
    Role.CONNECTOR: _run_connector,
}


@app.command()
def demo(
    data: flags.Data = None,
    listen: flags.Listen = None,
    workspace: flags.Workspace = None,
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

    used = _resolved({"data": data, "listen": listen, "workspace": workspace}, None).settings
    about = (rules, file, mapping, team, task_type, business_type, rows, agents, seed)
    raise typer.Exit(Demo(Plan(used.data, used.listen, used.workspace, *about), PROGRAM, as_json).run())


def main() -> None:
    """Entry point of ``paidan``."""
    app()


if __name__ == "__main__":
    main()
