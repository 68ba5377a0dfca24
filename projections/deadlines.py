"""Until when tasks are to be begun and done; a row a task that has such limits."""

from __future__ import annotations

from engine import events as ev
from engine.events import Recorded
from projections.copying import copy_rows
from projections.port import Cursor

DDL = """
CREATE TABLE deadlines (
    task bigint PRIMARY KEY, position bigint NOT NULL, respond_by bigint NOT NULL, resolve_by bigint NOT NULL
);
"""

_CHANGE = """
INSERT INTO deadlines SELECT task, position, respond_by, resolve_by
FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[]) AS n (task, position, respond_by, resolve_by)
ON CONFLICT (task) DO UPDATE SET respond_by = excluded.respond_by, resolve_by = excluded.resolve_by
"""


class Deadlines:
    """Rows that a batch makes or changes."""

    def __init__(self) -> None:
        self._rows: list[str] = []
        self._changed: dict[int, tuple[int, int, int]] = {}

    def put(self, event: ev.DeadlinesSet, recorded: Recorded) -> None:
        """These tasks have limits now."""
        limits = f"|{recorded.position}|{event.respond_by}|{event.resolve_by}\n"
        self._rows += [f"{task}{limits}" for task in event.tasks]

    def changed(self, event: ev.TaskDeadlinesChanged, recorded: Recorded) -> None:
        """This task has other limits; its row keeps the position that it had first."""
        first = self._changed.get(event.task, (recorded.position,))[0]
        self._changed[event.task] = (first, event.respond_by, event.resolve_by)

    def write(self, cursor: Cursor) -> None:
        """Insert, then update."""
        if self._rows:
            copy_rows(cursor, "deadlines", self._rows)
        if self._changed:
            rows = [(task, *limits) for task, limits in self._changed.items()]
            cursor.execute(_CHANGE, list(map(list, zip(*rows, strict=True))))
