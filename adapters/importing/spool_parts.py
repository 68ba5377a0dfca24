"""A file of the spool while it is being written: under a name of its own until it is whole."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from typing import Any
from uuid import uuid4

from fsspec import AbstractFileSystem
from fsspec.implementations.local import LocalFileSystem

PREFIX = ".part-"
STALE_AFTER = 3_600
"""Seconds without a write after which a part is taken for a crash's leftover."""


class SpoolUnwritableError(Exception):
    """The spool's directory takes nothing now: it is full, gone, or not ours to write to."""


@contextmanager
def writing() -> Iterator[None]:
    """What the system says of the spool's directory, as what it means."""
    try:
        yield
    except OSError as error:
        told = f"Expected to write to the spool, but {error.strerror or error}"
        raise SpoolUnwritableError(f"{told}; make room there, or see to its permissions, and send it again") from error


class Part:
    """A context: what was written is gone at its end unless it was kept."""

    def __init__(self, fs: AbstractFileSystem, directory: str) -> None:
        self._fs = fs
        self._path = f"{directory}/{PREFIX}{uuid4().hex}"
        self._hash = sha256()
        self._moved = False
        self.size = 0
        """Bytes written."""
        self.checked = 0
        """Bytes written when room was last looked for."""

    def __enter__(self) -> Part:
        with writing():
            self._file: Any = self._fs.open(self._path, "wb")
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):  # what could not be written is not to be kept either
            self._file.close()
        if not self._moved:
            with suppress(FileNotFoundError):
                self._fs.rm(self._path)

    def write(self, block: bytes) -> None:
        """Append; both hashing and writing let other threads run."""
        self._hash.update(block)
        with writing():
            self._file.write(block)
        self.size += len(block)

    @property
    def digest(self) -> str:
        """SHA-256 of what was written, in hex."""
        return self._hash.hexdigest()

    def keep_as(self, path: str) -> None:
        """Give the whole file its name, if no other file has it yet: then that one has the same content."""
        with writing():
            self._flush()
            self._file.close()
            if self._fs.exists(path):
                self._make_recent(path)
                return
            self._fs.mv(self._path, path)
            self._moved = True
            if isinstance(self._fs, LocalFileSystem):
                _sync_directory(path.rpartition("/")[0])

    def _make_recent(self, path: str) -> None:
        """Or it might be removed as old before its new package is registered."""
        with suppress(NotImplementedError, ValueError):
            self._fs.touch(path, truncate=False)

    def _flush(self) -> None:
        """The log will soon say that the list is there, so it must survive a power cut as the log does."""
        if isinstance(self._fs, LocalFileSystem):
            self._file.flush()
            os.fsync(self._file.fileno())


def clean_parts(fs: AbstractFileSystem, directory: str) -> None:
    """Remove what crashes left behind; recent parts may still be written by another process."""
    paths = fs.ls(directory, detail=False)
    remove_older(fs, (path for path in paths if path.rpartition("/")[2].startswith(PREFIX)), STALE_AFTER)


def remove_older(fs: AbstractFileSystem, paths: Iterable[str], age_s: float) -> int:
    """Remove those last written longer ago than that; gives how many."""
    before, removed = time.time() - age_s, 0
    for path in paths:
        with suppress(FileNotFoundError, NotImplementedError):  # another process was faster; no times kept
            if fs.modified(path).timestamp() < before:
                fs.rm(path)
                removed += 1
    return removed


def _sync_directory(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
