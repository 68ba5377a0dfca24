"""The main job: a package is imported, ruled on, assigned, durable and queryable. Beside it a raw COPY of its rows."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, sleep
from typing import NamedTuple

import psycopg

from benchmarks.desk import import_package, until_at_rest
from benchmarks.echo import echo_server
from benchmarks.load import runs
from benchmarks.load.runs import Load, Spread, spread
from benchmarks.served import PATIENCE_S, Server

MEMORY_EVERY_S = 0.25
QUIET_S, QUIET = 1.0, 0.1
"""A server is quiet when its processes use less than a tenth of a core for a second."""


class Import(NamedTuple):
    """One package, from handing it in until its last row is seen in every view."""

    rows: int
    assigned: int
    seconds: float
    cpu: Counter[str]
    """Seconds by role, PostgreSQL as one of them."""
    peak: dict[str, int]
    """Bytes by role."""

    @property
    def cpu_per_task(self) -> float:
        """Microseconds over all roles."""
        return self.cpu.total() / self.rows * 1e6


class Peak(threading.Thread):
    """The most that each role held, looked at four times a second."""

    def __init__(self, server: Server) -> None:
        super().__init__(daemon=True)
        self._server, self._end = server, threading.Event()
        self.bytes: dict[str, int] = {}

    def run(self) -> None:
        while not self._end.wait(MEMORY_EVERY_S):
            for role, held in self._server.memory().items():
                self.bytes[role] = max(self.bytes.get(role, 0), held)

    def stop(self) -> dict[str, int]:
        """What was seen."""
        self._end.set()
        self.join()
        return self.bytes


def timed_import(server: Server, package: Path) -> Import:
    """A package on a server at rest."""
    until_quiet(server)
    return _timed(server, package)


def _timed(server: Server, package: Path, at_rest: Callable[[], None] = lambda: None) -> Import:
    """Import a package and wait until all of it is seen, and then until all of it is published, which is not timed."""
    peak = Peak(server)
    peak.start()
    before, started = server.cpu(), perf_counter()
    last = until_at_rest(server.client, import_package(server.client, package))
    seconds = perf_counter() - started
    at_rest()
    until_quiet(server)
    return Import(last.rows, last.distributed, seconds, server.cpu() - before, peak.stop())


def until_quiet(server: Server) -> None:
    """Wait until no process of the server has much to do: what was published late is not charged to what comes next."""
    end, used = perf_counter() + PATIENCE_S, server.cpu().total()
    while perf_counter() < end:
        sleep(QUIET_S)
        before, used = used, server.cpu().total()
        if used - before < QUIET_S * QUIET:
            return
    raise TimeoutError(f"Expected the server to come to rest within {PATIENCE_S:g} s, but it is still at work")


def raw_copy(dsn: str, package: Path, rounds: int = 3) -> float:
    """Seconds, the best of some: the floor."""
    header, _, body = package.read_bytes().partition(b"\n")
    columns = ", ".join(f"{name} text" for name in header.decode().split(","))
    taken = []
    with psycopg.connect(dsn, autocommit=True) as connection:
        for _ in range(rounds):
            connection.execute(f"CREATE TABLE floor ({columns})")
            started = perf_counter()
            with connection.cursor().copy("COPY floor FROM STDIN (FORMAT csv)") as copy:
                copy.write(body)
            taken.append(perf_counter() - started)
            connection.execute("DROP TABLE floor")
    return min(taken)


def echoes_idle(load: Load, count: int) -> Spread:
    """A single caller of the bare echo: what a call alone costs on a machine at rest."""
    with echo_server() as echo:
        return spread(load.run(runs.single_echoes, echo, count).scripts)


def claims_idle(server: Server, load: Load, tag: str, count: int) -> Spread:
    """A single caller, and nothing else going on."""
    return spread(load.start_claims(server.address, tag, count).result().scripts)


def claims_during(server: Server, load: Load, package: Path, at_most: int) -> tuple[Spread, Import]:
    """A single caller while a package is imported."""
    until_quiet(server)
    claiming = load.start_claims(server.address, "during", at_most)
    try:
        done = _timed(server, package, load.end)
    finally:
        load.end()
    return spread(claiming.result().scripts), done
