"""The importer: reads spooled lists and hands their rows to the server, chunk by chunk.

It keeps nothing of its own. Reading is deterministic and the server knows which chunks are in, so after a crash of
either side the import goes on with the next chunk, and a chunk sent twice changes nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from time import monotonic
from typing import BinaryIO, Protocol

import msgspec

from adapters.importing.formats import Chunk, UnreadableError, read_chunks
from adapters.importing.spool import SourceError
from engine.commands import ImportRows
from engine.events import PackageRegistered

log = logging.getLogger(__name__)

WINDOW = 8
"""Chunks on their way at a time."""
FIRST_PAUSE = 0.2
LONGEST_PAUSE = 5.0
"""Seconds between attempts while the server is away."""

_encode = msgspec.json.Encoder().encode


class ServerAwayError(Exception):
    """The server cannot be reached or cannot answer now; the same call may succeed later."""


class OutOfTurnError(Exception):
    """The server waits for another chunk first."""


class PackageOverError(Exception):
    """The package is not to be imported any more: it was withdrawn, has failed or is in."""


class RefusedError(Exception):
    """The server will never take this; the message says why."""


class PackageWork(msgspec.Struct, frozen=True):
    """A package to import."""

    registered: PackageRegistered
    chunks: int = 0
    """Chunks known to be in; 0 also where the server does not say."""


class ImportPort(Protocol):
    """The server as the importer sees it. Every call raises ServerAwayError, PackageOverError or RefusedError."""

    def packages(self) -> AsyncIterator[PackageWork]:
        """Packages that have still to be imported, as they come, for as long as the server is there."""

    async def start(self, package: int) -> None:
        """Reading begins; also where it has begun before."""

    async def send(self, package: int, rows: bytes) -> None:
        """One chunk, an ``ImportRows`` as JSON; resolves once it is in. Raises OutOfTurnError too."""

    async def finish(self, package: int, chunks: int) -> None:
        """Every chunk is in. Raises OutOfTurnError if one is not."""

    async def fail(self, package: int, reason: str) -> None:
        """The package cannot be read."""


class Importer:
    """Imports one package after another from ``port``; ``open_spooled`` opens a list in the spool by name."""

    def __init__(self, port: ImportPort, open_spooled: Callable[[str], BinaryIO], window: int = WINDOW) -> None:
        self._port, self._open, self._window = port, open_spooled, window

    async def run(self) -> None:
        """Until cancelled; while the server is away, ask again and again."""
        pause = FIRST_PAUSE
        while True:
            asked = monotonic()
            try:
                async for work in self._port.packages():
                    await self.import_package(work)
                    pause = FIRST_PAUSE
            except (ServerAwayError, RefusedError) as error:
                pause = FIRST_PAUSE if monotonic() - asked > LONGEST_PAUSE else pause  # it was there for a while
                log.info("no packages from the server now (%s), asking again in %.1f s", error, pause)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def import_package(self, work: PackageWork) -> None:
        """Hand in what is missing of one package. Raises ServerAwayError; it can then be called again."""
        number = work.registered.package
        try:
            await self._port.start(number)
            chunks = await self._send_all(work)
            await self._port.finish(number, chunks)
            log.info("package %d is in: %d chunks", number, chunks)
        except PackageOverError as error:
            log.info("package %d left alone: %s", number, error)
        except OutOfTurnError as error:
            raise ServerAwayError(f"package {number} is at another chunk than thought: {error}") from error
        except (UnreadableError, SourceError, RefusedError) as error:
            await self._fail(number, str(error))
        except ServerAwayError:
            raise
        except Exception as error:  # a fault of ours must not stand in the way of every package after this one
            log.exception("package %d met a fault of the importer", number)
            await self._fail(number, f"Expected to read the list, but the importer failed ({error!r}); see its log")

    async def _fail(self, number: int, reason: str) -> None:
        log.warning("package %d cannot be imported: %s", number, reason)
        try:
            await self._port.fail(number, reason)
        except PackageOverError:
            log.info("package %d was over before it failed", number)

    async def _send_all(self, work: PackageWork) -> int:
        """Chunks that the package has."""
        package = work.registered
        with self._open(package.spool) as source:
            chunks = read_chunks(source, package.mapping, priority=package.priority, skip=work.chunks)
            chunk = await asyncio.to_thread(next, chunks, None)  # passing over what is in may take a second
            return await self._send_from(chunk, chunks, package.package) or work.chunks

    async def _send_from(self, chunk: Chunk | None, following: Iterator[Chunk], number: int) -> int:
        """One past the index of the last chunk sent, 0 if there was none."""
        under_way: deque[asyncio.Task[None]] = deque()
        last, count = None, 0
        try:
            while chunk is not None:
                last, count = asyncio.create_task(self._send(number, chunk, last)), chunk.index + 1
                under_way.append(last)
                await (under_way.popleft() if len(under_way) >= self._window else asyncio.sleep(0))
                chunk = next(following, None)
            while under_way:
                await under_way.popleft()
        finally:
            await _cancelled(under_way)
        return count

    async def _send(self, number: int, chunk: Chunk, before: asyncio.Task[None] | None) -> None:
        rows = _encode(command_of(number, chunk))
        try:
            await self._port.send(number, rows)
        except OutOfTurnError:
            if before is None:
                raise
            await before  # calls may overtake each other on the way; once the one before is in, it is this one's turn
            await self._port.send(number, rows)


def command_of(number: int, chunk: Chunk) -> ImportRows:
    """The command that brings a chunk of a package."""
    return ImportRows(number, chunk.index, chunk.columns, chunk.rows, chunk.persons, chunk.rejected)


async def _cancelled(tasks: deque[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
