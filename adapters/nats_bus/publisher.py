"""The publisher: a process that follows the log and puts every fact into the workspace's JetStream stream, once.

It begins after the stream's own last message, and each fact goes in only right behind the one before it; so it may be
killed at any moment, NATS too, and a second publisher does no harm. With NATS away it tries again for ever.
It ends at SIGTERM, or when the supervisor at the other end of its stdin is gone.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from time import monotonic, time_ns

import msgspec
import uvloop
from nats.errors import ConnectionClosedError
from nats.errors import Error as NatsError
from nats.js.api import RawStreamMsg

from adapters.log.codec import UnknownEventError
from adapters.log.event_log import LogUnavailableError
from adapters.nats_bus.batches import Connection, RefusedError
from adapters.nats_bus.cloud_events import Messages
from adapters.nats_bus.stream import Cursor, End, Stream, StreamLimits, id_of
from adapters.nats_bus.tail import Batch, Tail, batches
from adapters.nats_bus.times import time_of
from adapters.processes.parent import stops_with_parent
from engine.events import Recorded

log = logging.getLogger("paidan.publisher")

POLL_S = 1.0
"""How long it sleeps at most when no notification comes."""
STAND_BY_S = 1.0
"""How long it leaves the stream to another publisher that was quicker."""
NOTE_S = 1.0
"""How often it notes beside the stream how far it has come, while it is busy."""
REST_S = 0.05
"""How long it rests after it has published: a batch by itself costs as much as some dozens of messages. What comes
after the rest goes out at once."""
LOOK_S = 5.0
"""How often it looks, while it has nothing to publish, whether the stream is still there."""
RETRY_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
CLOSE_S = 2.0


class OtherHistoryError(Exception):
    """The stream holds facts of another log than the one that is followed."""


class Publisher:
    """One workspace's facts into one stream. The counters may be read from any thread."""

    def __init__(self, dsn: str, nats_url: str, workspace: str, limits: StreamLimits | None = None) -> None:
        self._url, self._workspace, self._limits = nats_url, workspace, limits or StreamLimits()
        self._tail = Tail(dsn, workspace)
        self._end = End(0, Cursor())
        self._noted = self._looked = 0.0
        self._noted_end: End | None = None
        self._attempt = 0
        self._trouble = ""
        self.messages = 0
        """Facts published since the start, in batches that went in as a whole."""
        self.position = 0
        """All facts up to this position of the log are in the stream."""
        self.failures = 0
        """Times it had to begin again: NATS or PostgreSQL away, a batch refused."""
        self.connected = False
        """Whether NATS is there and the stream may be written."""
        self.published: Callable[[list[Recorded], int], None] | None = None
        """Told of events that the stream has now, and when their publishing began (ns since 1970)."""

    async def run(self, stop: threading.Event) -> None:
        """Publish until ``stop``. Raises UnknownEventError: an event is never skipped."""
        try:
            while not stop.is_set():
                await self._try(stop)
        finally:
            self._tail.close()

    async def _try(self, stop: threading.Event) -> None:
        try:
            async with self._connection() as connection:
                await self._publish(connection, stop)
        except (NatsError, OSError, TimeoutError) as error:
            await self._failed(stop, "NATS is away; facts wait in the log", error)
        except LogUnavailableError as error:
            await self._failed(stop, "PostgreSQL is away", error)
        except OtherHistoryError as error:
            self._tail.forget()
            await self._failed(stop, "nothing is published", error)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        connection = Connection()
        try:
            await connection.open(self._url)
            yield connection
        finally:
            self.connected = False
            with suppress(NatsError, OSError, TimeoutError):  # it may have been broken already
                async with asyncio.timeout(CLOSE_S):
                    await connection.close()

    async def _publish(self, connection: Connection, stop: threading.Event) -> None:
        """Begin where the stream ends, again whenever somebody else has moved that end."""
        await asyncio.to_thread(self._tail.open)
        stream = Stream(connection.client.jetstream(), self._workspace, self._limits)
        while not stop.is_set():
            await connection.unless_lost(stream.make())
            await self._begin(await connection.unless_lost(stream.end()))
            try:
                await self._follow(connection, stream, stop)
            except RefusedError as error:
                await self._refused(connection, stream, error, stop)

    async def _begin(self, end: End) -> None:
        address = id_of(end.told) if end.told is not None else (end.cursor.position, 0)
        if address[0]:
            _same_history(end, address, await asyncio.to_thread(self._tail.at, address[0]))
        await asyncio.to_thread(self._tail.learn, end.cursor.position)
        self._end, self.position = end, end.cursor.position
        self._noted_end = None

    async def _follow(self, connection: Connection, stream: Stream, stop: threading.Event) -> None:
        make = Messages(self._workspace, connection.client.max_payload)
        while not stop.is_set():
            recorded = self._tail.read(self._end.cursor.position)  # on this thread: there is nothing else to do
            if recorded:
                began = time_ns()
                await self._send(connection, batches(recorded, self._end.cursor, self._tail, make))
                self._told(recorded, began)
                await asyncio.sleep(REST_S)
            self._well(connection)
            await self._note(connection, stream, idle=not recorded)
            if not recorded:
                if not await self._is_there(connection, stream):
                    return
                await asyncio.to_thread(self._tail.wait, POLL_S)
        await self._note(connection, stream, idle=True)

    def _told(self, recorded: list[Recorded], began: int) -> None:
        if self.published is not None:
            self.published(recorded, began)

    async def _send(self, connection: Connection, made: Iterator[Batch]) -> None:
        """One batch is under way while the next one is made."""
        under_way: tuple[str, Batch] | None = None
        for batch in made:
            if under_way is not None:
                await self._confirm(connection, *under_way)
            name = await connection.send(batch.messages, self._end.sequence) if batch.messages else ""
            under_way = (name, batch)
        if under_way is not None:
            await self._confirm(connection, *under_way)

    async def _confirm(self, connection: Connection, name: str, batch: Batch) -> None:
        sequence = self._end.sequence + len(batch.messages)
        if batch.messages:
            await connection.answer(name, sequence)
        self._end = End(sequence, batch.cursor)
        self.position = batch.cursor.position
        self.messages += len(batch.messages)

    async def _is_there(self, connection: Connection, stream: Stream) -> bool:
        """Looked at now and then: that the stream is gone would else be noticed when there is something to publish."""
        if monotonic() < self._looked + LOOK_S:
            return True
        self._looked = monotonic()
        return await connection.unless_lost(stream.is_there())

    async def _note(self, connection: Connection, stream: Stream, *, idle: bool) -> None:
        """When there is nothing else to do, and else once a second."""
        if self._end == self._noted_end or not (idle or monotonic() > self._noted + NOTE_S):
            return
        await connection.unless_lost(stream.note(self._end.sequence, self._end.cursor))
        self._noted, self._noted_end = monotonic(), self._end

    async def _refused(
        self, connection: Connection, stream: Stream, error: RefusedError, stop: threading.Event
    ) -> None:
        """A stranger's message is passed over at once; a publisher that was quicker is let go first."""
        self.failures += 1
        if not error.moved:
            await self._failed(stop, "the stream refuses facts, which wait in the log", error)
            return
        if await connection.unless_lost(stream.publisher_at(self._end.sequence + 1)) == connection.name:
            return  # the batch was begun, and somebody wrote in between
        if (await connection.unless_lost(stream.end())).cursor > self._end.cursor:
            self._say("another publisher fills the stream; standing by")
            await _pause(stop, STAND_BY_S)

    async def _failed(self, stop: threading.Event, what: str, error: Exception) -> None:
        self.failures += 1
        self._say(what, str(error).strip() or type(error).__name__)
        delay = RETRY_S[min(self._attempt, len(RETRY_S) - 1)]
        self._attempt += 1
        await _pause(stop, delay)

    def _say(self, what: str, why: str = "") -> None:
        """Once a change: who is away for hours fills no log."""
        if what != self._trouble:
            log.warning("%s%s; trying again", what, f" ({why})" if why else "")
        self._trouble = what

    def _well(self, connection: Connection) -> None:
        if connection.lost:
            raise ConnectionClosedError
        if self._trouble:
            log.info("publishing again, at position %d", self.position)
        self._trouble, self._attempt, self.connected = "", 0, True


def _same_history(end: End, address: tuple[int, int], recorded: Recorded | None) -> None:
    """A log restored to an earlier moment gives positions to other facts; to go on would mix two histories."""
    if recorded is not None and (end.told is None or _time_in(end.told) == time_of(recorded.at)):
        return
    raise OtherHistoryError(
        f"Expected the log to hold fact {address[0]}.{address[1]}, with which the stream ends, but "
        + ("it ends before it" if recorded is None else f"its event {address[0]} is of {time_of(recorded.at)}")
        + "; if the log was restored, delete the stream, and it is filled again"
    )


def _time_in(told: RawStreamMsg) -> str:
    try:
        return msgspec.json.decode(told.data or b"", type=_Timed).time
    except msgspec.MsgspecError:
        return "?"


class _Timed(msgspec.Struct):
    time: str


async def _pause(stop: threading.Event, seconds: float) -> None:
    await asyncio.to_thread(stop.wait, seconds)


def main(
    dsn: str,
    nats_url: str,
    workspace: str,
    stop: threading.Event | None = None,
    limits: StreamLimits | None = None,
    watch: Callable[[Publisher], object] | None = None,
) -> None:
    """Run the publisher as a process of its own until it is told to end. ``watch`` is given it, for its counters."""
    stop = stop or threading.Event()
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
    stops_with_parent(stop)
    publisher = Publisher(dsn, nats_url, workspace, limits)
    if watch is not None:
        watch(publisher)
    try:
        uvloop.run(publisher.run(stop))
    except UnknownEventError as error:
        log.critical("%s; a newer program wrote it, run that one", error)
        raise
