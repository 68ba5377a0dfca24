"""A package: an imported list and how far it has come."""

from __future__ import annotations

from typing import Literal

import msgspec

from engine.events import PackageRegistered

PackageStatus = Literal[
    "initialized", "parsing", "parsed", "distributing", "distributed", "partly_distributed", "failed", "withdrawn"
]

IMPORTING: frozenset[str] = frozenset({"initialized", "parsing"})
OVER: frozenset[str] = frozenset({"failed", "withdrawn"})


class Package(msgspec.Struct):
    """Mutable, written only by ``engine.evolve``. A chunk's tasks have consecutive numbers."""

    registered: PackageRegistered
    registered_at: int
    status: PackageStatus = "initialized"
    chunks: int = 0
    """Chunks in; the next one expected."""
    spans: list[tuple[int, int]] = []
    """(first task, one past the last) of its tasks, in order of import."""
    rows: int = 0
    rejected: int = 0
    pooled_through: int = 0
    """Number of its last task that was put into a pool."""
    distributed: int = 0
    """Rows that were ever given to an agent."""
    waiting: int = 0
    """Rows in pools that were never given to an agent."""
    calling: int = 0
    """Rows that somebody outside is being asked about."""
    swept_through: int = 0
    """After a withdrawal: number of its last task looked at."""

    def tasks_after(self, number: int, limit: int) -> list[int]:
        """The next ``limit`` task numbers above ``number``."""
        found: list[int] = []
        for first, end in self.spans:
            found.extend(range(max(first, number + 1), min(end, max(first, number + 1) + limit - len(found))))
            if len(found) >= limit:
                break
        return found

    @property
    def last_task(self) -> int:
        """0 while it has none."""
        return self.spans[-1][1] - 1 if self.spans else 0
