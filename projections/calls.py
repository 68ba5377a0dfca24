"""Calls to the outside: who was asked before people were, who was told how a task ended, and what came of it.

A row a call, so only tasks whose type has a callback or a channel have any.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from engine import events as ev
from engine.events import Recorded
from projections.copying import array_of, clean
from projections.masking import masked_text
from projections.port import TEXT, Cursor

DDL = f"""
CREATE TABLE calls (
    task bigint NOT NULL, made bigint NOT NULL, kind {TEXT}, state {TEXT}, attempts integer NOT NULL, reason {TEXT},
    ended bigint NOT NULL, PRIMARY KEY (task, made)
) WITH (fillfactor = 70);
"""
"""``made``, ``ended``: positions, the latter 0 while it is under way. ``kind``: callback or result."""

CALLBACK_STATES = ("calling", "succeeded", "declined", "failed", "unreported", "cancelled")
DELIVERY_STATES = ("sending", "delivered", "undelivered")

_FETCH = "SELECT task, made, kind, state, attempts, reason, ended FROM calls WHERE task = ANY(%s::bigint[])"
_KEEP = """
INSERT INTO calls SELECT * FROM unnest(
    %s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::integer[], %s::text[], %s::bigint[]
) ON CONFLICT (task, made) DO UPDATE SET
    state = excluded.state, attempts = excluded.attempts, reason = excluded.reason, ended = excluded.ended
"""


class Row(msgspec.Struct):
    """One call; field for field the table's columns."""

    task: int
    made: int
    kind: str
    state: str
    attempts: int = 0
    reason: str = ""
    ended: int = 0


class Calls:
    """Rows that a batch makes or changes."""

    def __init__(self) -> None:
        self._results: dict[int, Row] = {}
        """By the position of the event that ended the task."""
        self._callbacks: dict[int, Row] = {}
        """By task."""
        self._changed: dict[tuple[int, int], Row] = {}

    def fetch(self, cursor: Cursor, tasks: Iterable[int]) -> None:
        """Read the rows of tasks whose calls come to an end in the batch."""
        wanted = list(tasks)
        if not wanted:
            return
        cursor.execute(_FETCH, [array_of(wanted)])
        for row in cursor.fetchall():
            self._know(Row(*row))

    def asked(self, event: ev.CallbacksStarted, recorded: Recorded) -> None:
        """Callbacks begin."""
        for task in event.tasks:
            self._keep(Row(task, recorded.position, "callback", "calling"))

    def answered(self, task: int, state: str, attempts: int, reason: str, recorded: Recorded) -> None:
        """The task's callback is over."""
        self._end(self._callbacks[task], state, attempts, reason, recorded)

    def to_tell(self, task: int, delivery: ev.Delivery | None, recorded: Recorded) -> None:
        """Its result goes out, if there is anybody to tell it to."""
        if delivery is not None:
            self._keep(Row(task, recorded.position, "result", "sending"))

    def delivered(self, event: ev.ResultDelivered, recorded: Recorded) -> None:
        """Somebody has it."""
        self._end(self._results[event.made], "delivered", event.attempts, "", recorded)

    def undelivered(self, event: ev.ResultUndelivered, recorded: Recorded) -> None:
        """Nobody has it, and it is not tried any more."""
        self._end(self._results[event.made], "undelivered", event.attempts, event.reason, recorded)

    def _end(self, row: Row, state: str, attempts: int, reason: str, recorded: Recorded) -> None:
        row.state, row.attempts, row.reason = state, attempts, masked_text(clean(reason))
        row.ended = recorded.position
        self._keep(row)

    def _keep(self, row: Row) -> None:
        self._know(row)
        self._changed[row.task, row.made] = row

    def _know(self, row: Row) -> None:
        if row.kind == "callback":
            self._callbacks[row.task] = row
        else:
            self._results[row.made] = row

    def write(self, cursor: Cursor) -> None:
        """Insert or update."""
        if self._changed:
            rows = zip(*map(msgspec.structs.astuple, self._changed.values()), strict=True)
            cursor.execute(_KEEP, list(map(list, rows)))
