"""Pools: tasks waiting under a rule, in lanes of tasks that the same agents may take, each lane in its order.

Ageing makes the order static: a task that came ``ageing`` later needs one priority step more to be equal, so
``ages_from - priority * ageing`` never has to be computed again. A task of priority p is therefore overtaken only
by work that came at most (100 - p) * ageing after it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

import msgspec

from engine.state.order import Order, Starts
from engine.state.task import LaneKey, Task

__all__ = ["Lane", "LaneKey", "starts_of"]


def starts_of(tasks: Iterable[Task], ageing_ms: int) -> Starts:
    """The numbers of these tasks by their place in a lane with this ageing."""
    starts: dict[int, list[int]] = defaultdict(list)
    for task in tasks:
        starts[task.origin.ages_from - task.priority * ageing_ms].append(task.number)
    return starts


class Lane(msgspec.Struct):
    """Mutable, written only by ``engine.evolve``."""

    key: LaneKey
    order: Order = msgspec.field(default_factory=Order)
    stalled: str = ""
    """Why nobody may take from it, as last put on record; empty: not known to be stalled."""
    packages: dict[int, int] = {}
    """Package -> its tasks waiting here that no agent has had yet."""

    def count(self, package: int, more: int) -> None:
        """So many tasks of one package come in; less than 0: go out."""
        left = self.packages.get(package, 0) + more
        if left:
            self.packages[package] = left
        else:
            del self.packages[package]

    def numbers(self) -> Iterator[int]:
        """Task numbers, best first."""
        return (number for _, number in self.order)
