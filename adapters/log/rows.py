"""Rows of the log over any connection: as bytes, and not as text, which is twice as long."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import tuple_row
from psycopg.sql import SQL, Identifier

from adapters.log.codec import Stored

TABLE = "stored_events"
"""As eventsourcing names it."""

_READ = """
SELECT originator_version, topic, state FROM {events}
WHERE originator_id = %s AND originator_version > %s ORDER BY originator_version LIMIT %s
"""

ReadRows = Callable[[psycopg.Connection[Any], int, int], list[Stored]]
"""Reads (connection, after, limit): rows above a position, in order."""


def rows_of(schema: str, stream: UUID) -> ReadRows:
    """The reader of one workspace's log; the statement is composed once."""
    statement = SQL(_READ).format(events=Identifier(schema, TABLE)).as_bytes()

    def read(connection: psycopg.Connection[Any], after: int, limit: int) -> list[Stored]:
        with psycopg.Cursor(connection, row_factory=tuple_row) as cursor:
            cursor.execute(statement, (stream, after, limit), binary=True)
            return [Stored(*row) for row in cursor]

    return read
