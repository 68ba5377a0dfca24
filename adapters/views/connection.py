"""Views in PostgreSQL: connections that see one workspace's schema, tables made where missing, events by the batch."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

import psycopg
from psycopg import sql

from adapters.log.codec import Stored, decode
from adapters.log.connection import line
from adapters.log.rows import rows_of
from adapters.log.schemas import schema_of, stream_of
from engine.events import Recorded
from projections.catalogue import VIEWS, layout_of
from projections.port import View
from projections.runner import POSITIONS_DDL

MAX_EVENTS = 512
MAX_BYTES = 16_000_000
"""A batch is bounded in events and in bytes as stored; bulk events carry some hundreds of rows each."""

_FIRST_READ = 256


def channel_of(workspace: str) -> str:
    """The NOTIFY channel that says how far a workspace's views have come."""
    return schema_of(workspace) + "_views"


def bell_of(workspace: str) -> str:
    """The NOTIFY channel that tells the projector that somebody waits for its views."""
    return schema_of(workspace) + "_wanted"


def options(schema: str, *more: str) -> str:
    """Connection options: the schema, and no JIT, which costs more than any of these statements."""
    return " ".join(f"-c {setting}" for setting in (f"search_path={schema}", "jit=off", *more))


def connect(dsn: str, schema: str) -> psycopg.Connection:
    """A connection for writing views. Commits do not wait for the disk: a lost one is done again from the log."""
    return psycopg.connect(
        dsn,
        autocommit=True,
        options=options(schema, "synchronous_commit=off"),
        application_name="paidan-views",
        **line(dsn),
    )


def create_views(connection: psycopg.Connection, views: Iterable[View] = VIEWS) -> list[str]:
    """Make tables that are missing or of another layout, empty and at position 0; gives the names of those made."""
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(hashtext(current_schema() || '/views'))")
        connection.execute(POSITIONS_DDL)
        return [view.name for view in views if _create(connection, view)]


def _create(connection: psycopg.Connection, view: View) -> bool:
    known = connection.execute("SELECT layout FROM view_positions WHERE view = %s", [view.name]).fetchone()
    if known is not None and known[0] == layout_of(view) and not missing(connection, view):
        return False
    drop_tables(connection, view)
    connection.execute(view.ddl + view.indexes)
    connection.execute(
        "INSERT INTO view_positions VALUES (%s, 0, 0, %s)"
        " ON CONFLICT (view) DO UPDATE SET position = 0, layout = excluded.layout",
        [view.name, layout_of(view)],
    )
    return True


def missing(connection: psycopg.Connection, view: View) -> bool:
    """Whether somebody dropped a table of the view."""
    found = connection.execute(
        "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = ANY(%s)",
        [list(view.tables)],
    ).fetchone()
    return found is None or found[0] < len(view.tables)


def drop_tables(connection: psycopg.Connection, view: View) -> None:
    """Drop what is there of the view's tables."""
    for table in view.tables:
        connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(table)))


def positions_of(connection: psycopg.Connection) -> dict[str, int]:
    """How far each view has come."""
    return dict(connection.execute("SELECT view, position FROM view_positions").fetchall())


def reader(connection: psycopg.Connection, workspace: str) -> Callable[[int, int], list[Stored]]:
    """Reads (after, limit) rows of the log over a connection for views."""
    return partial(rows_of(schema_of(workspace), stream_of(workspace)), connection)


class Window:
    """Batches of decoded events. Each event is read and decoded once, however many views want it."""

    def __init__(self, read_stored: Callable[[int, int], Sequence[Stored]]) -> None:
        self._read_stored = read_stored
        self._ahead: deque[Stored] = deque()
        self._batch: list[Recorded] = []
        self._limit = _FIRST_READ

    @property
    def behind(self) -> bool:
        """Whether there was more in the log than the last batch took."""
        return bool(self._ahead) or self._limit > _FIRST_READ

    def read(self, after: int) -> list[Recorded]:
        """The next events above a position, as many as make one batch. Raises UnknownEventError."""
        if self._batch and self._batch[0].position == after + 1:
            return self._batch
        if not self._ahead or self._ahead[0].position != after + 1:
            self._fill(after)
        self._batch = [decode(stored) for stored in self._taken()]
        return self._batch

    def _fill(self, after: int) -> None:
        """Read further the further behind."""
        self._ahead = deque(self._read_stored(after, self._limit))
        self._limit = min(self._limit * 4, MAX_EVENTS) if len(self._ahead) == self._limit else _FIRST_READ

    def _taken(self) -> Iterator[Stored]:
        size = 0
        while self._ahead and size < MAX_BYTES:
            stored = self._ahead.popleft()
            size += len(stored.state)
            yield stored
