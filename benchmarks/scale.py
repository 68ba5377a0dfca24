"""How it grows: 10,000, 100,000, 1,000,000 open tasks and up to 10,000 agents.

    python -m benchmarks.scale [--sizes 10000,100000,1000000] [--out FILE]

At each size a fresh server takes a package of so many rows. Then: what a task has cost each process, what they hold in
memory, what a claim takes, what the next 10,000 rows cost, how long a restart takes with all of it open beside decode
alone of the same log, and how long all views take to catch up from nothing. At last a million timers (``timers``).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from benchmarks import replay, timers
from benchmarks.apart import apart
from benchmarks.desk import make_package, open_desk
from benchmarks.imports import Import, claims_idle, raw_copy, timed_import
from benchmarks.load import runs
from benchmarks.load.runs import Load, Spread, load_process
from benchmarks.machine import machine
from benchmarks.report import REPOSITORY, put
from benchmarks.served import Server, cluster, serving
from benchmarks.steps import Steps

SIZES = (10_000, 100_000, 1_000_000)
MARKS = ("<!-- scale: written by `make bench-scale` -->", "<!-- end of scale -->")
STEPS = 4
MIB = 2**20


class Size(NamedTuple):
    """What was found with so many tasks open."""

    rows: int
    agents: int
    floor: float
    """Seconds of a raw COPY."""
    first: Import
    next: Import
    claim: Spread
    memory: dict[str, int]
    start: float
    """Seconds until an empty server serves."""
    restart: float
    """Seconds from the start of the program until it serves."""
    replay: replay.Replay
    catch_up: float


Line = tuple[str, Callable[[Size], str]]
"""What it is, and how it stands at a size."""


class Scale:
    """One PostgreSQL and one load process for all sizes."""

    def __init__(self, directory: Path, dsn: str, load: Load, steps: Steps, probe: int, claims: int) -> None:
        self._directory, self._dsn, self._load, self._steps = directory, dsn, load, steps
        self._probe, self._claims = probe, claims

    def measure(self, rows: int) -> Size:
        """Everything at one size."""
        agents = max(100, rows // 100)
        package = make_package(self._directory, rows, agents)
        self._steps.begin(f"{rows:,} tasks: import")
        with serving(self._directory, self._dsn, f"scale_{rows}") as server:
            start, floor = server.starting_s, raw_copy(server.dsn, package)
            open_desk(server.client, agents)
            self._load.run(runs.create, server.address, 1, self._claims)
            first = timed_import(server, package)
            self._told(f"{rows:,} rows in {first.seconds:.1f} s, {first.cpu_per_task:.1f} us of CPU a task")
            claim, more = self._with_all_open(server, rows, agents)
            memory = server.memory()
            restart, log, caught = self._from_the_log(server, rows)
        return Size(rows, agents, floor, first, more, claim, memory, start, restart, log, caught)

    def _with_all_open(self, server: Server, rows: int, agents: int) -> tuple[Spread, Import]:
        self._steps.begin(f"{rows:,} tasks: claims, and {self._probe:,} rows more")
        claim = claims_idle(server, self._load, "idle", self._claims)
        more = timed_import(server, make_package(self._directory, self._probe, agents, 2))
        self._told(f"a claim: p99 {claim.p99:.1f} ms; the next rows: {more.cpu_per_task:.1f} us of CPU a task")
        return claim, more

    def _from_the_log(self, server: Server, rows: int) -> tuple[float, replay.Replay, float]:
        self._steps.begin(f"{rows:,} tasks: restart")
        server.stop()
        restart = server.start().starting_s
        server.stop()
        log = apart(replay.replay, server.dsn, 1)
        self._told(f"restart {restart:.1f} s; replay {log.replay:.1f} s, decode alone {log.decode:.1f} s")
        self._steps.begin(f"{rows:,} tasks: views from nothing")
        caught = apart(replay.catch_up, server.dsn)
        self._told(f"views from nothing: {caught:.1f} s")
        return restart, log, caught

    def _told(self, line: str) -> None:
        self._steps.told(line)


def main() -> None:
    """Run and print."""
    given = _arguments()
    sizes = tuple(int(size) for size in given.sizes.split(","))
    console = Console()
    with cluster() as (directory, dsn), load_process() as load:
        where = machine(directory, dsn)
        console.print(f"machine: {where}", highlight=False, soft_wrap=True)
        steps = Steps(console, STEPS * len(sizes) + 1)
        scale = Scale(directory, dsn, load, steps, given.probe, given.claims)
        with steps.running():
            found = [scale.measure(size) for size in sizes]
            steps.begin(f"{timers.TIMERS:,} timers")
            waiting = timers.found_apart(dsn)
            steps.told(f"{waiting.timers:,} timers: {waiting.bytes:.0f} bytes each")
    lines, of_timers = report(found), timers.report(waiting)
    console.print("\n".join([*lines, "", *of_timers]), highlight=False, markup=False, soft_wrap=True)
    out = given.out or (REPOSITORY / "docs" / "benchmarks.md" if sizes == SIZES else None)
    if out is not None:
        put(out, MARKS, [f"Measured on {where}.", "", *lines])
        put(out, timers.MARKS, [f"Measured on {where}.", "", *of_timers])


def report(found: Sequence[Size]) -> list[str]:
    """A line a thing, a column a size."""
    lines = [f"| | {' | '.join(f'{size.rows:,} tasks' for size in found)} |", "|---|" + "---|" * len(found)]
    for name, cell in (*_STAGES, *_processes(found)):
        lines.append(f"| {name} | {' | '.join(map(cell, found))} |")
    return lines


def _processes(found: Sequence[Size]) -> list[Line]:
    """CPU a task and memory of each process."""
    roles = sorted(set().union(*(size.memory for size in found)))
    costs: list[Line] = [(f"CPU a task, {role}", partial(_cost, role)) for role in roles]
    return costs + [(f"memory at rest / at most, {role}", partial(_memory, role)) for role in roles]


def _cost(role: str, size: Size) -> str:
    return f"{size.first.cpu[role] / size.rows * 1e6:.1f} us"


def _speed(size: Size) -> str:
    return f"{size.first.seconds:.1f} s, {size.rows / size.first.seconds:,.0f} rows/s"


def _memory(role: str, size: Size) -> str:
    return f"{size.memory.get(role, 0) / MIB:,.0f} / {size.first.peak.get(role, 0) / MIB:,.0f} MiB"


_STAGES: tuple[Line, ...] = (
    ("agents", lambda size: f"{size.agents:,}"),
    ("import until all is seen", _speed),
    ("beside a raw COPY", lambda size: f"{size.first.seconds / size.floor:.1f} x"),
    ("the next rows, until seen", lambda size: f"{size.next.seconds:.2f} s for {size.next.rows:,}"),
    ("CPU a task of the next rows", lambda size: f"{size.next.cpu_per_task:.1f} us"),
    ("a claim with all open, p50 / p99", lambda size: f"{size.claim.p50:.1f} / {size.claim.p99:.1f} ms"),
    ("start of an empty server", lambda size: f"{size.start:.1f} s"),
    ("restart until it serves", lambda size: f"{size.restart:.1f} s"),
    ("decode alone of the log", lambda size: f"{size.replay.decode:.1f} s, {size.replay.bytes / 1e6:,.0f} MB"),
    ("replay", lambda size: f"{size.replay.replay:.1f} s, {size.replay.facts / size.replay.replay:,.0f} facts/s"),
    ("views from nothing", lambda size: f"{size.catch_up:.1f} s"),
    ("CPU a task, all processes", lambda size: f"{size.first.cpu_per_task:.1f} us"),
)  # fmt: skip


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="Rows, by comma.")
    parser.add_argument("--probe", type=int, default=10_000, help="Rows of the package that follows.")
    parser.add_argument("--claims", type=int, default=1_000, help="Claims timed at each size.")
    parser.add_argument(
        "--out", type=Path, help="Page to put the table into; default: docs/benchmarks.md for all sizes."
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
