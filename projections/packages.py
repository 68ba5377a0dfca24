"""The view of packages: how far each list has come, and the rows that were set aside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from msgspec.structs import astuple

from engine import events as ev
from engine.events import Recorded
from projections import spans
from projections.copying import clean, copy_rows, row_of
from projections.masking import masked_row
from projections.port import TEXT, Cursor, View
from projections.spans import Spans, spans_of

DDL = f"""
CREATE TABLE packages (
    number bigint PRIMARY KEY, segment {TEXT}, uri {TEXT}, digest {TEXT}, task_type {TEXT}, business_type {TEXT},
    created_at bigint NOT NULL, status {TEXT}, failure {TEXT}, rule_set_version bigint NOT NULL, rows bigint NOT NULL,
    rejected bigint NOT NULL, pooled_through bigint NOT NULL, waiting bigint NOT NULL, distributed bigint NOT NULL,
    cancelled bigint NOT NULL, merged bigint NOT NULL, ended bigint NOT NULL, calling bigint NOT NULL,
    called bigint NOT NULL, updated_at bigint NOT NULL
) WITH (fillfactor = 50);
CREATE TABLE rejected_rows (
    package bigint NOT NULL, place bigint NOT NULL, line bigint NOT NULL, "column" {TEXT}, reason {TEXT}, text {TEXT},
    PRIMARY KEY (package, place)
);
"""
"""``waiting``, ``cancelled``: rows that no agent ever had; ``calling``: somebody outside is asked about them,
``called``: and has done them."""


class Line(msgspec.Struct):
    """One package; field for field the table's columns."""

    number: int
    segment: str
    uri: str
    digest: str
    task_type: str
    business_type: str
    created_at: int
    status: str = "initialized"
    failure: str = ""
    rule_set_version: int = 0
    rows: int = 0
    rejected: int = 0
    pooled_through: int = 0
    waiting: int = 0
    distributed: int = 0
    cancelled: int = 0
    merged: int = 0
    ended: int = 0
    calling: int = 0
    called: int = 0
    updated_at: int = 0


_CHANGING = Line.__struct_fields__[7:]
_COLUMNS = ", ".join(Line.__struct_fields__)
_TYPES = Line.__annotations__
_KEEP = (
    f"INSERT INTO packages ({_COLUMNS}) SELECT * FROM unnest("
    + ", ".join("%s::text[]" if _TYPES[name] == "str" else "%s::bigint[]" for name in Line.__struct_fields__)
    + ") ON CONFLICT (number) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in _CHANGING)
)


class Packages:
    """A batch's changes of packages."""

    def __init__(self, lines: dict[int, Line], numbers: Spans) -> None:
        self._lines = lines
        self._spans = numbers
        self._rejected: list[str] = []

    def registered(self, event: ev.PackageRegistered, recorded: Recorded) -> None:
        self._lines[event.package] = Line(
            event.package, clean(event.segment), clean(event.uri), clean(event.digest), clean(event.task_type),
            clean(event.business_type), recorded.at, updated_at=recorded.at,
        )  # fmt: skip

    def imported(self, event: ev.TasksImported, recorded: Recorded) -> None:
        line = self._line(event.package, recorded)
        for row in event.rejected:
            line.rejected += 1
            values = (event.package, line.rejected, row.line, row.column, row.reason, masked_row(row.text, row.name))
            self._rejected.append(row_of(values) + "\n")
        if event.rows:
            line.rows += len(event.rows)
            self._spans.add(event.first_task, event.first_task + len(event.rows) - 1, event.package)

    def distributing(self, event: ev.PackageDistributing, recorded: Recorded) -> None:
        line = self._line(event.package, recorded)
        line.status, line.rule_set_version = "distributing", event.rule_set_version

    def settled(self, event: ev.PackageDistributed, recorded: Recorded) -> None:
        self._line(event.package, recorded).status = "partly_distributed" if event.waiting else "distributed"

    def failed(self, event: ev.PackageFailed, recorded: Recorded) -> None:
        line = self._line(event.package, recorded)
        line.status, line.failure = "failed", clean(event.reason)

    def withdrawn(self, event: ev.PackageWithdrawn, recorded: Recorded) -> None:
        line = self._line(event.package, recorded)
        line.status, line.failure = "withdrawn", clean(event.reason)

    def walked(self, status: str, package: int, recorded: Recorded) -> None:
        self._line(package, recorded).status = status

    def pooled(self, event: ev.TasksPooled, recorded: Recorded) -> None:
        if event.package is None:
            return
        line = self._line(event.package, recorded)
        line.waiting += sum(len(placement.tasks) for placement in event.placements)
        line.pooled_through = max(line.pooled_through, event.through)

    def allocated(self, event: ev.TasksAllocated, recorded: Recorded) -> None:
        again = set(event.again)
        first = [task for task in event.tasks if task not in again] if again else event.tasks
        for package, count in self._spans.count(first).items():
            line = self._line(package, recorded)
            line.waiting -= count
            line.distributed += count

    def claimed(self, event: ev.TaskClaimed, recorded: Recorded) -> None:
        self._given(event, recorded)

    def reassigned(self, event: ev.TaskReassigned, recorded: Recorded) -> None:
        self._given(event, recorded)

    def completed(self, event: ev.TaskCompleted, recorded: Recorded) -> None:
        if event.package is not None:
            self._line(event.package, recorded).ended += 1

    def reopened(self, event: ev.TaskReopened, recorded: Recorded) -> None:
        if event.package is not None:
            self._line(event.package, recorded).ended -= 1

    def cancelled(self, event: ev.TasksCancelled, recorded: Recorded) -> None:
        if event.package is None:
            return
        line = self._line(event.package, recorded)
        free = _never_given(event)
        line.ended += len(event.tasks)
        line.cancelled += len(free)
        line.calling -= len(event.calling)
        line.waiting -= sum(number <= line.pooled_through for number in free) - len(event.calling)

    def asked(self, event: ev.CallbacksStarted, recorded: Recorded) -> None:
        if event.package is not None:
            line = self._line(event.package, recorded)
            line.calling += len(event.tasks)
            line.pooled_through = event.through

    def done_outside(self, event: ev.CallbackSucceeded, recorded: Recorded) -> None:
        if event.package is not None:
            line = self._line(event.package, recorded)
            line.calling -= 1
            line.called += 1
            line.ended += 1

    def not_done_outside(self, event: ev.CallbacksFailed, recorded: Recorded) -> None:
        if event.package is not None:
            self._line(event.package, recorded).calling -= len(event.tasks)

    def merged(self, event: ev.TasksMerged, recorded: Recorded) -> None:
        free, calling = _never_given(event), set(event.calling)
        for number, package in zip(event.tasks, event.packages, strict=False):
            if package:
                line = self._line(package, recorded)
                line.ended += 1
                line.merged += number in free
                line.calling -= number in event.calling
                line.waiting -= number in free - calling and number <= line.pooled_through

    def write(self, cursor: Cursor) -> None:
        if self._lines:
            columns = zip(*map(astuple, self._lines.values()), strict=True)
            cursor.execute(_KEEP, list(map(list, columns)))
        if self._rejected:
            copy_rows(cursor, "rejected_rows", self._rejected)
        self._spans.write(cursor)

    def _given(self, event: ev.TaskClaimed | ev.TaskReassigned, recorded: Recorded) -> None:
        if event.package is None:
            return
        line = self._line(event.package, recorded)
        if not event.again:
            line.distributed += 1
            line.waiting -= event.task <= line.pooled_through

    def _line(self, package: int, recorded: Recorded) -> Line:
        line = self._lines[package]
        line.updated_at = recorded.at
        return line


_HANDLERS: dict[type[ev.Event], Callable[[Packages, Any, Recorded], None]] = {
    ev.PackageRegistered: Packages.registered,
    ev.PackageParsingStarted: lambda packages, event, recorded: packages.walked("parsing", event.package, recorded),
    ev.TasksImported: Packages.imported,
    ev.PackageParsed: lambda packages, event, recorded: packages.walked("parsed", event.package, recorded),
    ev.PackageDistributing: Packages.distributing,
    ev.PackageDistributed: Packages.settled,
    ev.PackageFailed: Packages.failed,
    ev.PackageWithdrawn: Packages.withdrawn,
    ev.TasksPooled: Packages.pooled,
    ev.TasksAllocated: Packages.allocated,
    ev.TaskClaimed: Packages.claimed,
    ev.TaskReassigned: Packages.reassigned,
    ev.TaskCompleted: Packages.completed,
    ev.TasksCancelled: Packages.cancelled,
    ev.CallbacksStarted: Packages.asked,
    ev.CallbackSucceeded: Packages.done_outside,
    ev.CallbacksFailed: Packages.not_done_outside,
    ev.TasksMerged: Packages.merged,
    ev.TaskReopened: Packages.reopened,
}


def apply(cursor: Cursor, batch: Sequence[Recorded]) -> None:
    """Write a batch of events into the tables."""
    known = [recorded for recorded in batch if type(recorded.event) in _HANDLERS]
    if not known:
        return
    numbers = spans_of(cursor, known)
    packages = Packages(_lines_of(cursor, known, numbers), numbers)
    for recorded in known:
        _HANDLERS[type(recorded.event)](packages, recorded.event, recorded)
    packages.write(cursor)


VIEW = View("packages", ("packages", "package_spans", "rejected_rows"), DDL + spans.DDL, apply)


def _never_given(event: ev.TasksCancelled | ev.TasksMerged) -> set[int]:
    """Tasks that ended before any agent had had them."""
    again, pairs = set(event.again), zip(event.tasks, event.agents, strict=True)
    return {number for number, agent in pairs if not agent and number not in again}


def _lines_of(cursor: Cursor, batch: Sequence[Recorded], numbers: Spans) -> dict[int, Line]:
    named = {getattr(recorded.event, "package", None) for recorded in batch} | numbers.packages()
    named.update(package for recorded in batch for package in getattr(recorded.event, "packages", ()))
    wanted = [package for package in named if package]
    if not wanted:
        return {}
    cursor.execute(f"SELECT {_COLUMNS} FROM packages WHERE number = ANY(%s)", [wanted])
    return {row[0]: Line(*row) for row in cursor.fetchall()}
