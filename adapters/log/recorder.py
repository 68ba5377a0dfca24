"""eventsourcing's recorder, with the append in one statement, and with the anchor of the chain of hashes.

Each event carries the hash of the one before it; the last one's own stands in the table ``log_head``, written in the
statement that appends. So a changed or missing last event is found like any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from eventsourcing.persistence import InterfaceError, OperationalError, StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from eventsourcing.utils import retry
from psycopg.sql import SQL, Composed, Identifier

from adapters.log.codec import Stored
from adapters.log.rows import ReadRows

APPEND = """
WITH added AS (
    INSERT INTO {events} (originator_id, originator_version, topic, state)
    SELECT %b::uuid, v, t, s FROM unnest(%b::bigint[], %b::text[], %b::bytea[]) AS r(v, t, s)
    RETURNING notification_id
), head AS (
    INSERT INTO {head} VALUES (%b, %b, %b)
    ON CONFLICT (stream) DO UPDATE SET position = excluded.position, hash = excluded.hash
)
SELECT array_agg(notification_id) AS ids, pg_notify(%s, %s) FROM added
"""
CREATE_HEAD = """
CREATE TABLE IF NOT EXISTS {head} (stream uuid PRIMARY KEY, position bigint NOT NULL, hash text NOT NULL)
WITH (fillfactor = 10)
"""
"""The one row is updated in place, without a new entry in an index, as long as its page has room."""
UNCOMPRESSED = "ALTER TABLE {events} ALTER COLUMN state SET STORAGE EXTERNAL"
"""PostgreSQL's own compression takes 2 ms of a bulk event's append, five times as long as all the rest."""
HEAD = "SELECT position, hash FROM {head} WHERE stream = %s"
LAST = "SELECT max(originator_version) AS position FROM {events} WHERE originator_id = %s"


class OneStatementRecorder(PostgresApplicationRecorder):
    """The stock recorder, appending in one statement: rows, anchor and NOTIFY in one round trip, arrays in binary.

    The stock one locks the table so that notification ids rise in commit order; our order is the stream's version,
    which the primary key guards. It also sends in pipeline mode, where psycopg waits for ever on parameters of a few
    megabytes, and tries ten times, which turns a lost answer into a conflict with oneself.
    """

    def __init__(self, datastore: PostgresDatastore) -> None:
        super().__init__(datastore)
        self.sql_create_statements += [self._named(CREATE_HEAD), self._named(UNCOMPRESSED)]
        self._append = self._named(APPEND).as_bytes()  # composed once, as it is the statement that counts

    def insert_events(self, stored_events: Sequence[StoredEvent], *, hash: str = "", **_: Any) -> Sequence[int]:  # noqa: A002
        first, last = stored_events[0], stored_events[-1]
        columns = (
            first.originator_id,
            [event.originator_version for event in stored_events],
            [event.topic for event in stored_events],
            [event.state for event in stored_events],
        )
        head = (first.originator_id, last.originator_version, hash)
        notice = (self.channel_name, self.datastore.schema)
        with self.datastore.get_connection() as connection:
            row = connection.execute(self._append, (*columns, *head, *notice)).fetchone()
        return list(row["ids"]) if row else []

    @retry((InterfaceError, OperationalError), max_attempts=10, wait=0.2)
    def select_rows(self, read: ReadRows, after: int, limit: int) -> list[Stored]:
        """Events above a position, in order; the stock one makes a dict and an object of each row's text."""
        with self.datastore.get_connection() as connection:
            return read(connection, after, limit)

    def select_head(self, stream: UUID) -> tuple[int, str] | None:
        """Position and hash of the last event as they were written with it; None: nothing was."""
        with self.datastore.get_connection() as connection:
            row = connection.execute(self._named(HEAD), [stream]).fetchone()
        return (row["position"], row["hash"]) if row else None

    def select_last(self, stream: UUID) -> int:
        """Position of the last event that is there, 0 if there is none."""
        with self.datastore.get_connection() as connection:
            row = connection.execute(self._named(LAST), [stream]).fetchone()
        return row["position"] or 0 if row else 0

    def _named(self, statement: str) -> Composed:
        schema = self.datastore.schema
        return SQL(statement).format(
            events=Identifier(schema, self.events_table_name), head=Identifier(schema, "log_head")
        )
