"""What requesters thought of completed work, and how it was closed. One row a task whose requester is asked."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from engine import events as ev
from engine.events import Recorded
from projections.copying import array_of, clean
from projections.masking import masked_text
from projections.port import TEXT, Cursor

DDL = f"""
CREATE TABLE opinions (
    task bigint PRIMARY KEY, opinion {TEXT}, score integer NOT NULL, note {TEXT}, given_at bigint NOT NULL,
    closes_at bigint NOT NULL, closed_at bigint NOT NULL, why {TEXT}, reopened integer NOT NULL, trail bigint[] NOT NULL
) WITH (fillfactor = 70);
"""
"""``opinion``: of the last completion; empty while there is none. ``closes_at``: 0 unless the task is completed and not
closed yet. ``trail``: positions of opinions and of the closing."""

_COLUMNS = "task, opinion, score, note, given_at, closes_at, closed_at, why, reopened, trail"
_FETCH = f"SELECT {_COLUMNS} FROM opinions WHERE task = ANY(%s::bigint[])"
_KEEP = f"""
INSERT INTO opinions SELECT {_COLUMNS.removesuffix("trail")} trail::bigint[]
FROM unnest(
    %s::bigint[], %s::text[], %s::integer[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::text[],
    %s::integer[], %s::text[]
) AS n ({_COLUMNS})
ON CONFLICT (task) DO UPDATE SET opinion = excluded.opinion, score = excluded.score, note = excluded.note,
    given_at = excluded.given_at, closes_at = excluded.closes_at, closed_at = excluded.closed_at, why = excluded.why,
    reopened = excluded.reopened, trail = excluded.trail
"""


class Opinion(msgspec.Struct):
    """One row; field for field the table's columns."""

    task: int
    opinion: str = ""
    score: int = 0
    note: str = ""
    given_at: int = 0
    closes_at: int = 0
    closed_at: int = 0
    why: str = ""
    reopened: int = 0
    trail: list[int] = []


class Opinions:
    """Rows that a batch makes or changes."""

    def __init__(self) -> None:
        self._known: dict[int, Opinion] = {}
        self._changed: dict[int, Opinion] = {}

    def fetch(self, cursor: Cursor, tasks: Iterable[int]) -> None:
        """Read the rows of tasks whose requester the batch asks, or hears."""
        wanted = list(tasks)
        if wanted:
            cursor.execute(_FETCH, [array_of(wanted)])
            self._known = {row[0]: Opinion(*row) for row in cursor.fetchall()}

    def awaited(self, event: ev.TaskCompleted) -> None:
        """What was thought of an earlier completion does not count for this one."""
        before = self._of(event.task)
        fresh = Opinion(event.task, closes_at=event.closes_at, reopened=before.reopened, trail=before.trail)
        self._known[event.task] = self._changed[event.task] = fresh

    def given(self, event: ev.FeedbackGiven, recorded: Recorded) -> None:
        """An opinion came back."""
        row = self._of(event.task, recorded)
        row.opinion = "satisfied" if event.satisfied else "unsatisfied"
        row.score, row.note, row.given_at = event.score, clean(masked_text(event.note)), recorded.at
        row.closes_at = event.closes_at or row.closes_at

    def reopened(self, event: ev.TaskReopened) -> None:
        """It goes on. The event itself stands among its marks."""
        row = self._of(event.task)
        row.closes_at = 0
        row.reopened += event.cause == "unsatisfied"

    def closed(self, event: ev.TasksClosed, recorded: Recorded) -> None:
        """They are over."""
        for task in event.tasks:
            row = self._of(task, recorded)
            row.closes_at, row.closed_at, row.why = 0, recorded.at, event.why

    def _of(self, task: int, recorded: Recorded | None = None) -> Opinion:
        row = self._changed[task] = self._known.setdefault(task, Opinion(task))
        if recorded is not None:
            row.trail.append(recorded.position)
        return row

    def write(self, cursor: Cursor) -> None:
        """Insert or update."""
        if not self._changed:
            return
        rows = [(*msgspec.structs.astuple(row)[:-1], array_of(row.trail)) for row in self._changed.values()]
        cursor.execute(_KEEP, list(map(list, zip(*rows, strict=True))))
