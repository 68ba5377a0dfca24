"""A file of the spool while it is being written: under a name of its own until it is whole."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

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

    def __init__(self, directory: Path) -> None:
        self._path = directory / f"{PREFIX}{uuid4().hex}"
        self._hash = sha256()
        self.size = 0
        """Bytes written."""
        self.checked = 0
        """Bytes written when room was last looked for."""

    def __enter__(self) -> Part:
        with writing():
            self._file = self._path.open("wb")
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):  # what could not be written is not to be kept either
            self._file.close()
        self._path.unlink(missing_ok=True)

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

    def keep_as(self, path: Path) -> None:
        """Give the whole file its name; another file of that name has the same content.

        The log will soon say that the list is there, so it must survive a power cut as the log does.
        """
        with writing():
            self._file.flush()
            os.fsync(self._file.fileno())
            self._path.replace(path)
            _sync_directory(path.parent)


def clean_parts(directory: Path) -> None:
    """Remove what crashes left behind; recent parts may still be written by another process."""
    remove_older(directory.glob(f"{PREFIX}*"), STALE_AFTER)


def remove_older(paths: Iterable[Path], age_s: float) -> int:
    """Remove those last written longer ago than that; gives how many."""
    before, removed = time.time() - age_s, 0
    for path in paths:
        with suppress(FileNotFoundError):  # another process was faster
            if path.stat().st_mtime < before:
                path.unlink()
                removed += 1
    return removed


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
