"""The due-index: what has to happen when, kept in order, one entry a (kind, task)."""

from __future__ import annotations

from collections.abc import Iterable

from sortedcontainers import SortedList

Timer = tuple[int, str, int]
"""(due in milliseconds, kind, task number)"""


class Timers:
    """A million entries cost nothing until they are due: only the first is ever looked at."""

    def __init__(self) -> None:
        self._order: SortedList = SortedList()
        self._due: dict[tuple[str, int], int] = {}

    def __len__(self) -> int:
        return len(self._order)

    def set(self, kind: str, number: int, due: int) -> None:
        """Put a timer, in place of the one of that kind the task had."""
        self.drop(kind, number)
        self._due[kind, number] = due
        self._order.add((due, kind, number))

    def drop(self, kind: str, number: int) -> None:
        """Take the timer out, if there is one."""
        due = self._due.pop((kind, number), None)
        if due is not None:
            self._order.remove((due, kind, number))

    def set_all(self, kind: str, dues: Iterable[tuple[int, int]]) -> None:
        """Put timers of (task number, due) for tasks that have none of that kind."""
        new = [(due, kind, number) for number, due in dues]
        self._due.update(((kind, number), due) for due, _, number in new)
        self._order.update(new)

    def drop_all(self, kind: str, numbers: Iterable[int]) -> None:
        """Take out the timers of that kind that these tasks have."""
        if self._due:
            for number in numbers:
                self.drop(kind, number)

    def next_due(self) -> int | None:
        """When the first timer is due."""
        return self._order[0][0] if self._order else None

    def due(self, now: int, limit: int) -> list[Timer]:
        """The first ``limit`` timers due at ``now``, in order."""
        end = self._order.bisect_right((now, "￿", 0))
        return list(self._order[: min(end, limit)])

    def entries(self) -> list[Timer]:
        """All timers, in order."""
        return list(self._order)
