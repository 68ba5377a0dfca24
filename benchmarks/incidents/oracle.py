"""What must have happened, counted straight from the file, row against row; shares nothing with the replay."""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby, islice, pairwise
from operator import itemgetter
from pathlib import Path

Counts = Counter[str]
OVER = ("Resolved", "Closed")


@dataclass
class Expected:
    """By group: ``opened`` to ``moved_when_over``. By priority (``1`` to ``4``): the others."""

    opened: Counts = field(default_factory=Counts)
    handed_over: Counts = field(default_factory=Counts)
    """Out of the group, while the incident was open."""
    reopened: Counts = field(default_factory=Counts)
    resolved: Counts = field(default_factory=Counts)
    """Each time anew."""
    moved_when_over: Counts = field(default_factory=Counts)
    """Reassignments of what was resolved already and stayed so: no work changed hands."""
    incidents: Counts = field(default_factory=Counts)
    resolutions: Counts = field(default_factory=Counts)
    in_time: Counts = field(default_factory=Counts)
    overdue: Counts = field(default_factory=Counts)
    """Incidents that were open when their time was up, or later."""
    made_sla: Counts = field(default_factory=Counts)


def expected(path: Path, most: int | None, hours: Mapping[str, int], step: int = 1) -> Expected:
    """Of the first so many incidents; ``hours``: to be resolved within, by priority; times in steps of so many minutes,
    rounded down."""
    found = Expected()
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        for _, rows in islice(groupby(csv.DictReader(lines), itemgetter("number")), most):
            _count(found, list(rows), hours, step)
    return found


def _count(found: Expected, rows: list[dict[str, str]], hours: Mapping[str, int], step: int) -> None:
    first, priority = rows[0], rows[0]["priority"][0]
    found.opened[first["assignment_group"]] += 1
    found.incidents[priority] += 1
    found.made_sla[priority] += rows[-1]["made_sla"] == "true"
    ended, due = [], _time(first["opened_at"], step) + timedelta(hours=hours[priority])
    for before, row in pairwise([{**first, "incident_state": "New"}, *rows]):
        was_over, over = before["incident_state"] in OVER, row["incident_state"] in OVER
        if _more("reopen_count", before, row):
            found.reopened[before["assignment_group"]] += 1
        if _more("reassignment_count", before, row):
            moved = found.moved_when_over if was_over and over else found.handed_over
            moved[before["assignment_group"]] += 1
        if over and not was_over:
            found.resolved[row["assignment_group"]] += 1
            found.resolutions[priority] += 1
            ended.append(_time(row["sys_updated_at"], step))
    found.in_time[priority] += sum(at <= due for at in ended)
    found.overdue[priority] += any(at >= due for at in ended)


def _more(column: str, before: dict[str, str], row: dict[str, str]) -> bool:
    return int(row[column]) > int(before[column])


def _time(text: str, step: int) -> datetime:
    moment = datetime.strptime(text, "%d/%m/%Y %H:%M")
    return moment - timedelta(minutes=(moment - datetime.min) // timedelta(minutes=1) % step)
