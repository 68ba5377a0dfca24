"""The log: one append-only stream a workspace, in PostgreSQL, through eventsourcing's recorder.

The stream's version is the position. Two writers on one stream cannot both append at a position: the second gets
``ConflictError``. An append whose answer was lost is tried once more over a new connection, which waits for the first
try to end and then either writes or finds the positions taken; what stands there is compared, never guessed. Only after
``LogUnavailableError`` is the outcome unknown: then nobody is told anything, and the state is built from the log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import psycopg
from eventsourcing.persistence import IntegrityError, PersistenceError, StoredEvent
from eventsourcing.postgres import PostgresDatastore
from psycopg.sql import SQL, Identifier

from adapters.log.codec import GENESIS, Stored, decode, encode, hash_of
from adapters.log.connection import OneConnection, settings
from adapters.log.recorder import OneStatementRecorder
from adapters.log.rows import rows_of
from adapters.log.schemas import schema_of, stream_of
from engine.events import Recorded


class ConflictError(Exception):
    """Another writer has appended to this stream: what was decided here rests on a state that is no longer the last."""


class LogUnavailableError(Exception):
    """PostgreSQL could not be reached or did not answer; whether an append was written is not known."""


T = TypeVar("T")

LARGE = 100_000
"""Bytes of a large event, a chunk of 500 rows."""


class EventLog:
    """A workspace's stream. Synchronous; one thread at a time. Raises LogUnavailableError where PostgreSQL is away."""

    def __init__(self, dsn: str, workspace: str) -> None:
        self._dsn, self._schema, self._stream = dsn, schema_of(workspace), stream_of(workspace)
        self._read_rows = rows_of(self._schema, self._stream)
        self._connection = OneConnection(dsn)
        self._datastore = _datastore(self._connection, self._schema)
        self._recorder: OneStatementRecorder | None = None
        self._last: tuple[int, str] | None = None

    def create(self) -> None:
        """Make schema and table where they are not there yet."""
        try:
            with psycopg.connect(self._dsn, autocommit=True, **settings(self._dsn, "paidan-log")) as connection:
                connection.execute(SQL("CREATE SCHEMA IF NOT EXISTS {}").format(Identifier(self._schema)))
        except psycopg.Error as error:
            raise LogUnavailableError(_away(error)) from error
        self._asked(lambda: self._events().create_table())

    def append(self, recorded: Sequence[Recorded]) -> None:
        """Write events that follow the last one, durably. Raises ConflictError, LogUnavailableError."""
        if not recorded:
            return
        prev = self._hash_at(recorded[0].position - 1)
        stored = []
        for event in recorded:
            stored.append(encode(event, prev))
            prev = hash_of(stored[-1])
        self._last = None
        self._insert(stored, prev)
        self._last = (recorded[-1].position, prev)

    def confirm(self, position: int) -> None:
        """Raises ConflictError where the log does not end at this position, LogUnavailableError."""
        last = self.head()
        if last != position:
            raise ConflictError(f"Expected the log to end at position {position}, but it ends at {last}")

    def read(self, after: int, limit: int) -> list[Recorded]:
        """Events above a position, in order. Raises UnknownEventError."""
        return [decode(stored) for stored in self.read_stored(after, limit)]

    def read_stored(self, after: int, limit: int) -> list[Stored]:
        """Rows above a position, in order, as they are in the table."""
        with self._connection.moving(limit * LARGE):
            return self._asked(lambda: self._events().select_rows(self._read_rows, after, limit))

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
        return self._asked(lambda: self._events().select_last(self._stream))

    def anchor(self) -> tuple[int, str] | None:
        """Position and hash of the last event as they were written beside it; None for an empty log."""
        return self._asked(lambda: self._events().select_head(self._stream))

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

    def _insert(self, rows: list[Stored], head: str) -> None:
        try:
            self._try(rows, head)
        except IntegrityError as error:
            raise _taken(rows) from error
        except PersistenceError as error:
            if not self._connection.broken:
                raise LogUnavailableError(_away(error)) from error  # it was refused: nothing was written
            self._settle(rows, head)

    def _settle(self, rows: list[Stored], head: str) -> None:
        """An append of these rows was lost sight of: find out, or bring about, that they are in the log."""
        try:
            self._try(rows, head)
        except IntegrityError as error:
            if self.read_stored(rows[0].position - 1, len(rows)) != rows:
                raise _taken(rows) from error
        except PersistenceError as error:
            raise LogUnavailableError(_away(error)) from error

    def _try(self, rows: list[Stored], head: str) -> None:
        events = [StoredEvent(self._stream, row.position, row.topic, row.state) for row in rows]
        with self._connection.moving(sum(len(row.state) for row in rows)):
            self._events().insert_events(events, hash=head)

    def _asked(self, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except PersistenceError as error:
            raise LogUnavailableError(_away(error)) from error


def _taken(rows: list[Stored]) -> ConflictError:
    return ConflictError(f"Expected position {rows[0].position} to be free, but it is taken")


def _datastore(connection: OneConnection, schema: str) -> PostgresDatastore:
    datastore = PostgresDatastore("", "", "", "", "", schema=schema)
    datastore.pool = connection  # type: ignore[assignment]
    return datastore


def _away(error: Exception) -> str:
    return f"Expected PostgreSQL to answer, but {str(error).strip() or type(error).__name__}"
