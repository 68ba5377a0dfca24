"""What a task is: one row, written when it comes in, changed once, when it ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, count, repeat
from typing import NamedTuple

from engine import events as ev
from engine.events import Recorded
from projections.copying import copy_rows, field, json_of
from projections.masking import NOBODY, masked
from projections.port import TEXT, Cursor

DDL = f"""
CREATE TABLE tasks (
    number bigint PRIMARY KEY, priority integer NOT NULL, line bigint NOT NULL, package bigint NOT NULL,
    created_at bigint NOT NULL, position bigint NOT NULL, type {TEXT}, business_type {TEXT}, customer {TEXT},
    owner {TEXT}, region {TEXT}, attributes jsonb NOT NULL,
    name_masked {TEXT}, mobile_masked {TEXT}, id_card_masked {TEXT},
    ended {TEXT}, ended_at bigint NOT NULL, ended_by bigint NOT NULL, pooling bigint NOT NULL, wrap_up jsonb NOT NULL
) WITH (fillfactor = 90);
CREATE INDEX tasks_by_package ON tasks (package, number) WHERE package > 0;
CREATE TABLE refusals (task bigint NOT NULL, position bigint NOT NULL, PRIMARY KEY (task, position));
"""
"""``ended`` is empty while the task is open; ``ended_by`` the position of the event that ended it; ``pooling`` where it
waited when it ended without an agent. The columns that change stand in no index, so their update stays in its page."""

_END = """
UPDATE tasks AS t SET ended = n.ended, ended_at = n.ended_at, ended_by = n.ended_by, pooling = n.pooling,
    wrap_up = n.wrap_up::jsonb
FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::text[])
    AS n (number, ended, ended_at, ended_by, pooling, wrap_up)
WHERE t.number = n.number
"""
_OPEN = "||0|0|0|{}\n"
_PARTS = 6
"""Delimiters between the fields of a row that hold text of others."""


class End(NamedTuple):
    """How a task ended."""

    ended: str
    at: int
    position: int
    pooling: int
    wrap_up: str

    def as_fields(self) -> str:
        return f"|{self.ended}|{self.at}|{self.position}|{self.pooling}|{field(self.wrap_up)}\n"


class Arrivals(NamedTuple):
    """Tasks that one event brought: numbers from ``first`` on."""

    first: int
    event: ev.TaskCreated | ev.TasksImported
    rows: Sequence[ev.TaskRow]
    persons: Iterable[ev.Person | None]
    package: int
    recorded: Recorded


class TaskRows:
    """New tasks of a batch, and tasks that ended in it."""

    def __init__(self) -> None:
        self._new: list[Arrivals] = []
        self.ends: dict[int, End] = {}
        self.refused: list[tuple[int, int]] = []

    def created(self, event: ev.TaskCreated, recorded: Recorded) -> None:
        """A task that came alone."""
        self._new.append(Arrivals(event.task, event, (event.row,), (event.person,), 0, recorded))

    def imported(self, event: ev.TasksImported, recorded: Recorded) -> None:
        """A chunk of a package."""
        persons = event.persons or repeat(None)
        self._new.append(Arrivals(event.first_task, event, event.rows, persons, event.package, recorded))

    def note_refused(self, event: ev.CommandRefused, recorded: Recorded) -> None:
        """A refusal on record that concerns a task is part of its history."""
        if event.task is not None:
            self.refused.append((event.task, recorded.position))

    def write(self, cursor: Cursor) -> None:
        """Insert and update."""
        if self._new:
            copy_rows(cursor, "tasks", chain.from_iterable(map(self._rows, self._new)))
        new = {number for some in self._new for number in range(some.first, some.first + len(some.rows))}
        old = [number for number in self.ends if number not in new]
        if old:
            cursor.execute(_END, [old, *map(list, zip(*(self.ends[number] for number in old), strict=True))])
        if self.refused:
            tasks, positions = map(list, zip(*self.refused, strict=True))
            cursor.execute("INSERT INTO refusals SELECT * FROM unnest(%s::bigint[], %s::bigint[])", [tasks, positions])

    def _rows(self, some: Arrivals) -> Iterator[str]:
        """The innermost loop of an import: one test tells of most rows that nothing in them needs an escape."""
        event, ends, columns = some.event, self.ends, some.event.columns
        kind = f"{field(event.task_type)}|{field(event.business_type)}"
        born = f"{some.package}|{some.recorded.at}|{some.recorded.position}|{kind}"
        for number, row, person in zip(count(some.first), some.rows, some.persons, strict=False):
            values = (
                row.customer or "", row.owner or "", row.region or "", attributes_json(columns, row.attributes),
                *(masked(person) if person else NOBODY),
            )  # fmt: skip
            text = "|".join(values)
            if not (text.isprintable() and "\\" not in text and text.count("|") == _PARTS):
                text = "|".join(map(field, values))
            end = ends[number].as_fields() if number in ends else _OPEN
            yield f"{number}|{row.priority}|{row.line}|{born}|{text}{end}"


def attributes_json(columns: tuple[str, ...], values: tuple[ev.AttributeValue, ...]) -> str:
    """Present attributes by name."""
    if None not in values:
        return json_of(dict(zip(columns, values, strict=True)))
    return json_of({name: value for name, value in zip(columns, values, strict=True) if value is not None})
