"""Messages into the stream, each one only right behind the one that it follows.

A batch goes out as one piece, and its last message asks for an answer. The first message is taken only where the stream
still ends at the sequence that we know (``Nats-Expected-Last-Sequence``), every other one only right behind the one
before it (``Nats-Expected-Last-Msg-Id``). So when a batch is broken off, by a crash or because somebody else wrote in
between, its beginning is in the stream and nothing behind the break.

JetStream's atomic batches would do it too, but the server first keeps each in a store of its own, with files that it
makes, syncs and deletes: twice the work for a large batch, five times for a small one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator, Sequence
from itertools import count
from os import urandom
from typing import Any, TypeVar

import msgspec
import nats
from nats.aio.client import Client
from nats.aio.msg import Msg

from adapters.nats_bus.cloud_events import CONTENT_TYPE, Message
from adapters.nats_bus.connecting import connect
from adapters.nats_bus.stream import PUBLISHER, SEQUENCE

MAX_MESSAGES = 1_000
"""The server lets ten times as many wait for a stream, and drops what is more."""
MAX_BYTES = 4_000_000
"""The server holds what it has not stored yet in memory."""
ANSWER_S = 10.0
WRONG_LAST = (10_070, 10_071)
"""Codes: the stream ends with another message, at another sequence."""
_ALIKE = f"NATS/1.0\r\nContent-Type: {CONTENT_TYPE}\r\n"
"""How the headers of every message begin."""

Answered = TypeVar("Answered")


class RefusedError(Exception):
    """The stream did not take all of the batch. ``moved``: because somebody else wrote to it."""

    def __init__(self, message: str, *, moved: bool = False) -> None:
        super().__init__(message)
        self.moved = moved


class _Failure(msgspec.Struct):
    description: str = ""
    err_code: int = 0


class _Answer(msgspec.Struct):
    seq: int = 0
    duplicate: bool = False
    error: _Failure | None = None


class BatchClient(Client):
    """The stock client, and a way to send many messages at once.

    Its ``publish`` takes longer over a message's headers than everything else here takes over the message.
    """

    async def send_lines(self, lines: bytes) -> None:
        """Messages in NATS' own protocol. Raises nats.errors.ConnectionClosedError."""
        if self.is_closed:
            raise nats.errors.ConnectionClosedError
        await self._send_command(lines)
        await self._flush_pending()


class Connection:
    """A line to NATS that is thrown away when it breaks, with everything that was under way on it."""

    def __init__(self) -> None:
        self.client = client = BatchClient()
        self.name = urandom(6).hex()
        """Stands in the first message of each batch."""
        self._lost = asyncio.Event()
        self._inbox, self._numbers = client.new_inbox(), count()
        self._answers: asyncio.Queue[Msg | None] = asyncio.Queue()

    async def open(self, url: str) -> None:
        """Connect. Raises nats.errors.Error or OSError."""
        await connect(self.client, url, "paidan-publisher", self._closed)
        await self.client.subscribe(f"{self._inbox}.*", cb=self._answers.put)

    async def send(self, batch: Sequence[Message], after: int) -> str:
        """Send a batch that is to follow sequence ``after``; gives where its answer will come, for ``answer``."""
        reply = f"{self._inbox}.{next(self._numbers)}"
        await self.client.send_lines(b"".join(lines(batch, after, self.name, reply)))
        await asyncio.sleep(0)  # it goes out now, not when the caller has made the next batch
        return reply

    async def answer(self, reply: str, expected: int) -> None:
        """Wait until the batch is in the stream and ends at ``expected``. Raises RefusedError, nats.errors.Error."""
        try:
            async with asyncio.timeout(ANSWER_S):
                while True:
                    told = await self._answers.get()
                    if told is None:
                        raise nats.errors.ConnectionClosedError
                    if told.subject == reply:  # others are late answers to what was given up
                        break
        except TimeoutError as error:
            raise nats.errors.TimeoutError from error
        _check(told, expected)

    @property
    def lost(self) -> bool:
        """Whether the line is gone."""
        return self._lost.is_set()

    async def close(self) -> None:
        """Let go without waiting for what is under way."""
        await self.client.close()

    async def unless_lost(self, asked: Coroutine[Any, Any, Answered]) -> Answered:
        """What NATS answers. The client by itself goes on waiting when the line is gone. Raises nats.errors.Error."""
        asking, losing = asyncio.ensure_future(asked), asyncio.ensure_future(self._lost.wait())
        try:
            await asyncio.wait((asking, losing), return_when=asyncio.FIRST_COMPLETED)
            if not asking.done():
                raise nats.errors.ConnectionClosedError
            return asking.result()
        finally:
            asking.cancel()
            losing.cancel()

    async def _closed(self) -> None:
        self._lost.set()
        self._answers.put_nowait(None)


def lines(batch: Sequence[Message], after: int, publisher: str, reply: str) -> Iterator[bytes]:
    """Messages as they go over the wire. Subjects hold no space and headers no line end: tokens and numbers."""
    guard = f"Nats-Expected-Last-Sequence: {after}\r\n{PUBLISHER}: {publisher}"
    last = after + len(batch)
    for sequence, message in enumerate(batch, after + 1):
        address, payload = message.id, message.payload
        headers = f"Nats-Msg-Id: {address}\r\n{SEQUENCE}: {sequence}\r\n{guard}\r\n\r\n"
        size = len(_ALIKE) + len(headers)
        where = message.subject if sequence < last else f"{message.subject} {reply}"
        yield f"HPUB {where} {size} {size + len(payload)}\r\n{_ALIKE}{headers}".encode()
        yield payload
        yield b"\r\n"
        guard = f"Nats-Expected-Last-Msg-Id: {address}"


def _check(told: Msg, expected: int) -> None:
    if told.headers and told.headers.get("Status") == "503":
        raise RefusedError("Expected the stream to take the facts, but there is no stream for them")
    try:
        answer = msgspec.json.decode(told.data, type=_Answer)
    except msgspec.MsgspecError as error:
        raise RefusedError(f"Expected an answer of JetStream, but got {told.data[:80]!r}") from error
    if answer.error is not None:
        moved = answer.error.err_code in WRONG_LAST
        raise RefusedError(f"Expected the stream to take the facts, but {answer.error.description}", moved=moved)
    if answer.duplicate:
        raise RefusedError("Expected to publish the facts, but another publisher just did", moved=True)
    if answer.seq != expected:
        raise RefusedError(f"Expected the batch to end at sequence {expected}, but it ends at {answer.seq}")
