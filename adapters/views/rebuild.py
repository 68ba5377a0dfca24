"""A view built anew from the whole log, beside the one in use, and put in its place in one moment.

Queries and the projector go on meanwhile. The copy grows in a schema of its own with the very same handlers; a rebuild
that dies leaves only that schema, which the next one drops.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import psycopg
from psycopg import sql

from adapters.log.event_log import EventLog
from adapters.log.schemas import schema_of
from adapters.views.connection import Window, channel_of, connect, create_views, drop_tables
from projections.catalogue import layout_of, view_named
from projections.port import View
from projections.runner import POSITIONS_DDL, lock, move

_SWAP_ATTEMPTS = 60
_SWAP_PAUSE_SECONDS = 1.0

Progress = Callable[[int, int], None]
"""(position reached, position of the log's head)"""


def rebuild(dsn: str, workspace: str, view_name: str, progress: Progress = lambda _done, _head: None) -> int:
    """Build a view from position 0 and swap it in; gives the position it stands at.

    Raises ValueError for a view that does not exist, psycopg.Error where PostgreSQL is away.
    """
    view, schema = view_named(view_name), schema_of(workspace)
    side = f"{schema}__{view.name}"
    events = EventLog(dsn, workspace)
    try:
        with connect(dsn, side) as connection:
            _prepare(connection, schema, side, view)
            reached = _grow(connection, view, Window(events.read_stored), lambda at: progress(at, events.head()))
            where = Side(schema, side, channel_of(workspace))
            return _swapped(
                connection, view, where, lambda at, live: _rest(connection, view, events, at, live), reached
            )
    finally:
        events.close()


def build_missing(connection: psycopg.Connection, view_name: str) -> bool:
    """If a table of the view is gone, make them all again, empty; the projector then fills them from position 0."""
    return bool(create_views(connection, (view_named(view_name),)))


class Side:
    """Where the copy grows and where it is to go."""

    def __init__(self, live: str, side: str, channel: str) -> None:
        self.live, self.side, self.channel = live, side, channel


def _prepare(connection: psycopg.Connection, live: str, side: str, view: View) -> None:
    """One rebuild of a view at a time: the lock is held as long as the connection."""
    taken = connection.execute("SELECT pg_try_advisory_lock(hashtext(%s))", [side]).fetchone()
    if not taken or not taken[0]:
        raise RebuildRunningError(f"Expected one rebuild of {view.name} at a time, but another is under way")
    with connection.transaction():
        connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(side)))
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(side)))
        connection.execute(view.ddl)
        connection.execute(POSITIONS_DDL.replace("view_positions", f"{live}.view_positions"))
        connection.execute(
            f"INSERT INTO {live}.view_positions VALUES (%s, 0, 0, %s) ON CONFLICT DO NOTHING", [view.name, ""]
        )


class RebuildRunningError(Exception):
    """The view is being rebuilt already."""


def _grow(connection: psycopg.Connection, view: View, window: Window, progress: Callable[[int], None]) -> int:
    reached = 0
    while batch := window.read(reached):
        with connection.transaction():
            view.apply(connection.cursor(), batch)
        reached = batch[-1].position
        progress(reached)
    if view.indexes:
        connection.execute(view.indexes)
    return reached


def _swapped(
    connection: psycopg.Connection, view: View, where: Side, take_rest: Callable[[int, int], int], reached: int
) -> int:
    """Whoever reads the live tables for long is waited for outside the transaction, so nobody queues behind it."""
    for attempt in range(_SWAP_ATTEMPTS):
        try:
            return _swap(connection, view, where, take_rest, reached)
        except psycopg.errors.LockNotAvailable:
            if attempt == _SWAP_ATTEMPTS - 1:
                raise
            time.sleep(_SWAP_PAUSE_SECONDS)
    raise AssertionError("the loop returns or raises")


def _swap(
    connection: psycopg.Connection, view: View, where: Side, take_rest: Callable[[int, int], int], reached: int
) -> int:
    """Under the lock of the live view's position nothing moves it; the copy takes the rest and becomes the live one."""
    with connection.transaction():
        cursor = connection.cursor()
        cursor.execute(f"SET LOCAL lock_timeout = '1s'; SET LOCAL search_path = {where.side}, {where.live}")
        reached = take_rest(reached, lock(cursor, [view.name]).get(view.name, 0))
        cursor.execute(f"SET LOCAL search_path = {where.live}")
        drop_tables(connection, view)
        for table in view.tables:
            name = sql.Identifier(where.side, table)
            connection.execute(sql.SQL("ALTER TABLE {} SET SCHEMA {}").format(name, sql.Identifier(where.live)))
        cursor.execute("UPDATE view_positions SET layout = %s WHERE view = %s", [layout_of(view), view.name])
        move(cursor, [view.name], reached, where.channel)
        cursor.execute(f"DROP SCHEMA {where.side} CASCADE")
    return reached


def _rest(connection: psycopg.Connection, view: View, events: EventLog, reached: int, live: int) -> int:
    while reached < live:
        batch = events.read(reached, min(live - reached, 256))
        view.apply(connection.cursor(), batch)
        reached = batch[-1].position
    return reached
