"""How far the views have come, as the projector tells it: what a query that must see its own writes waits for."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable

import msgspec
import psycopg

from adapters.log.connection import line
from adapters.log.schemas import schema_of
from adapters.views.connection import channel_of, options
from projections.catalogue import view_named

_POLL_SECONDS = 1.0
_RETRY_SECONDS = 0.5


class BehindError(Exception):
    """The views did not come to the position in time."""


class Moved(msgspec.Struct):
    """What the projector says after each batch."""

    views: list[str]
    position: int


class Positions:
    """Follows the positions of a workspace's views: notifications at once, a look of its own each second."""

    def __init__(self, dsn: str, workspace: str) -> None:
        self._dsn, self._schema, self._channel = dsn, schema_of(workspace), channel_of(workspace)
        self._known: dict[str, int] = {}
        self._moved = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to follow."""
        self._task = asyncio.create_task(self._follow(), name="view-positions")

    async def stop(self) -> None:
        """Stop following."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def wait_for(self, view_names: Iterable[str], position: int, seconds: float) -> None:
        """Until all these views stand at ``position`` or further. Raises BehindError; ValueError for a wrong name."""
        names = {view_named(name).name for name in view_names} if position > 0 else set()
        try:
            async with asyncio.timeout(seconds), self._moved:
                await self._moved.wait_for(lambda: self._least(names, position) >= position)
        except TimeoutError as error:
            raise BehindError(
                f"Expected {', '.join(sorted(names))} at position {position} within {seconds:g} s,"
                f" but the last behind is at {self._least(names, 0)}; try again, or ask with a lower min_position"
            ) from error

    def _least(self, names: set[str], empty: int) -> int:
        return min((self._known.get(name, 0) for name in names), default=empty)

    async def _follow(self) -> None:
        while True:
            try:
                await self._listen()
            except (psycopg.Error, OSError):
                await asyncio.sleep(_RETRY_SECONDS)

    async def _listen(self) -> None:
        connection = await psycopg.AsyncConnection.connect(
            self._dsn,
            autocommit=True,
            options=options(self._schema),
            application_name="paidan-positions",
            **line(self._dsn),
        )
        async with connection:
            await connection.execute(f"LISTEN {self._channel}")
            while True:
                await self._look(connection)
                async for notification in connection.notifies(timeout=_POLL_SECONDS):
                    said = msgspec.json.decode(notification.payload, type=Moved)
                    await self._note(dict.fromkeys(said.views, said.position))

    async def _look(self, connection: psycopg.AsyncConnection) -> None:
        cursor = await connection.execute("SELECT view, position FROM view_positions")
        await self._note(dict(await cursor.fetchall()))

    async def _note(self, positions: dict[str, int]) -> None:
        async with self._moved:
            self._known.update(positions)
            self._moved.notify_all()
