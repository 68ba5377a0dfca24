"""Messages into the stream, all of a batch or none, and only if the stream still ends where we think it does.

JetStream's atomic batches: the messages go out one after another, the last one asks for the commit, one answer comes.
The first carries ``Nats-Expected-Last-Sequence``. One batch at a time: a second one under way could find the length it
expects by accident, after somebody else's message took the place of the first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from itertools import count, repeat
from os import urandom
from typing import Any, TypeVar

import msgspec
import nats
from nats.aio.client import Client
from nats.aio.msg import Msg

from adapters.nats_bus.cloud_events import CONTENT_TYPE, Message
from adapters.nats_bus.connecting import connect
from adapters.nats_bus.stream import SEQUENCE

MAX_MESSAGES = 1_000
"""The server takes no more in one batch."""
MAX_BYTES = 4_000_000
"""The server holds a batch in memory until the commit."""
ANSWER_S = 10.0
WRONG_LAST_SEQUENCE = 10_071


Answered = TypeVar("Answered")


class RefusedError(Exception):
    """The stream did not take the batch. ``moved``: because it no longer ends where the batch was to begin."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.moved = code == WRONG_LAST_SEQUENCE


class _Failure(msgspec.Struct):
    description: str = ""
    err_code: int = 0


class _Answer(msgspec.Struct):
    seq: int = 0
    error: _Failure | None = None


class BatchClient(Client):
    """The stock client, and a way to send many messages at once.

    Its ``publish`` takes longer over a message's headers than everything else here takes over the message.
    """

    async def send_lines(self, lines: bytes) -> None:
        """Messages in NATS' own protocol; the next ``publish`` sees to it that they go out."""
        if self.is_closed:
            raise nats.errors.ConnectionClosedError
        await self._send_command(lines)


class Connection:
    """A line to NATS that is thrown away when it breaks, with everything that was under way on it."""

    def __init__(self) -> None:
        self.client = client = BatchClient()
        self._lost = asyncio.Event()
        self._inbox = client.new_inbox()
        self._answers: asyncio.Queue[Msg] = asyncio.Queue()
        self._name, self._numbers = urandom(6).hex(), count()

    async def open(self, url: str) -> None:
        """Connect. Raises nats.errors.Error or OSError."""
        await connect(self.client, url, "paidan-publisher", self._closed)
        await self.client.subscribe(f"{self._inbox}.*", cb=self._answers.put)

    async def send(self, batch: Sequence[Message], after: int) -> str:
        """Send a batch that is to follow sequence ``after``; gives its name, for ``answer``."""
        name = f"{self._name}{next(self._numbers)}"
        *most, last = batch
        if most:
            await self.client.send_lines(b"".join(map(_line, most, repeat(name), count(1), repeat(after))))
        headers = _headers(last, name, len(batch), after) | {"Nats-Batch-Commit": "1"}
        await self.client.publish(last.subject, last.payload, f"{self._inbox}.{name}", headers)
        await asyncio.sleep(0)  # it goes out now, not when the caller has made the next batch
        return name

    async def answer(self, name: str, expected: int) -> None:
        """Wait until the batch is in the stream and ends at ``expected``. Raises RefusedError, nats.errors.Error."""
        try:
            async with asyncio.timeout(ANSWER_S):
                while True:
                    told = await self.unless_lost(self._answers.get())
                    if told.subject.endswith(name):  # others are late answers to what was given up
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


def _headers(message: Message, name: str, number: int, after: int) -> dict[str, str]:
    headers = {
        "Content-Type": CONTENT_TYPE,
        "Nats-Msg-Id": message.id,
        SEQUENCE: str(after + number),
        "Nats-Batch-Id": name,
        "Nats-Batch-Sequence": str(number),
    }
    return headers if number > 1 else headers | {"Nats-Expected-Last-Sequence": str(after)}


def _line(message: Message, name: str, number: int, after: int) -> bytes:
    """A message as it goes over the wire. Subjects hold no space and headers no line end: tokens and numbers."""
    expected = f"Nats-Expected-Last-Sequence: {after}\r\n" if number == 1 else ""
    headers = (
        f"NATS/1.0\r\nContent-Type: {CONTENT_TYPE}\r\nNats-Msg-Id: {message.position}.{message.place}\r\n"
        f"{SEQUENCE}: {after + number}\r\nNats-Batch-Id: {name}\r\nNats-Batch-Sequence: {number}\r\n{expected}\r\n"
    )
    size = len(headers)
    start = f"HPUB {message.subject} {size} {size + len(message.payload)}\r\n{headers}"
    return b"%b%b\r\n" % (start.encode(), message.payload)


def _check(told: Msg, expected: int) -> None:
    if told.headers and told.headers.get("Status") == "503":
        raise RefusedError("Expected the stream to take the facts, but there is no stream for them", 0)
    try:
        answer = msgspec.json.decode(told.data, type=_Answer)
    except msgspec.MsgspecError as error:
        raise RefusedError(f"Expected an answer of JetStream, but got {told.data[:80]!r}", 0) from error
    if answer.error is not None:
        raise RefusedError(
            f"Expected the stream to take the facts, but {answer.error.description}", answer.error.err_code
        )
    if answer.seq != expected:
        raise RefusedError(f"Expected the batch to end at sequence {expected}, but it ends at {answer.seq}", 0)
