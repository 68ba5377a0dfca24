"""Whoever holds a workspace's lock, as another server sees it: alive, or merely there.

A lock stays with its session for as long as PostgreSQL keeps the session: for ever, where the owner is stopped or its
machine is gone. But the owner's heartbeat shows in ``pg_stat_activity``; one that stands still is ended from here.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from time import monotonic
from typing import Any

import psycopg

STALL_S = 3.0
"""The owner's heart beats each second; without a beat for this long it counts as stalled."""
GAP_S = 1.5
"""Who has not looked for this long may have stood still himself, and begins to watch anew."""

FROM = """
FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND l.classid = %(high)s::bigint::oid AND l.objid = %(low)s::bigint::oid
"""
LOOK = f"SELECT a.pid, a.state_change {FROM}"
END = f"SELECT pg_terminate_backend(a.pid) {FROM} AND a.pid = %(pid)s AND a.state_change = %(beat)s"

Beat = tuple[int, datetime]
"""Process id of the session at PostgreSQL, and when it last did something."""


class Holder:
    """The session that holds an advisory lock, watched over another one."""

    def __init__(self, key: int, clock: Callable[[], float] = monotonic) -> None:
        self._key = {"high": key >> 32 & 0xFFFFFFFF, "low": key & 0xFFFFFFFF}
        self._clock = clock
        self._seen: Beat | None = None
        self._since = self._looked = clock()

    async def end_if_stalled(self, connection: psycopg.AsyncConnection[tuple[Any, ...]]) -> bool:
        """Look once; True: it had stalled, and its session was told to end."""
        cursor = await connection.execute(LOOK, self._key)
        row = await cursor.fetchone()
        beat = (row[0], row[1]) if row and row[1] is not None else None  # None: not ours to see, or gone
        if beat is None or not self._stands_still(beat):
            return False
        self._seen = None
        cursor = await connection.execute(END, {**self._key, "pid": beat[0], "beat": beat[1]})
        return await cursor.fetchone() is not None

    def _stands_still(self, beat: Beat) -> bool:
        now = self._clock()
        if beat != self._seen or now - self._looked > GAP_S:
            self._seen, self._since = beat, now
        self._looked = now
        return now - self._since > STALL_S
