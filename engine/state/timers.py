"""The due-index: what has to happen when, kept in order, one entry a (kind, task)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from itertools import chain, islice

from sortedcontainers import SortedDict

RELAX = "relax"
"""A waiting task takes its rule's next, wider targets."""
RECYCLE = "recycle"
"""Nobody has begun work on an assigned task."""
ESCALATE = "escalate"
"""A step of the escalation falls due."""
UNLOCK = "unlock"
"""A lock ends."""
OFFER = "offer"
"""Nobody has accepted an offered task."""
CLOSE = "close"
"""The requester was silent, or no supervisor looked: a completed task is over."""
CALLBACK = "callback"
"""Nobody has said what came of asking outside."""
DELIVERY = "delivery"
"""Nobody has said what came of telling a result. The number is not a task's, but that of ``Calls.results``."""

Timer = tuple[int, str, int]
"""(due in milliseconds, kind, task number or key of a result)"""


_BLOCK = 12
"""Bits of a task number within its block."""


class Timers:
    """A million entries cost nothing until they are due: only the first are ever looked at.

    Tasks that came to wait together are due together, so they stand in one set; a set holds at most a block of 4,096
    numbers, so that however many are due in one instant, taking the first of them is quick.
    """

    def __init__(self) -> None:
        self._due: SortedDict = SortedDict()
        """(due, kind, block) -> task numbers."""

    def __len__(self) -> int:
        return sum(map(len, self._due.values()))

    def set_all(self, kind: str, due: int, numbers: Iterable[int]) -> None:
        """Put timers for tasks that have none of that kind."""
        for block, some in _blocks(numbers).items():
            self._due.setdefault((due, kind, block), set()).update(some)

    def drop_all(self, kind: str, due: int, numbers: Iterable[int]) -> None:
        """Take out timers that are there."""
        for block, some in _blocks(numbers).items():
            left = self._due[due, kind, block]
            left.difference_update(some)
            if not left:
                del self._due[due, kind, block]

    def next_due(self) -> int | None:
        """When the first timer is due."""
        due: int | None = self._due.peekitem(0)[0][0] if self._due else None
        return due

    def due(self, now: int, limit: int) -> list[Timer]:
        """The first ``limit`` timers due at ``now``, in order."""
        keys = self._due.irange(maximum=(now, "\uffff"))
        return list(islice(chain.from_iterable(map(self._entries, keys)), limit))

    def entries(self) -> list[Timer]:
        """All timers, in order."""
        return [entry for key in self._due for entry in self._entries(key)]

    def _entries(self, key: tuple[int, str, int]) -> list[Timer]:
        due, kind, _ = key
        return [(due, kind, number) for number in sorted(self._due[key])]


def _blocks(numbers: Iterable[int]) -> dict[int, list[int]]:
    blocks: dict[int, list[int]] = defaultdict(list)
    for number in numbers:
        blocks[number >> _BLOCK].append(number)
    return blocks
