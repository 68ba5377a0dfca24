"""The order in which a lane's tasks have their turn: by start, then by number.

Tasks of one package and priority have the same start, and come and go in the order of their numbers. So they stand in
rows: most of what happens to a lane is that numbers are put after a row's last, or cut off at its front.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping

from sortedcontainers import SortedDict

Starts = Mapping[int, list[int]]
"""Start -> task numbers. Start is the ageing-adjusted time in milliseconds; smaller comes first."""


class Order:
    """Task numbers in order."""

    __slots__ = ("_count", "_rows")

    def __init__(self) -> None:
        self._rows: SortedDict = SortedDict()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """(start, number), first turn first."""
        for start, row in self._rows.items():
            for number in row:
                yield start, number

    def rows(self) -> Iterator[tuple[int, list[int]]]:
        """(start, its numbers), first turn first."""
        return iter(self._rows.items())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Order) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # it changes

    def __repr__(self) -> str:
        return f"Order({dict(self._rows)})"

    def first(self) -> tuple[int, int]:
        """(start, number) of the first. Raises IndexError where there is none."""
        start, row = self._rows.peekitem(0)
        return start, row[0]

    def add(self, starts: Starts) -> None:
        """Put in numbers that are not there yet."""
        for start, numbers in starts.items():
            numbers.sort()
            row = self._rows.setdefault(start, [])
            in_turn = not row or row[-1] < numbers[0]
            row.extend(numbers)
            if not in_turn:
                row.sort()
            self._count += len(numbers)

    def remove(self, starts: Starts) -> None:
        """Take out numbers that are there."""
        for start, numbers in starts.items():
            numbers.sort()
            row = self._rows[start]
            _cut(row, numbers)
            if not row:
                del self._rows[start]
            self._count -= len(numbers)


def _cut(row: list[int], numbers: list[int]) -> None:
    at = bisect_left(row, numbers[0])
    if row[at : at + len(numbers)] == numbers:
        del row[at : at + len(numbers)]
        return
    for number in numbers:
        del row[bisect_left(row, number)]
