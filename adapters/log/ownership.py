"""Who owns a workspace: the server that holds its advisory lock. Others stand by and take over when it is free.

The lock keeps servers out of each other's way; what makes a second writer harmless is the log's version check. So the
lock may be taken from an owner that has stalled: should it come to again, its next append finds the position taken.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from hashlib import blake2b

import psycopg

from adapters.log.connection import AsyncConnection, settings
from adapters.log.event_log import LogUnavailableError
from adapters.log.holder import Holder
from adapters.log.writer import Writer

log = logging.getLogger("paidan.ownership")

HEARTBEAT_S = 1.0
BEAT_ANSWER_S = 3.0
"""A heartbeat that is not answered for this long is the end of the ownership: others count as long."""
WATCH_S = 0.3
"""Between two looks at the lock and its holder while standing by."""
RETRY_S, LAST_RETRY_S = 0.5, 4.0
"""Where the log can be read but not written, each attempt costs a replay; so they become rarer."""


def lock_key(workspace: str) -> int:
    """The advisory lock's 64-bit key."""
    return int.from_bytes(blake2b(f"paidan:{workspace}".encode(), digest_size=8).digest(), signed=True)


class Ownership:
    """Runs the writer while this server owns the workspace."""

    def __init__(self, dsn: str, workspace: str, writer: Writer, on_change: Callable[[bool], Awaitable[None]]) -> None:
        self._dsn, self._workspace, self._writer, self._on_change = dsn, workspace, writer, on_change
        self._key = lock_key(workspace)
        self._pause = RETRY_S

    async def hold_for_ever(self) -> None:
        """Acquire, serve, and after any loss begin again. Ends by cancellation."""
        while True:
            try:
                async with await self._connected() as connection:
                    await self._acquire(connection)
                    await self._serve(connection)
            except (psycopg.Error, LogUnavailableError) as error:
                log.warning("workspace %s: PostgreSQL is away (%s); trying again", self._workspace, str(error).strip())
            await asyncio.sleep(self._pause)

    async def _connected(self) -> AsyncConnection:
        connection = await AsyncConnection.connect(self._dsn, autocommit=True, **settings(self._dsn, "paidan-owner"))
        connection.answer_s = BEAT_ANSWER_S
        return connection

    async def _acquire(self, connection: AsyncConnection) -> None:
        if await self._locked(connection):
            return
        log.warning("workspace %s is owned by another server; standing by", self._workspace)
        holder = Holder(self._key)
        while not await self._locked(connection):
            if await holder.end_if_stalled(connection):
                log.warning("workspace %s: its owner has stalled; its session was ended", self._workspace)
            await self._writer.follow()
            await asyncio.sleep(WATCH_S)
        log.warning("workspace %s is free; taking over", self._workspace)

    async def _locked(self, connection: AsyncConnection) -> bool:
        cursor = await connection.execute("SELECT pg_try_advisory_lock(%s)", (self._key,))
        row = await cursor.fetchone()
        return row is not None and bool(row[0])

    async def _serve(self, connection: AsyncConnection) -> None:
        """For as long as the heart beats and the log is ours. Raises what ended it."""
        beating = asyncio.create_task(self._beat(connection))
        serving = asyncio.create_task(self._own())
        try:
            await asyncio.wait((beating, serving), return_when=asyncio.FIRST_COMPLETED)
            if beating.done():  # by now the lock may be another server's
                self._writer.abandon("Expected this server to own the workspace, but its session at PostgreSQL ended")
        finally:
            serving.cancel()
            served = await asyncio.gather(serving, return_exceptions=True)
            beating.cancel()
            beaten = await asyncio.gather(beating, return_exceptions=True)
        for error in (*served, *beaten):
            if isinstance(error, Exception):
                raise error

    async def _beat(self, connection: AsyncConnection) -> None:
        """Between two beats it listens, to nothing, so as to hear at once that the session was ended."""
        while True:
            await connection.execute("SELECT 1")
            async for _ in connection.notifies(timeout=HEARTBEAT_S):
                pass

    async def _own(self) -> None:
        await self._writer.open()
        opened = self._writer.position
        await self._on_change(True)
        log.info("workspace %s is owned, at position %d", self._workspace, opened)
        try:
            await self._writer.lost.wait()
            log.warning("workspace %s: let go, the log has another writer or went away", self._workspace)
        finally:
            self._pause = RETRY_S if self._writer.position > opened else min(self._pause * 2, LAST_RETRY_S)
            await self._on_change(False)
            await self._writer.close()
