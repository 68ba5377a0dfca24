"""The incident log as a story: who reported what when, and what every later row says of it.

Only what was known at the time of a row is read of it: the columns with an incident's last values (``closed_at``,
``closed_code``, ``resolved_at``, ``resolved_by``) and ``made_sla`` are not.
"""

from __future__ import annotations

import csv
import gzip
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

REPOSITORY = Path(__file__).resolve().parents[2]
SOURCE = REPOSITORY.parent / "shared" / "data" / "incident_event_log.csv.gz"

MISSING = "?"
NO_GROUP = "no group"
"""A group like any other: work that the log says is with none is in its pool."""
OVER = ("Resolved", "Closed")


class Row(NamedTuple):
    """What the log says of an incident from this moment on."""

    at: int
    """Milliseconds since 1970 UTC; the log names no time zone."""
    group: str
    assignee: str
    """Empty: nobody is named."""
    is_new: bool
    is_over: bool
    reassignments: int


class Incident(NamedTuple):
    """Opened for the group of its first row."""

    number: str
    opened: int
    caller: str
    category: str
    priority: str
    """``1`` to ``4``, as it was opened."""
    rows: list[Row]


def source() -> Path:
    """Where the data is."""
    return Path(os.environ.get("INCIDENT_EVENT_LOG", SOURCE))


def incidents(path: Path, most: int | None = None, step: int = 1) -> Iterator[Incident]:
    """The first so many of them, in the order in which they were opened; times in steps of so many minutes, rounded
    down. Raises FileNotFoundError."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        for number, rows in islice(groupby(csv.DictReader(lines), itemgetter("number")), most):
            yield _incident(number, list(rows), step * 60_000)


def _incident(number: str, rows: list[dict[str, str]], step_ms: int) -> Incident:
    first = rows[0]
    opened = at = _time(first["opened_at"], step_ms)
    told = []
    for row in rows:
        at = max(at, _time(row["sys_updated_at"], step_ms))  # six rows are said to be earlier than the one before
        told.append(_row(at, row))
    return Incident(number, opened, first["caller_id"], first["category"], first["priority"][0], told)


def _row(at: int, row: Mapping[str, str]) -> Row:
    group, assignee, state = row["assignment_group"], row["assigned_to"], row["incident_state"]
    return Row(
        at,
        NO_GROUP if group == MISSING else group,
        "" if assignee == MISSING else assignee,
        state == "New",
        state in OVER,
        int(row["reassignment_count"]),
    )


def _time(text: str, step_ms: int) -> int:
    at = round(datetime.strptime(text, "%d/%m/%Y %H:%M").replace(tzinfo=UTC).timestamp() * 1000)
    return at - at % step_ms
