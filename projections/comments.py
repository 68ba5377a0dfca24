"""What people said of tasks: a row a remark, with long numbers in it masked."""

from __future__ import annotations

from engine import events as ev
from engine.events import Recorded
from projections.copying import clean, copy_rows, row_of
from projections.masking import masked_text
from projections.port import TEXT, Cursor

DDL = f"""
CREATE TABLE comments (
    task bigint NOT NULL, position bigint NOT NULL, at bigint NOT NULL, actor {TEXT}, text {TEXT},
    PRIMARY KEY (task, position)
);
"""

MAX_SHOWN = 20
"""With the task; all of them stand in its history."""

COMMENTS = f"""
SELECT position, at, actor, text FROM (
    SELECT * FROM comments WHERE task = %s ORDER BY position DESC LIMIT {MAX_SHOWN}
) latest ORDER BY position
"""


class Comments:
    """Rows that a batch makes."""

    def __init__(self) -> None:
        self._rows: list[str] = []

    def put(self, event: ev.TaskCommented, recorded: Recorded) -> None:
        """Somebody said this."""
        text = clean(masked_text(event.text))
        row = (event.task, recorded.position, recorded.at, clean(recorded.actor), text)
        self._rows.append(row_of(row) + "\n")

    def write(self, cursor: Cursor) -> None:
        """Insert."""
        if self._rows:
            copy_rows(cursor, "comments", self._rows)
