"""Callers that go through their scripts on one connection, as many at a time as are asked for."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Generator, Iterator
from time import perf_counter
from typing import NamedTuple, cast

from benchmarks.load import frames

Script = Generator[tuple[str, bytes], bytes, None]
"""Yields calls, (method path, request), and is sent the answer to each."""


class RefusedError(Exception):
    """A call had no answer: what its trailers say is in the message."""


class Times(NamedTuple):
    """Seconds of each call by its path, of each script as a whole, and of the whole run."""

    calls: dict[str, list[float]]
    scripts: list[float]
    seconds: float


class _Caller:
    __slots__ = ("answer", "asked", "began", "path", "script")

    def __init__(self, script: Script) -> None:
        self.script, self.began = script, perf_counter()
        self.path, self.asked, self.answer = "", 0.0, b""


class Connection(asyncio.Protocol):
    """Takes the next script whenever a caller is through with one; ``ended`` is set when all are through."""

    def __init__(self, scripts: Iterator[Script], callers: int, authority: str, pause: float) -> None:
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.calls: dict[str, list[float]] = {}
        self.scripts: list[float] = []
        self._left, self._callers, self._authority, self._pause = scripts, callers, authority, pause
        self._at: dict[int, _Caller] = {}
        self._headers: dict[str, bytes] = {}
        self._buffer, self._out = bytearray(), bytearray()
        self._stream, self._window = -1, frames.FIRST_WINDOW

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but name
        self._out += frames.opening()
        for _ in range(self._callers):
            self._begin()
        self._flush()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        try:
            for found in frames.frames_of(self._buffer):
                self._take(found)
            self._flush()
        except Exception as error:
            self._end(error)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(exc or ConnectionError("Expected the server to stay, but it ended the connection"))

    def _take(self, found: frames.Frame) -> None:
        caller = self._at.get(found.stream)
        if caller is None:
            self._housekeeping(found)
            return
        if found.kind == frames.DATA:
            caller.answer += found.payload
        if found.kind == frames.RST_STREAM:
            raise RefusedError(f"{caller.path}: the stream was reset")
        if found.ends:
            del self._at[found.stream]
            self._answered(caller, found)

    def _housekeeping(self, found: frames.Frame) -> None:
        if found.kind == frames.SETTINGS and not found.flags & frames.ACK:
            self._out += frames.frame(frames.SETTINGS, frames.ACK, 0)
        elif found.kind == frames.PING and not found.flags & frames.ACK:
            self._out += frames.frame(frames.PING, frames.ACK, 0, found.payload)
        elif found.kind == frames.WINDOW_UPDATE and found.stream == 0:
            self._window += struct.unpack("!I", found.payload)[0]
        elif found.kind == frames.GOAWAY:
            raise ConnectionError(f"Expected the server to stay, but it goes away: {found.payload!r}")

    def _answered(self, caller: _Caller, found: frames.Frame) -> None:
        if not caller.answer:
            raise RefusedError(f"{caller.path}: {found.payload!r}")
        self.calls.setdefault(caller.path, []).append(perf_counter() - caller.asked)
        answer, caller.answer = caller.answer[5:], b""
        self._go_on(caller, answer)

    def _go_on(self, caller: _Caller, answer: bytes | None) -> None:
        try:
            path, message = next(caller.script) if answer is None else caller.script.send(answer)
        except StopIteration:
            self.scripts.append(perf_counter() - caller.began)
            self._next()
            return
        self._ask(caller, path, message)

    def _next(self) -> None:
        if self._pause:
            asyncio.get_running_loop().call_later(self._pause, self._rested)
        else:
            self._begin()

    def _rested(self) -> None:
        self._begin()
        self._flush()

    def _begin(self) -> None:
        script = next(self._left, None)
        if script is not None:
            self._go_on(_Caller(script), None)
        elif not self._at:
            self._end(None)

    def _ask(self, caller: _Caller, path: str, message: bytes) -> None:
        self._stream += 2
        self._at[self._stream] = caller
        headers = self._headers.get(path)
        if headers is None:
            headers = self._headers[path] = frames.header_block(path, self._authority)
        self._out += frames.request(self._stream, headers, message)
        self._window -= len(message) + 5
        assert self._window > 0, "Expected the server to make room for requests, but it does not"
        caller.path, caller.asked = path, perf_counter()

    def _flush(self) -> None:
        if self._out and not self.ended.done():
            self._transport.write(bytes(self._out))
            self._out.clear()

    def _end(self, error: Exception | None) -> None:
        if self.ended.done():
            return
        self._transport.abort()
        if error is None:
            self.ended.set_result(None)
        else:
            self.ended.set_exception(error)


async def drive(address: str, scripts: Iterator[Script], callers: int, pause: float = 0.0) -> Times:
    """Run all scripts, ``callers`` at a time; ``pause``: seconds a caller rests after each. Raises RefusedError."""
    host, _, port = address.rpartition(":")
    started = perf_counter()
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(lambda: Connection(scripts, callers, address, pause), host, int(port))
    await connection.ended
    return Times(connection.calls, connection.scripts, perf_counter() - started)
