"""A real ``paidan serve`` on a database of its own, its processes, and what they use of the machine."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from time import perf_counter

import psutil
import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from adapters.grpc_api.client import Client
from adapters.grpc_api.readiness import wait_until_serving
from adapters.processes.embedded import start_postgres, stop_postgres

WORKSPACE = "bench"
PARENT = f"workspaces/{WORKSPACE}"
PATIENCE_S = 600.0
LOOK_S = 10.0
"""Between two looks at whether a server that is starting still runs."""
POSTGRES = "postgres"
"""Role of all processes of PostgreSQL together."""


class Server:
    """``paidan serve``; ``start`` returns when the workspace is owned."""

    def __init__(self, directory: Path, dsn: str, workspace: str = WORKSPACE, options: Sequence[str] = ()) -> None:
        """``options``: words of ``paidan serve`` beyond the usual."""
        self._words = ("--workspace", workspace, *options)
        self.dsn, self.address = dsn, _free_address()
        self.starting_s = 0.0
        """How long the last start took until it served."""
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        self._client: Client | None = None

    @property
    def client(self) -> Client:
        """Asks this server."""
        if self._client is None:
            self._client = Client(self.address, "bench")
        return self._client

    def start(self) -> Server:
        """Raises RuntimeError where it does not come up."""
        began = perf_counter()
        data = self._directory / "data"
        data.mkdir(parents=True, exist_ok=True)
        words = (
            "serve",
            "--listen",
            self.address,
            "--data",
            str(data),
            "--postgres",
            self.dsn,
            *self._words,
        )
        with (self._directory / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                (sys.executable, "-m", "server", *words),
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        while not wait_until_serving(self.address, LOOK_S):
            if self._process.poll() is not None:
                said = (self._directory / "server.log").read_text()
                raise RuntimeError(f"Expected the server to come up, but it ended\n{said}")
        self.starting_s = perf_counter() - began
        return self

    def stop(self) -> None:
        """Stop it in good order."""
        if self._client is not None:
            self._client.close()
            self._client = None
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(PATIENCE_S)
            self._process = None

    def cpu(self) -> Counter[str]:
        """Seconds of CPU that each role has used so far."""
        return Counter({role: sum(map(_cpu, processes)) for role, processes in self._roles().items()})

    def memory(self) -> dict[str, int]:
        """Bytes each role holds; PostgreSQL without what its processes share."""
        return {role: sum(map(_own_memory, processes)) for role, processes in self._roles().items()}

    def _roles(self) -> dict[str, list[psutil.Process]]:
        assert self._process is not None
        found: dict[str, list[psutil.Process]] = {POSTGRES: _postgres(self.dsn)}
        for process in psutil.Process(self._process.pid).children(recursive=True):
            found.setdefault(_role(process), []).append(process)
        return found


@contextmanager
def cluster() -> Iterator[tuple[Path, str]]:
    """A directory and the DSN of a PostgreSQL in it; both are gone afterwards."""
    directory = Path(tempfile.mkdtemp(prefix="paidan-bench-"))
    directory.chmod(0o755)
    try:
        yield directory, start_postgres(directory)
    finally:
        stop_postgres(directory)
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def database(dsn: str, name: str) -> Iterator[str]:
    """DSN of an empty database in the same PostgreSQL."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name)))
        connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
    yield make_conninfo(dsn, dbname=name)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))
        connection.execute("CHECKPOINT")


@contextmanager
def serving(
    directory: Path, dsn: str, name: str, workspace: str = WORKSPACE, options: Sequence[str] = ()
) -> Iterator[Server]:
    """A running server on a database of its own."""
    with database(dsn, name) as own:
        server = Server(directory / name, own, workspace, options).start()
        try:
            yield server
        finally:
            server.stop()
            shutil.rmtree(directory / name, ignore_errors=True)


def _role(process: psutil.Process) -> str:
    with suppress(psutil.Error):
        words = process.cmdline()
        if "--only" in words:
            return words[words.index("--only") + 1]
        return "nats" if any("nats-server" in word for word in words) else "other"
    return "other"


def _postgres(dsn: str) -> list[psutil.Process]:
    """The postmaster and its children."""
    with psycopg.connect(dsn) as connection:
        postmaster = psutil.Process(connection.info.backend_pid).parent()
    assert postmaster is not None
    return [postmaster, *postmaster.children()]


def _cpu(process: psutil.Process) -> float:
    """Its own, and that of children that have ended."""
    with suppress(psutil.Error):
        return float(sum(process.cpu_times()[:4]))
    return 0.0


def _own_memory(process: psutil.Process) -> int:
    with suppress(psutil.Error):
        used = process.memory_info()
        return int(used.rss - used.shared if "postgres" in process.name() else used.rss)
    return 0


def _free_address() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"
