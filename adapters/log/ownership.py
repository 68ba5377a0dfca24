"""Who owns a workspace: the server that holds its advisory lock. Others stand by and take over when it is free.

The lock keeps servers out of each other's way; what makes a second writer harmless is the log's version check.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from hashlib import blake2b

import psycopg

from adapters.log.event_log import LogUnavailableError
from adapters.log.writer import Writer

log = logging.getLogger("paidan.ownership")

HEARTBEAT_S = 1.0
RETRY_S = 0.5


def lock_key(workspace: str) -> int:
    """The advisory lock's 64-bit key."""
    return int.from_bytes(blake2b(f"paidan:{workspace}".encode(), digest_size=8).digest(), signed=True)


class Ownership:
    """Runs the writer while this server owns the workspace."""

    def __init__(self, dsn: str, workspace: str, writer: Writer, on_change: Callable[[bool], Awaitable[None]]) -> None:
        self._dsn, self._workspace, self._writer, self._on_change = dsn, workspace, writer, on_change

    async def hold_for_ever(self) -> None:
        """Acquire, serve, and after any loss begin again. Ends by cancellation."""
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(self._dsn, autocommit=True) as connection:
                    await self._acquire(connection)
                    await self._serve(connection)
            except (psycopg.Error, LogUnavailableError) as error:
                log.warning("workspace %s: PostgreSQL is away (%s); trying again", self._workspace, str(error).strip())
            await asyncio.sleep(RETRY_S)

    async def _acquire(self, connection: psycopg.AsyncConnection[tuple[object, ...]]) -> None:
        key = lock_key(self._workspace)
        cursor = await connection.execute("SELECT pg_try_advisory_lock(%s)", (key,))
        row = await cursor.fetchone()
        if row is not None and row[0]:
            return
        log.warning("workspace %s is owned by another server; standing by", self._workspace)
        await connection.execute("SELECT pg_advisory_lock(%s)", (key,))
        log.warning("workspace %s is free; taking over", self._workspace)

    async def _serve(self, connection: psycopg.AsyncConnection[tuple[object, ...]]) -> None:
        await self._writer.open()
        await self._on_change(True)
        log.info("workspace %s is owned, at position %d", self._workspace, self._writer.position)
        try:
            while not self._writer.lost.is_set():
                await connection.execute("SELECT 1")
                await _within(self._writer.lost, HEARTBEAT_S)
            log.warning("workspace %s: let go, the log has another writer or went away", self._workspace)
        finally:
            await self._on_change(False)
            await self._writer.close()


async def _within(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
