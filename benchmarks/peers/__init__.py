"""The same job by others on the same PostgreSQL. Each module knows one of them; none is imported but to be measured.

``run(dsn, package, jobs)`` enqueues (or imports) so many rows of the package and hands every one of them out.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

BATCH = 1_000
"""Rows handed over in one call, where a peer takes several."""


class PeerRun(NamedTuple):
    """What a peer needed."""

    name: str
    jobs: int
    enqueue_s: float
    hand_out_s: float

    @property
    def rate(self) -> float:
        """Jobs a second through both."""
        return self.jobs / (self.enqueue_s + self.hand_out_s)


def rows_of(package: Path, jobs: int) -> list[bytes]:
    """The first rows of a package, without its header."""
    with package.open("rb") as lines:
        next(lines)
        return [line.rstrip() for line in islice(lines, jobs)]


def batches(rows: list[bytes], size: int = BATCH) -> Iterator[list[bytes]]:
    """In order, ``size`` at a time."""
    return (rows[start : start + size] for start in range(0, len(rows), size))
