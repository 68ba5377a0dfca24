"""Keeps views up with the log: a batch of events, the new positions and the word to waiting queries in one transaction.

Views that stand at one position go forward together, so that in ordinary running all of them show one moment. A view
whose handler fails is left behind and tried again alone; the others go on.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from engine.events import Recorded
from projections.port import Cursor, View

POSITIONS_DDL = """
CREATE TABLE IF NOT EXISTS view_positions (
    view text COLLATE "C" PRIMARY KEY, position bigint NOT NULL, updated_at bigint NOT NULL, layout text NOT NULL
)
"""
"""``layout``: fingerprint of the tables' definition; a program with another one builds the view anew."""

_LOCK = "SELECT view, position FROM view_positions WHERE view = ANY(%s) ORDER BY view FOR UPDATE"
_MOVE = """
WITH moved AS (
    UPDATE view_positions SET position = %s, updated_at = (extract(epoch FROM clock_timestamp()) * 1000)::bigint
    WHERE view = ANY(%s)
) SELECT pg_notify(%s, %s)
"""


class Connection(Protocol):
    """The part of a connection that the runner uses."""

    def cursor(self) -> Any: ...

    def transaction(self) -> AbstractContextManager[Any]: ...


class Reader(Protocol):
    """Where events come from."""

    def read(self, after: int) -> Sequence[Recorded]:
        """The next batch above a position; empty at the head. Raises on an event it does not know."""
        ...


class ViewFailedError(Exception):
    """A view's handler raised; the cause is the original error. Nothing of the batch was kept."""

    def __init__(self, view: str, position: int) -> None:
        super().__init__(f"Expected view {view} to take the events after position {position}, but its handler failed")
        self.view, self.position = view, position


def groups(positions: dict[str, int], views: Iterable[View]) -> list[tuple[int, list[View]]]:
    """Views by the position they stand at, the furthest behind first."""
    standing: dict[int, list[View]] = defaultdict(list)
    for view in views:
        standing[positions[view.name]].append(view)
    return sorted(standing.items(), key=lambda item: item[0])


def catch_up(
    connection: Connection, views: Sequence[View], reader: Reader, channel: str, until: int | None = None
) -> int:
    """One batch for views that stand at one position; gives the position they stand at afterwards.

    ``until``: where others stand that are further on, so that all meet there.

    Exactly once, whatever dies: rows and position are committed together, and the position's row is locked first, so
    another process on the same view waits and then finds its batch done. Raises ViewFailedError.
    """
    with connection.transaction():
        cursor: Cursor = connection.cursor()
        position = _locked(cursor, views)
        batch = _cut(reader.read(position), until)
        if not batch:
            return position
        for view in views:
            _apply(view, cursor, batch, position)
        reached = batch[-1].position
        move(cursor, [view.name for view in views], reached, channel)
    return reached


def move(cursor: Cursor, names: Sequence[str], position: int, channel: str) -> None:
    """Write how far views have come, and tell whoever waits when this commits."""
    told = json.dumps({"views": list(names), "position": position})
    cursor.execute(_MOVE, [position, list(names), channel, told])


def lock(cursor: Cursor, names: Sequence[str]) -> dict[str, int]:
    """Positions of views, held until the transaction ends."""
    cursor.execute(_LOCK, [list(names)])
    return dict(cursor.fetchall())


def _locked(cursor: Cursor, views: Sequence[View]) -> int:
    """Between the grouping and the lock another process may have moved some; then the next turn takes them."""
    held = lock(cursor, [view.name for view in views])
    standing = set(held.values())
    if len(standing) != 1:
        raise MovedError(f"Expected views {', '.join(held)} at one position, but they stand at {sorted(standing)}")
    return int(standing.pop())


def _cut(batch: Sequence[Recorded], until: int | None) -> Sequence[Recorded]:
    if until is None or not batch or batch[-1].position <= until:
        return batch
    return [recorded for recorded in batch if recorded.position <= until]


class MovedError(Exception):
    """Somebody else moved a view meanwhile; look again."""


def _apply(view: View, cursor: Cursor, batch: Sequence[Recorded], position: int) -> None:
    try:
        view.apply(cursor, batch)
    except Exception as error:
        raise ViewFailedError(view.name, position) from error
