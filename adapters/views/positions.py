"""How far the views have come, as the projector tells it: what a query that must see its own writes waits for.

It is listened to only while somebody waits, and the projector hears of that, so that it does not rest for long.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable
from time import monotonic

import msgspec
import psycopg

from adapters.log.connection import line
from adapters.log.schemas import schema_of
from adapters.views.connection import channel_of, options
from projections.catalogue import view_named

_POLL_SECONDS = 1.0
_RETRY_SECONDS = 0.5
_UNRUNG_SECONDS = 0.01
"""How long it waits before it tells the projector: one that does not rest writes a few events in less."""
_LINGER_SECONDS = 5.0
"""How long it listens on when nobody waits any more: whoever asks now and then finds the positions known."""

Ring = Callable[[], Awaitable[object]]
"""Tells the projector that somebody waits; what fails is not raised, as it comes by itself a little later."""


class BehindError(Exception):
    """The views did not come to the position in time."""


class Moved(msgspec.Struct):
    """What the projector says after each batch."""

    views: list[str]
    position: int


class Positions:
    """Knows the positions of a workspace's views: notifications at once, a look of its own each second."""

    def __init__(self, dsn: str, workspace: str, ring: Ring) -> None:
        self._dsn, self._schema, self._channel = dsn, schema_of(workspace), channel_of(workspace)
        self._ring = ring
        self._known: dict[str, int] = {}
        self._moved = asyncio.Event()
        """Set, and replaced by a new one, when something has become known."""
        self._wanted = asyncio.Event()
        self._waiting, self._waited_at, self._rung = 0, 0.0, False
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
        if self._least(names, position) >= position:
            return
        self._waiting += 1
        self._wanted.set()
        try:
            async with asyncio.timeout(seconds):
                while self._least(names, position) < position:
                    await self._until_moved(self._moved)
        except TimeoutError as error:
            raise BehindError(
                f"Expected {', '.join(sorted(names))} at position {position} within {seconds:g} s,"
                f" but the last behind is at {self._least(names, 0)}; try again, or ask with a lower min_position"
            ) from error
        finally:
            self._waiting -= 1
            self._waited_at = monotonic()

    async def _until_moved(self, moved: asyncio.Event) -> None:
        """The projector is told, once however many wait, if the views do not move by themselves at once."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_UNRUNG_SECONDS):
                await moved.wait()
        if not moved.is_set() and not self._rung:
            self._rung = True
            await self._ring()
        await moved.wait()

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
            while True:
                await self._look(connection)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_POLL_SECONDS):
                        await self._wanted.wait()
                if self._wanted.is_set():
                    await self._attend(connection)

    async def _attend(self, connection: psycopg.AsyncConnection) -> None:
        """Follow closely as long as somebody waits, and a little longer."""
        await connection.execute(f"LISTEN {self._channel}")
        while self._waiting or monotonic() - self._waited_at < _LINGER_SECONDS:
            await self._look(connection)
            async for notification in connection.notifies(timeout=_POLL_SECONDS):
                said = msgspec.json.decode(notification.payload, type=Moved)
                self._note(dict.fromkeys(said.views, said.position))
        self._wanted.clear()
        await connection.execute(f"UNLISTEN {self._channel}")

    async def _look(self, connection: psycopg.AsyncConnection) -> None:
        cursor = await connection.execute("SELECT view, position FROM view_positions")
        self._note(dict(await cursor.fetchall()))

    def _note(self, positions: dict[str, int]) -> None:
        self._known.update(positions)
        self._rung = False
        self._moved.set()
        self._moved = asyncio.Event()
