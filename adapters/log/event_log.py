"""The log: one append-only stream a workspace, in PostgreSQL, through eventsourcing's recorder.

The stream's version is the position. Two writers on one stream cannot both append at a position: the second gets
``ConflictError``. After ``LogUnavailableError`` the outcome is unknown; the writer finds it out by reading the log.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from eventsourcing.persistence import IntegrityError, PersistenceError, StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg.rows import DictRow, dict_row
from psycopg.sql import SQL, Identifier

from adapters.log.codec import GENESIS, Stored, decode, encode, hash_of
from adapters.log.schemas import schema_of, stream_of
from engine.events import Recorded


class ConflictError(Exception):
    """Another writer has appended to this stream: what was decided here rests on a state that is no longer the last."""


class LogUnavailableError(Exception):
    """PostgreSQL could not be reached or did not answer; whether an append was written is not known."""


CONNECT_S = 5


class OneConnection:
    """In place of the stock pool, which after an outage of a second makes its callers wait for most of a minute.

    Made when it is needed, and made anew once it broke.
    """

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._made: psycopg.Connection[DictRow] | None = None

    def open(self, *_: object) -> None:
        """A pool would open here."""

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection[DictRow]]:
        """The connection. Raises psycopg.OperationalError at once where PostgreSQL is away."""
        if self._made is None or self._made.closed:
            self._made = psycopg.connect(self._dsn, autocommit=True, row_factory=dict_row, connect_timeout=CONNECT_S)
        yield self._made

    def close(self) -> None:
        """Give it back."""
        if self._made is not None:
            self._made.close()


class OneStatementRecorder(PostgresApplicationRecorder):
    """The stock recorder, appending in one statement: rows and NOTIFY in one round trip, arrays in binary.

    The stock one locks the table so that notification ids rise in commit order; our order is the stream's version,
    which the primary key guards. It also sends in pipeline mode, where psycopg waits for ever on parameters of a few
    megabytes, and tries ten times, which turns a lost answer into a conflict with oneself.
    """

    def insert_events(self, stored_events: Sequence[StoredEvent], **_: Any) -> Sequence[int]:
        insert = SQL(
            "WITH added AS (INSERT INTO {schema}.{table} (originator_id, originator_version, topic, state) "
            "SELECT %b::uuid, v, t, s FROM unnest(%b::bigint[], %b::text[], %b::bytea[]) AS r(v, t, s) "
            "RETURNING notification_id) SELECT array_agg(notification_id) AS ids, pg_notify(%s, %s) FROM added"
        ).format(schema=Identifier(self.datastore.schema), table=Identifier(self.events_table_name))
        columns = (
            stored_events[0].originator_id,
            [event.originator_version for event in stored_events],
            [event.topic for event in stored_events],
            [event.state for event in stored_events],
        )
        with self.datastore.get_connection() as connection:
            row = connection.execute(insert, (*columns, self.channel_name, self.datastore.schema)).fetchone()
        return list(row["ids"]) if row else []


class EventLog:
    """A workspace's stream. Synchronous; one thread at a time. Raises LogUnavailableError where PostgreSQL is away."""

    def __init__(self, dsn: str, workspace: str) -> None:
        self._dsn, self._schema, self._stream = dsn, schema_of(workspace), stream_of(workspace)
        self._datastore = _datastore(dsn, self._schema)
        self._recorder: OneStatementRecorder | None = None
        self._last: tuple[int, str] | None = None

    def create(self) -> None:
        """Make schema and table where they are not there yet."""
        try:
            with psycopg.connect(self._dsn, autocommit=True) as connection:
                connection.execute(SQL("CREATE SCHEMA IF NOT EXISTS {}").format(Identifier(self._schema)))
            self._events().create_table()
        except (psycopg.Error, PersistenceError) as error:
            raise LogUnavailableError(_away(error)) from error

    def append(self, recorded: Sequence[Recorded]) -> None:
        """Write events that follow the last one, durably. Raises ConflictError, LogUnavailableError."""
        if not recorded:
            return
        prev = self._hash_at(recorded[0].position - 1)
        stored = []
        for event in recorded:
            stored.append(encode(event, prev))
            prev = hash_of(stored[-1])
        self._insert(stored)
        self._last = (recorded[-1].position, prev)

    def read(self, after: int, limit: int) -> list[Recorded]:
        """Events above a position, in order. Raises UnknownEventError."""
        return [decode(stored) for stored in self.read_stored(after, limit)]

    def read_stored(self, after: int, limit: int) -> list[Stored]:
        """Rows above a position, in order, as they are in the table."""
        try:
            found = self._events().select_events(self._stream, gt=after, limit=limit)
        except PersistenceError as error:
            raise LogUnavailableError(_away(error)) from error
        return [Stored(event.originator_version, event.topic, event.state) for event in found]

    def replay(self, after: int = 0, batch: int = 200) -> Iterator[Recorded]:
        """All events above a position."""
        while True:
            found = self.read(after, batch)
            yield from found
            if len(found) < batch:
                return
            after = found[-1].position

    def head(self) -> int:
        """Position of the last event, 0 for an empty log."""
        try:
            found = self._events().select_events(self._stream, desc=True, limit=1)
        except PersistenceError as error:
            raise LogUnavailableError(_away(error)) from error
        return found[0].originator_version if found else 0

    def close(self) -> None:
        """Give the connections back."""
        self._datastore.close()

    def _events(self) -> OneStatementRecorder:
        if self._recorder is None:
            self._recorder = OneStatementRecorder(self._datastore)
        return self._recorder

    def _hash_at(self, position: int) -> str:
        if position == 0:
            return GENESIS
        if self._last is not None and self._last[0] == position:
            return self._last[1]
        found = self.read_stored(position - 1, 1)
        if not found or found[0].position != position:
            raise ConflictError(f"Expected an event at position {position} to follow, but the log ends before it")
        return hash_of(found[0])

    def _insert(self, rows: list[Stored]) -> None:
        events = [StoredEvent(self._stream, row.position, row.topic, row.state) for row in rows]
        try:
            self._events().insert_events(events)
        except IntegrityError as error:
            self._last = None
            raise ConflictError(f"Expected position {rows[0].position} to be free, but it is taken") from error
        except PersistenceError as error:
            self._last = None
            raise LogUnavailableError(_away(error)) from error


def _datastore(dsn: str, schema: str) -> PostgresDatastore:
    datastore = PostgresDatastore("", "", "", "", "", schema=schema)
    datastore.pool = OneConnection(dsn)  # type: ignore[assignment]
    return datastore


def _away(error: Exception) -> str:
    return f"Expected PostgreSQL to answer, but {str(error).strip() or type(error).__name__}"
