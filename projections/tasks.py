"""What a task is: one row, written when it comes in and never changed; how it ended stands in a row beside it.

What the tasks of one event have in common (an *arrival*) is written once. A chunk's rows are made column by column:
five hundred rows are one text, and one look at it tells that nothing in it needs an escape.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from engine import events as ev
from engine.events import Recorded
from projections.attributes import attribute_column
from projections.copying import array_of, clean, copy_rows, row_of, rows_of
from projections.masking import masked_columns
from projections.port import TEXT, Cursor

DDL = f"""
CREATE TABLE arrivals (
    position bigint PRIMARY KEY, first bigint NOT NULL, last bigint NOT NULL, package bigint NOT NULL,
    created_at bigint NOT NULL, type {TEXT}, business_type {TEXT}
);
CREATE INDEX arrivals_of_package ON arrivals (package, first) WHERE package > 0;
CREATE TABLE tasks (
    number bigint PRIMARY KEY, position bigint NOT NULL, package bigint NOT NULL, line bigint NOT NULL,
    priority integer NOT NULL, customer {TEXT}, owner {TEXT}, region {TEXT}, attributes {TEXT},
    name_masked {TEXT}, mobile_masked {TEXT}, id_card_masked {TEXT}
);
CREATE TABLE endings (
    task bigint PRIMARY KEY, ended {TEXT}, ended_at bigint NOT NULL, ended_by bigint NOT NULL,
    pooling bigint NOT NULL, wrap_up {TEXT}
);
CREATE TABLE refusals (task bigint NOT NULL, position bigint NOT NULL, PRIMARY KEY (task, position));
"""
"""``tasks.position`` names the arrival. ``attributes`` and ``wrap_up`` are JSON kept as text: PostgreSQL would take as
long to parse them as to store the whole row. ``ended_by`` is the position of the event that ended the task;
``pooling`` where it waited when it ended without an agent. ``closed``: it was completed at that time, and there is
nothing more to come (see ``opinions``)."""

INDEXES = "CREATE INDEX tasks_by_customer ON tasks (customer, number);"

ROWS_OF_PACKAGE = """
{task} BETWEEN (SELECT first FROM arrivals WHERE package = %s AND package > 0 ORDER BY first LIMIT 1)
    AND (SELECT last FROM arrivals WHERE package = %s AND package > 0 ORDER BY first DESC LIMIT 1)"""
"""A package's rows have numbers between these, so no index over all tasks is needed to find them."""

_KINDS = """
SELECT t.number, r.type, r.business_type FROM tasks t JOIN arrivals r ON r.position = t.position
WHERE t.number = ANY(%s)
"""
_ENDS = "SELECT task, ended_at, ended_by FROM endings WHERE task = ANY(%s::bigint[])"
_CLOSE = "UPDATE endings SET ended = 'closed' WHERE task = ANY(%s::bigint[])"
_REOPEN = "DELETE FROM endings WHERE task = ANY(%s::bigint[])"
Kind = tuple[str, str]
"""(type, business type)"""


class End(NamedTuple):
    """How a task ended."""

    ended: str
    at: int
    position: int
    pooling: int
    wrap_up: str


class Arrivals(NamedTuple):
    """Tasks that one event brought: numbers from ``first`` on."""

    first: int
    event: ev.TaskCreated | ev.TasksImported
    rows: Sequence[ev.TaskRow]
    persons: Sequence[ev.Person | None]
    package: int
    recorded: Recorded

    @property
    def last(self) -> int:
        return self.first + len(self.rows) - 1

    @property
    def kind(self) -> Kind:
        return clean(self.event.task_type), clean(self.event.business_type)


class TaskRows:
    """New tasks of a batch, and tasks that ended in it."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self._new: list[Arrivals] = []
        self._firsts: list[int] = []
        self._kinds: dict[int, Kind] = {}
        self._packages: dict[int, Kind] = {}
        self.ends: dict[int, End] = {}
        self._ended: dict[int, tuple[int, int]] = {}
        """Of tasks that ended before and are opened again: when, and the event's position."""
        self._closed: list[int] = []
        self._reopened: list[int] = []
        self.refused: list[tuple[int, int]] = []

    def created(self, event: ev.TaskCreated, recorded: Recorded) -> None:
        """A task that came alone."""
        self._arrived(Arrivals(event.task, event, (event.row,), (event.person,), 0, recorded))

    def imported(self, event: ev.TasksImported, recorded: Recorded) -> None:
        """A chunk of a package."""
        if event.rows:
            self._arrived(Arrivals(event.first_task, event, event.rows, event.persons, event.package, recorded))

    def _arrived(self, some: Arrivals) -> None:
        self._new.append(some)
        self._firsts.append(some.first)

    def fetch_ends(self, tasks: Iterable[int]) -> None:
        """Read how those ended that the batch opens again."""
        wanted = list(tasks)
        if wanted:
            self._cursor.execute(_ENDS, [array_of(wanted)])
            self._ended = {task: (at, position) for task, at, position in self._cursor.fetchall()}

    def closed(self, tasks: Iterable[int]) -> None:
        """Completed tasks are over."""
        for task in tasks:
            if task in self.ends:
                self.ends[task] = self.ends[task]._replace(ended="closed")
            else:
                self._closed.append(task)

    def reopened(self, task: int) -> tuple[int, int]:
        """A completed task goes on; gives when it was completed, and the position of that."""
        end = self.ends.pop(task, None)
        if end is not None:
            return end.at, end.position
        self._reopened.append(task)
        return self._ended[task]

    def note_refused(self, event: ev.CommandRefused, recorded: Recorded) -> None:
        """A refusal on record that concerns a task is part of its history."""
        if event.task is not None:
            self.refused.append((event.task, recorded.position))

    def fetch_kinds(self, tasks: Iterable[int]) -> None:
        """Read the types of older tasks that the batch will ask for, all at once."""
        wanted = list(tasks)
        if wanted:
            self._cursor.execute(_KINDS, [wanted])
            self._kinds.update({number: (kind, business) for number, kind, business in self._cursor.fetchall()})

    def kind_of(self, number: int) -> Kind:
        """Type and business type of a task, of this batch or an older one."""
        place = bisect_right(self._firsts, number)
        if place and number <= self._new[place - 1].last:
            return self._new[place - 1].kind
        if number not in self._kinds:
            self.fetch_kinds((number,))
        return self._kinds[number]

    def kind_of_row(self, package: int, number: int) -> Kind:
        """The same for a row of a package, whose rows are all of one kind."""
        if package not in self._packages:
            self._packages[package] = self.kind_of(number)
        return self._packages[package]

    def write(self, cursor: Cursor) -> None:
        """Insert."""
        if self._new:
            copy_rows(cursor, "arrivals", map(_arrival_of, self._new))
            copy_rows(cursor, "tasks", map(_rows_of, self._new))
        for change, tasks in ((_REOPEN, self._reopened), (_CLOSE, self._closed)):
            if tasks:
                cursor.execute(change, [array_of(tasks)])
        if self.ends:
            rows = [row_of((number, *end)) + "\n" for number, end in self.ends.items()]
            copy_rows(cursor, "endings", rows)
        if self.refused:
            refused = list(map(list, zip(*self.refused, strict=True)))
            cursor.execute("INSERT INTO refusals SELECT * FROM unnest(%s::bigint[], %s::bigint[])", refused)


def _arrival_of(some: Arrivals) -> str:
    at, position = some.recorded.at, some.recorded.position
    return row_of((position, some.first, some.last, some.package, at, *some.kind)) + "\n"


def _rows_of(some: Arrivals) -> str:
    """All rows of an arrival."""
    rows, count = some.rows, len(some.rows)
    return rows_of((
        list(map(str, range(some.first, some.last + 1))), [str(some.recorded.position)] * count,
        [str(some.package)] * count, [str(row.line) for row in rows], [str(row.priority) for row in rows],
        [row.customer or "" for row in rows], [row.owner or "" for row in rows], [row.region or "" for row in rows],
        attribute_column(some.event.columns, rows), *masked_columns(some.persons, count),
    ))  # fmt: skip
