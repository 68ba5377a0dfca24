"""Load from a process of its own, so that who measures does not stand in the way of who is measured."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from itertools import takewhile
from multiprocessing import get_context
from multiprocessing.synchronize import Event
from typing import Any, NamedTuple

import uvloop

from benchmarks.load import scripts
from benchmarks.load.connection import Script, Times, drive

CLAIM_EVERY_S = 0.01
"""The single caller, whose claims are timed beside an import, rests so long after each."""
_end: Event | None = None


class Load:
    """Hands work to the process; ``end`` stops a caller that goes on until it is told."""

    def __init__(self, pool: ProcessPoolExecutor, end: Event) -> None:
        self._pool, self._end = pool, end

    def run(self, job: Any, *arguments: Any) -> Any:
        """The result of a function of this module."""
        return self._pool.submit(job, *arguments).result()

    def start_claims(self, address: str, tag: str, at_most: int) -> Future[Times]:
        """A single caller who claims at a steady pace until ``end``, or until there were so many."""
        self._end.clear()
        return self._pool.submit(single_claims, address, tag, at_most)

    def end(self) -> None:
        """Let the single caller finish."""
        self._end.set()


@contextmanager
def load_process() -> Iterator[Load]:
    """One process, ready before anything is timed."""
    context = get_context("spawn")
    end = context.Event()
    with ProcessPoolExecutor(1, context, _take, (end,)) as pool:
        pool.submit(int).result()
        yield Load(pool, end)


def echo(address: str, count: int, callers: int) -> Times:
    """Against the bare server."""
    return _drive(address, scripts.echoes(count), callers)


def single_echoes(address: str, count: int) -> Times:
    """One caller of the bare server, who rests as the one who claims does: a machine at rest is slow to wake."""
    return _drive(address, scripts.echoes(count), 1, CLAIM_EVERY_S)


def create(address: str, first: int, count: int) -> Times:
    """Fill the claim pool."""
    return _drive(address, scripts.creates(first, count, []), 64)


def claim_and_complete(address: str, tag: str, count: int, callers: int) -> tuple[Times, Times]:
    """Times of the claims, and of completing what was claimed; between them all is begun."""
    held: list[scripts.Held] = []
    claimed = _drive(address, scripts.claims(tag, count, held), callers)
    _drive(address, scripts.starts(held), callers)
    return claimed, _drive(address, scripts.completes(held), callers)


def live(address: str, tag: str, first: int, count: int, callers: int) -> Times:
    """Full lifecycles."""
    return _drive(address, scripts.lifecycles(tag, first, count), callers)


def single_claims(address: str, tag: str, at_most: int) -> Times:
    """One caller; the pool must hold as many tasks."""
    assert _end is not None
    going_on = takewhile(lambda _: not _end.is_set(), scripts.claims(tag, at_most, []))
    return _drive(address, going_on, 1, CLAIM_EVERY_S)


class Spread(NamedTuple):
    """Of many durations, milliseconds."""

    calls: int
    p50: float
    p99: float


def spread(seconds: list[float]) -> Spread:
    """Median and 99th percentile."""
    ordered = sorted(seconds)
    at = [ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1_000 for share in (0.5, 0.99)]
    return Spread(len(ordered), *at)


def _drive(address: str, todo: Iterator[Script], callers: int, pause: float = 0.0) -> Times:
    return uvloop.run(drive(address, todo, callers, pause))


def _take(end: Event) -> None:
    global _end  # noqa: PLW0603 - a process pool can hand an event over only so
    _end = end
