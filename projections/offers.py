"""Offers: a row for each time that a task was offered to an agent, beside the row among ``assignments``.

A task is offered while its latest assignment has such a row that nobody has accepted.
"""

from __future__ import annotations

from engine import events as ev
from engine.events import Recorded
from projections.copying import array_of, copy_rows
from projections.port import Cursor

DDL = """
CREATE TABLE offers (
    task bigint NOT NULL, "grant" bigint NOT NULL, until bigint NOT NULL, accepted_at bigint NOT NULL,
    PRIMARY KEY (task, "grant")
) WITH (fillfactor = 90);
"""
"""``until``: by when it had to be accepted. ``accepted_at``: 0 where it was not."""

_ACCEPT = """
UPDATE offers AS o SET accepted_at = n.at FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS n (task, "grant", at)
WHERE o.task = n.task AND o."grant" = n."grant"
"""


class Offers:
    """Offers that a batch makes, and those accepted in it."""

    def __init__(self) -> None:
        self._made: list[str] = []
        self._accepted: list[tuple[int, int, int]] = []

    def made(self, event: ev.TasksAllocated, recorded: Recorded) -> None:
        """A round in which some tasks were offered."""
        for task, under in zip(event.tasks, event.under, strict=True) if event.until else ():
            if event.until[under]:
                self._made.append(f"{task}|{recorded.position}|{event.until[under]}|0\n")

    def accepted(self, event: ev.OfferAccepted, recorded: Recorded) -> None:
        """The agent has the task now."""
        self._accepted.append((event.task, event.grant, recorded.at))

    def write(self, cursor: Cursor) -> None:
        """Insert, then mark those that were accepted, also of the same batch."""
        if self._made:
            copy_rows(cursor, "offers", self._made)
        if self._accepted:
            cursor.execute(_ACCEPT, list(map(array_of, zip(*self._accepted, strict=True))))
