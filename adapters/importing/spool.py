"""The spool: lists as they came in, kept under the hash of their bytes before anything else is done with them.

A list is copied from wherever fsspec can read it, so that what is imported cannot change or vanish under the importer.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

import msgspec
from fsspec.core import url_to_fs

from adapters.importing.spool_parts import Part, clean_parts, writing
from adapters.importing.spool_room import WHOLE, bytes_in, sweep
from engine.events import ColumnMapping

BLOCK = 1024 * 1024
"""Bytes copied at a time."""
MAX_SIZE = 4 * 1024**3
"""Bytes of the largest list taken in, unless the spool is told otherwise."""
MOST_BYTES = 64 * 1024**3
"""Bytes of all lists."""
KEEP_S = 7 * 86_400.0
"""Seconds that a list is kept which nobody needs any more."""
CHECK_EVERY = 64 * BLOCK
"""Room is looked for again after this much of a list."""


class SourceError(Exception):
    """A list cannot be taken in; the message says why and what to do."""


class ListTooLargeError(SourceError):
    """The list is larger than what is taken in."""


class SpoolFullError(SourceError):
    """There is no room for the list now."""


class Spooled(msgspec.Struct, frozen=True):
    """A list in the spool."""

    name: str
    """Under which the spool opens it."""
    digest: str
    """SHA-256 of its bytes."""
    size: int
    """Bytes."""


class Spool:
    """Lists kept in a directory. Nothing half-done is ever seen in it.

    Copies run in threads that spend their time in reading, hashing and writing, which all let the event loop go on.
    """

    def __init__(
        self, directory: Path, max_size: int = MAX_SIZE, most_bytes: int = MOST_BYTES, keep_s: float = KEEP_S
    ) -> None:
        self._directory = directory
        self._max_size, self._most_bytes, self._keep_s = max_size, most_bytes, keep_s
        directory.mkdir(parents=True, exist_ok=True)
        clean_parts(directory)

    async def put_uri(self, uri: str) -> Spooled:
        """Take in what is at a path or URI. Raises SourceError, SpoolUnwritableError."""
        return await asyncio.to_thread(self._put_uri, uri)

    async def put_chunks(self, chunks: AsyncIterator[bytes]) -> Spooled:
        """Take in bytes as they come. Raises SourceError, SpoolUnwritableError, and whatever ``chunks`` raises."""
        await asyncio.to_thread(self._check_room)
        with Part(self._directory) as part:
            waiting = bytearray()
            async for chunk in chunks:
                waiting += chunk
                if len(waiting) >= BLOCK:
                    await asyncio.to_thread(self._write, part, bytes(waiting))
                    waiting.clear()
            await asyncio.to_thread(self._write, part, bytes(waiting))
            return await asyncio.to_thread(self._keep, part)

    def sweep(self, needed: Collection[str]) -> int:
        """Remove lists that are neither ``needed`` nor recent; gives how many."""
        return sweep(self._directory, needed, self._keep_s)

    def open(self, name: str) -> BinaryIO:
        """A list's bytes, seekable. Raises SourceError if the spool has none of that name."""
        if not WHOLE.fullmatch(name):
            raise SourceError(f"Expected the name of a spooled list, but got {name!r}")
        try:
            return (self._directory / name).open("rb")
        except OSError as error:
            raise SourceError(
                f"Expected {name} in the spool {self._directory}, but it cannot be opened ({error}); import it again"
            ) from error

    def _put_uri(self, uri: str) -> Spooled:
        self._check_room()
        with Part(self._directory) as part:
            for block in _blocks(uri):
                self._write(part, block)
            return self._keep(part)

    def _write(self, part: Part, block: bytes) -> None:
        part.write(block)
        if part.size > self._max_size:
            raise ListTooLargeError(f"Expected a list of at most {self._max_size} bytes, but it is larger; split it")
        if part.size - part.checked >= CHECK_EVERY:
            part.checked = part.size
            self._check_room()

    def _keep(self, part: Part) -> Spooled:
        digest = part.digest
        part.keep_as(self._directory / digest)
        return Spooled(digest, digest, part.size)

    def _check_room(self) -> None:
        with writing():
            full = bytes_in(self._directory)
        if full > self._most_bytes:
            told = f"Expected room in the spool, but it has {full} bytes of {self._most_bytes}"
            raise SpoolFullError(f"{told}; import later, or give it more (limits.spool_bytes)")


def package_digest(content_digest: str, mapping: ColumnMapping, task_type: str, business_type: str) -> str:
    """Identity of a package: its content and how it is read. Attribute types are the rules' and do not count."""
    asked = msgspec.structs.replace(mapping, types={})
    parts = ("paidan.package.v1", content_digest, asked, task_type, business_type)
    return sha256(msgspec.json.encode(parts, order="sorted")).hexdigest()


def _blocks(uri: str) -> Iterator[bytes]:
    try:
        fs, path = url_to_fs(uri)
        _check_file(uri, fs.info(path)["type"])
        with fs.open(path, "rb") as source:
            while block := source.read(BLOCK):
                yield block
    except SourceError:
        raise
    except Exception as error:  # drivers are plug-ins and raise what they like
        raise SourceError(_meaning(uri, error)) from error


def _check_file(uri: str, kind: str) -> None:
    if kind != "file":
        raise SourceError(f"Expected a list at {uri}, but what is there is not a file ({kind}); name one")


def _meaning(uri: str, error: Exception) -> str:
    """An error of fsspec, a driver or the system, as what it means to who asked for the import."""
    if isinstance(error, FileNotFoundError):
        return f"Expected a list at {uri}, but there is nothing; check the path as the server sees it"
    if isinstance(error, PermissionError):
        return f"Expected to read {uri}, but the server may not; give it permission"
    if isinstance(error, ImportError):
        return f"Expected a driver for {uri}, but it is missing: {error}"
    if isinstance(error, ValueError):
        return f"Expected a path or a URI that can be read, but got {uri!r}: {error}; check its scheme"
    return f"Expected to read {uri}, but: {error or type(error).__name__}; try again, or copy it to the server"
