"""Which package a task belongs to: spans of numbers, as chunks are imported one after another."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence

from engine import events as ev
from engine.events import Recorded
from projections.port import Cursor

DDL = """
CREATE TABLE package_spans (first bigint PRIMARY KEY, last bigint NOT NULL, package bigint NOT NULL);
"""
_SPANS = "SELECT first, last, package FROM package_spans WHERE last >= %s AND first <= %s ORDER BY first"
_KEEP_SPANS = """
INSERT INTO package_spans SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[])
ON CONFLICT (first) DO UPDATE SET last = excluded.last
"""


class Spans:
    """Task number -> package, over the numbers a batch speaks of."""

    def __init__(self, spans: Iterable[tuple[int, int, int]]) -> None:
        self._spans = {first: (last, package) for first, last, package in spans}
        self._firsts = sorted(self._spans)
        self._changed: dict[int, None] = {}

    def add(self, first: int, last: int, package: int) -> None:
        """Numbers of a chunk, higher than all before; a chunk right behind one of its package extends that span."""
        before = self._firsts[-1] if self._firsts else 0
        if before and self._spans[before] == (first - 1, package):
            first = before
        else:
            self._firsts.append(first)
        self._spans[first] = (last, package)
        self._changed[first] = None

    def count(self, tasks: Iterable[int]) -> Counter[int]:
        """Package -> how many of the tasks are its; tasks that came alone are left out."""
        numbers = sorted(tasks)
        counts: Counter[int] = Counter()
        place = max(bisect_right(self._firsts, numbers[0]) - 1, 0) if numbers else len(self._firsts)
        for first in self._firsts[place:]:
            last, package = self._spans[first]
            counts[package] += bisect_right(numbers, last) - bisect_left(numbers, first)
            if last >= numbers[-1]:
                break
        return +counts

    def packages(self) -> set[int]:
        """Packages that have a span here."""
        return {package for _, package in self._spans.values()}

    def write(self, cursor: Cursor) -> None:
        if self._changed:
            rows = [(first, *self._spans[first]) for first in self._changed]
            cursor.execute(_KEEP_SPANS, list(map(list, zip(*rows, strict=True))))


def spans_of(cursor: Cursor, batch: Sequence[Recorded]) -> Spans:
    """Spans that the batch's tasks may lie in, and the one that its first chunk may extend."""
    low, high = 0, 0
    for recorded in batch:
        event = recorded.event
        if isinstance(event, ev.TasksAllocated):
            least, most = min(event.tasks), max(event.tasks)
            low, high = min(low or least, least), max(high, most)
        elif isinstance(event, ev.TasksImported):
            low, high = min(low or event.first_task, event.first_task - 1), max(high, event.first_task - 1)
    if not high:
        return Spans(())
    cursor.execute(_SPANS, [low, high])
    return Spans(cursor.fetchall())
