"""Pools: tasks waiting under a rule, in lanes of tasks that the same agents may take, each lane in its order.

Ageing makes the order static: a task that came ``ageing`` later needs one priority step more to be equal, so
``ages_from - priority * ageing`` never has to be computed again. A task of priority p is therefore overtaken only
by work that came at most (100 - p) * ageing after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
from sortedcontainers import SortedList

from engine.events import AttributeValue

LaneKey = tuple[str | None, int, tuple[AttributeValue, ...]]
"""(rule id or None for no rule, relax stage, values of the rule's lane attributes)"""

NO_RULE: LaneKey = (None, 0, ())

_NUMBER_BITS = 40
_NUMBER_MASK = (1 << _NUMBER_BITS) - 1


def rank_of(ages_from: int, priority: int, ageing_ms: int, number: int) -> int:
    """Place in the lane, smaller first; the task's number breaks ties and stands in the low bits."""
    return ((ages_from - priority * ageing_ms) << _NUMBER_BITS) | number


def number_of(rank: int) -> int:
    """The task number in a rank."""
    return rank & _NUMBER_MASK


def start_of(rank: int) -> int:
    """The ageing-adjusted time in a rank, in milliseconds."""
    return rank >> _NUMBER_BITS


class Lane(msgspec.Struct):
    """Mutable, written only by ``engine.evolve``."""

    key: LaneKey
    order: SortedList = msgspec.field(default_factory=SortedList)
    """Ranks, best first."""
    stalled: str = ""
    """Why nobody may take from it, as last put on record; empty: not known to be stalled."""
    packages: dict[int | None, int] = {}
    """Package -> its tasks waiting here."""

    def add(self, ranks: Iterable[int], package: int | None, count: int) -> None:
        """Tasks of one package come in."""
        self.order.update(ranks)
        self.packages[package] = self.packages.get(package, 0) + count

    def take(self, ranks: list[int], package: int | None) -> None:
        """Tasks of one package go out; cheap where they are the lane's first, as they are after a round."""
        left = self.packages[package] - len(ranks)
        if left:
            self.packages[package] = left
        else:
            del self.packages[package]
        ranks.sort()
        last = len(ranks) - 1
        if self.order[0] == ranks[0] and self.order[last] == ranks[last]:
            del self.order[: last + 1]
            return
        for rank in ranks:
            self.order.remove(rank)

    def numbers(self) -> Iterator[int]:
        """Task numbers, best first."""
        return (number_of(rank) for rank in self.order)
