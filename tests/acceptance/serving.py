"""A real ``paidan serve`` with all its processes, and ways to ask it and to ill-treat it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import psutil  # type: ignore[import-untyped]
import psycopg
from typer.testing import CliRunner, Result

from adapters.cli import app
from adapters.grpc_api.client import Client
from adapters.grpc_api.readiness import wait_until_serving
from adapters.log.event_log import EventLog
from adapters.log.schemas import schema_of

PATIENCE_S = 60.0
EXAMPLES = Path(__file__).parents[2] / "examples"


@contextmanager
def directory() -> Iterator[Path]:
    """A directory of its own that PostgreSQL's user may enter too."""
    made = Path(tempfile.mkdtemp(prefix="paidan-acceptance-"))
    made.chmod(0o755)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def free_address() -> str:
    """An address nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


def until(holds: Callable[[], object], what: str, seconds: float = PATIENCE_S, said: Callable[[], str] = str) -> None:
    """Wait for something that comes by itself; ``said``: what to tell where it does not."""
    end = monotonic() + seconds
    while not holds():
        assert monotonic() < end, f"Expected {what} within {seconds:g} s\n{said()}"
        sleep(0.02)


class Paidan:
    """``paidan serve`` on a data directory; with an embedded PostgreSQL unless one is given."""

    def __init__(
        self, data: Path, workspace: str = "default", postgres: str = "", nats: str = "", options: tuple[str, ...] = ()
    ) -> None:
        """``options``: words of ``paidan serve`` beyond the usual."""
        self.data, self.workspace, self._postgres = data, workspace, postgres
        given = {"--postgres": postgres, "--nats": nats}
        self._given = [word for option, value in given.items() if value for word in (option, value)]
        self._given += options
        self.address = free_address()
        self.parent = f"workspaces/{workspace}"
        self.log_file = data / f"server-{self.address.rpartition(':')[2]}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._client: Client | None = None

    @property
    def pid(self) -> int:
        """Of the supervisor."""
        assert self._process is not None
        return self._process.pid

    @property
    def client(self) -> Client:
        """Asks this server."""
        if self._client is None:
            self._client = Client(self.address, "tester")
        return self._client

    def start(self, serving: bool = True) -> Paidan:
        """Start all processes; ``serving``: wait until the workspace is owned."""
        self.data.mkdir(parents=True, exist_ok=True)
        options = ["--listen", self.address, "--data", str(self.data), "--workspace", self.workspace]
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "server", "serve", *options, *self._given],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        assert not serving or wait_until_serving(self.address, PATIENCE_S), self.said()
        return self

    def stop(self) -> int:
        """Stop in good order; gives the exit code."""
        if self._client is not None:
            self._client.close()
            self._client = None
        if self._process is None:
            return 0
        self._process.terminate()
        code = self._process.wait(PATIENCE_S)
        self._process = None
        return code

    def kill_supervisor(self) -> list[psutil.Process]:
        """SIGKILL to its whole process group; gives the children it leaves, which end by themselves.

        The embedded NATS, like the embedded PostgreSQL, may be shared and stays.
        """
        children = psutil.Process(self.pid).children(recursive=True)
        left: list[psutil.Process] = [child for child in children if child.name() != "nats-server"]
        os.killpg(self.pid, signal.SIGKILL)
        assert self._process is not None
        self._process.wait(PATIENCE_S)
        self._process = None
        return left

    def said(self) -> str:
        """What its processes wrote to stderr."""
        return self.log_file.read_text()

    def process(self, role: str) -> psutil.Process:
        """The server, projector or importer process."""
        for child in psutil.Process(self.pid).children():
            words = child.cmdline()
            if "--only" in words and words[words.index("--only") + 1] == role:
                return child
        raise LookupError(f"Expected a {role} process, but there is none now")

    def run(self, *words: str, code: int = 0, timeout: float = PATIENCE_S) -> subprocess.CompletedProcess[str]:
        """A command as typed in a terminal; its exit code is checked."""
        options = ("--server", self.address, "--workspace", self.workspace)
        found = paidan(*words, *options, timeout=timeout)
        assert found.returncode == code, (words, found.returncode, found.stdout, found.stderr)
        return found

    def told(self, *words: str) -> list[dict[str, Any]]:
        """What a command says as JSON, line by line; the command runs in this process, which is quicker."""
        found = self._typed(*words, "--json")
        assert found.exit_code == 0, (words, found.exit_code, found.output)
        return [json.loads(line) for line in found.stdout.splitlines()]

    def refused(self, *words: str, code: int = 1) -> str:
        """What a command says on stderr that ends with this exit code; in this process too."""
        found = self._typed(*words)
        assert found.exit_code == code and not found.stdout, (words, found.exit_code, found.output)
        return found.stderr

    def wrong(self) -> dict[str, str]:
        """What ``verify`` finds wrong, by subject; nothing where all is well."""
        found = self._typed("verify", "--json")
        assert found.stdout, found.output
        findings = json.loads(found.stdout)["findings"]
        wrong = {finding["subject"]: finding["message"] for finding in findings if not finding["ok"]}
        assert found.exit_code == bool(wrong), found.output
        return wrong

    def _typed(self, *words: str) -> Result:
        return CliRunner().invoke(app, [*words, "--server", self.address, "--workspace", self.workspace])

    def dsn(self) -> str:
        """Of the PostgreSQL in use."""
        return self._postgres or f"postgresql://postgres:@/postgres?host={self.data / 'postgres'}"

    @contextmanager
    def database(self) -> Iterator[psycopg.Connection[Any]]:
        """A connection that sees the workspace's tables."""
        options = f"-c search_path={schema_of(self.workspace)}"
        with psycopg.connect(self.dsn(), autocommit=True, options=options) as connection:
            yield connection

    @contextmanager
    def log(self) -> Iterator[EventLog]:
        """The workspace's log, read from outside."""
        log = EventLog(self.dsn(), self.workspace)
        try:
            yield log
        finally:
            log.close()

    def caught_up(self) -> int:
        """Wait until every view has come to where the log ends now; gives that position."""
        with self.log() as log, self.database() as connection:
            head = log.head()
            until(lambda: _least(connection) >= head, f"views at position {head}")
            return head


def _least(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute("SELECT coalesce(min(position), 0) FROM view_positions").fetchone()
    return int(row[0]) if row else 0


def paidan(*words: str, timeout: float = PATIENCE_S, **environment: str) -> subprocess.CompletedProcess[str]:
    """A run of the program."""
    return subprocess.run(
        [sys.executable, "-m", "server", *words],
        capture_output=True, text=True, timeout=timeout, check=False, env={**os.environ, **environment},
    )  # fmt: skip
