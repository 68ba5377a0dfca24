"""A million timers that wait: memory, a tick with none due, and ten thousand due at once. Part of `make bench-scale`.

    python -m benchmarks.timers [--timers 1000000] [--due 10000] [--out FILE]

Deadlines, recycles and locks of tasks in one workspace, on PostgreSQL. What falls due is done by the server's own
writer, in the event loop that callers share; beside it stands a heap of as many tuples.
"""

from __future__ import annotations

import argparse
import asyncio
import heapq
import tracemalloc
from collections import Counter
from collections.abc import Callable, Sequence
from copy import deepcopy
from pathlib import Path
from time import perf_counter, process_time
from typing import NamedTuple

from rich.console import Console

from adapters.log.event_log import EventLog
from adapters.log.writer import Writer
from benchmarks.apart import apart
from benchmarks.machine import machine
from benchmarks.report import REPOSITORY, put
from benchmarks.served import cluster, database
from benchmarks.waiting import ALL_LATE, LATE, LOCKS_END, RECYCLED, WORKSPACE, Clock, Scene, sizes_of
from engine.commands import Order, Tick
from engine.decide import Context, decide
from engine.decide.judge import Judge
from engine.events import Recorded
from engine.reactions import ROUND
from engine.state import State
from engine.state.timers import Timer

TIMERS, DUE = 1_000_000, 10_000
MARKS = ("<!-- timers: written by `make bench-scale` -->", "<!-- end of timers -->")
BEAT_S = 0.001
"""Between two looks at whether the event loop is held up."""
TIMES = 10_000


class Wave(NamedTuple):
    """Timers of one kind that fell due at once, with all that follows from it."""

    name: str
    events: Counter[str]
    cpu: float
    """Seconds of the writer's process: deciding, encoding, appending."""
    durable: float
    """Seconds until the last event of it was durable."""
    held: float
    """Longest time that nobody else had the event loop, in seconds."""


class Found(NamedTuple):
    """Bytes a timer; seconds an operation."""

    timers: int
    due: int
    bytes: float
    heap_bytes: float
    look: float
    heap_look: float
    none_due: float
    late: int
    many_due: float
    """One tick with ``late`` timers due."""
    heap_pop: float
    """As many off a heap as fell due."""
    waves: list[Wave]


def measure(dsn: str, timers: int, due: int) -> Found:
    """In this process, on an empty database."""
    return asyncio.run(_measure(dsn, timers, due))


async def _measure(dsn: str, timers: int, due: int) -> Found:
    log, clock = EventLog(dsn, WORKSPACE), Clock()
    log.create()
    writer = Writer(log, WORKSPACE, clock)
    await writer.open()
    scene = Scene(writer, clock)
    await scene.fill(sizes_of(timers, due))
    state = writer.state
    heap = _heap(state)
    found = Found(
        len(heap), due, _bytes(lambda: deepcopy(state.timers)) / len(heap), _bytes(lambda: _heap(state)) / len(heap),
        _each(state.timers.next_due), _each(lambda: heap[0]), _each(lambda: _tick(state, clock.now)),
        sum(at <= ALL_LATE for at, _, _ in heap), _once(lambda: _tick(state, ALL_LATE)),
        _once(lambda: [heapq.heappop(heap) for _ in range(due)]),
        [await _wave(scene, *wave) for wave in (("locks", LOCKS_END), ("recycles", RECYCLED), ("deadlines", LATE))],
    )  # fmt: skip
    await writer.close()
    log.close()
    return found


async def _wave(scene: Scene, name: str, at: int) -> Wave:
    """The clock is put forward; wait until all that follows is done."""
    await scene.at_rest()
    durable = Durable()
    scene.writer.followers.append(durable.note)
    beat = asyncio.create_task(durable.beat())
    cpu, started = process_time(), perf_counter()
    scene.clock.now = at
    await scene.ask(Tick(0))
    await scene.at_rest()
    beat.cancel()
    scene.writer.followers.remove(durable.note)
    return Wave(name, durable.events, process_time() - cpu, durable.last - started, durable.held)


class Durable:
    """What became durable, when the last of it did, and how long the event loop was held up."""

    def __init__(self) -> None:
        self.events: Counter[str] = Counter()
        self.last = perf_counter()
        self.held = 0.0

    def note(self, events: Sequence[Recorded]) -> None:
        """A follower of the writer."""
        self.events.update(type(one.event).__name__ for one in events)
        self.last = perf_counter()

    async def beat(self) -> None:
        """Until cancelled."""
        while True:
            before = perf_counter()
            await asyncio.sleep(BEAT_S)
            self.held = max(self.held, perf_counter() - before - BEAT_S)


def _tick(state: State, now: int) -> None:
    """Decide, and leave everything as it is."""
    decide(state, Order(Tick(ROUND), "bench"), Context(now, Judge()))


def _heap(state: State) -> list[Timer]:
    """The floor: a tuple a timer."""
    heap = state.timers.entries()
    heapq.heapify(heap)
    return heap


def _bytes(make: Callable[[], object]) -> int:
    """What it takes to keep it; numbers of tasks are the tasks' own."""
    tracemalloc.start()
    made = make()
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    del made
    return held


def _once(call: Callable[[], object]) -> float:
    started = perf_counter()
    call()
    return perf_counter() - started


def _each(call: Callable[[], object]) -> float:
    started = perf_counter()
    for _ in range(TIMES):
        call()
    return (perf_counter() - started) / TIMES


def found_apart(dsn: str, timers: int = TIMERS, due: int = DUE) -> Found:
    """Measured in a process and a database of its own."""
    with database(dsn, "timers") as own:
        return apart(measure, own, timers, due)


def report(found: Found) -> list[str]:
    """A line a thing, its floor and the ratio beside it."""
    lines = [
        f"| {found.timers:,} timers wait | Paidan | a heap of as many tuples | ratio |", "|---|---|---|---|",
        _line("memory a timer", found.bytes, found.heap_bytes, "bytes", 1),
        _line("when the next is due", found.look, found.heap_look, "us", 1e6),
        f"| a tick with none due | {found.none_due * 1e6:.1f} us | | |",
        f"| the first tick with {found.late:,} due: {ROUND} of them decided | {found.many_due * 1e3:.1f} ms | | |",
    ]  # fmt: skip
    lines += [
        _line(f"{found.due:,} {wave.name} at once, CPU", wave.cpu, found.heap_pop, "ms", 1e3) for wave in found.waves
    ]
    return [*lines, "", *_waves(found)]


def _line(name: str, ours: float, floor: float, unit: str, times: float) -> str:
    return f"| {name} | {ours * times:.2f} {unit} | {floor * times:.2f} {unit} | {ours / floor:,.1f} x |"


def _waves(found: Found) -> list[str]:
    lines = [
        f"| {found.due:,} due at once | until durable | CPU a timer | longest hold of the event loop | events |",
        "|---|---|---|---|---|",
    ]
    for wave in found.waves:
        made = ", ".join(f"{count:,} {name}" for name, count in sorted(wave.events.items()))
        each = f"{wave.cpu / found.due * 1e6:.1f} us"
        lines.append(f"| {wave.name} | {wave.durable:.2f} s | {each} | {wave.held * 1e3:.0f} ms | {made} |")
    return lines


def main() -> None:
    """Run and print."""
    given = _arguments()
    console = Console()
    with cluster() as (directory, dsn):
        where = machine(directory, dsn)
        console.print(f"machine: {where}", highlight=False, soft_wrap=True)
        lines = report(found_apart(dsn, given.timers, given.due))
    console.print("\n".join(lines), highlight=False, markup=False, soft_wrap=True)
    out = given.out or (REPOSITORY / "docs" / "benchmarks.md" if (given.timers, given.due) == (TIMERS, DUE) else None)
    if out is not None:
        put(out, MARKS, [f"Measured on {where}.", "", *lines])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--timers", type=int, default=TIMERS, help="Timers that wait.")
    parser.add_argument("--due", type=int, default=DUE, help="As many of each kind fall due at once.")
    parser.add_argument(
        "--out", type=Path, help="Page to put the tables into; default: docs/benchmarks.md for a million."
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
