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


class Deadlines:
    """Rows that a batch makes."""

    def __init__(self) -> None:
        self._rows: list[str] = []

    def put(self, event: ev.DeadlinesSet, recorded: Recorded) -> None:
        """These tasks have limits now."""
        limits = f"|{recorded.position}|{event.respond_by}|{event.resolve_by}\n"
        self._rows += [f"{task}{limits}" for task in event.tasks]

    def write(self, cursor: Cursor) -> None:
        """Insert."""
        if self._rows:
            copy_rows(cursor, "deadlines", self._rows)
