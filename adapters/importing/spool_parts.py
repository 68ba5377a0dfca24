"""A file of the spool while it is being written: under a name of its own until it is whole."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from hashlib import sha256
from typing import Any
from uuid import uuid4

from fsspec import AbstractFileSystem
from fsspec.implementations.local import LocalFileSystem

PREFIX = ".part-"
STALE_AFTER = 3_600
"""Seconds without a write after which a part is taken for a crash's leftover."""


class Part:
    """A context: what was written is gone at its end unless it was kept."""

    def __init__(self, fs: AbstractFileSystem, directory: str) -> None:
        self._fs = fs
        self._path = f"{directory}/{PREFIX}{uuid4().hex}"
        self._hash = sha256()
        self._moved = False
        self.size = 0
        """Bytes written."""

    def __enter__(self) -> Part:
        self._file: Any = self._fs.open(self._path, "wb")
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        if not self._moved:
            self._fs.rm(self._path)

    def write(self, block: bytes) -> None:
        """Append; both hashing and writing let other threads run."""
        self._hash.update(block)
        self._file.write(block)
        self.size += len(block)

    @property
    def digest(self) -> str:
        """SHA-256 of what was written, in hex."""
        return self._hash.hexdigest()

    def keep_as(self, path: str) -> None:
        """Give the whole file its name, if no other file has it yet: then that one has the same content."""
        self._flush()
        self._file.close()
        if self._fs.exists(path):
            return
        self._fs.mv(self._path, path)
        self._moved = True
        if isinstance(self._fs, LocalFileSystem):
            _sync_directory(path.rpartition("/")[0])

    def _flush(self) -> None:
        """The log will soon say that the list is there, so it must survive a power cut as the log does."""
        if isinstance(self._fs, LocalFileSystem):
            self._file.flush()
            os.fsync(self._file.fileno())


def clean_parts(fs: AbstractFileSystem, directory: str, older_than: float = STALE_AFTER) -> None:
    """Remove what crashes left behind; parts younger than that may still be written by another process."""
    before = time.time() - older_than
    for path in fs.ls(directory, detail=False):
        if path.rpartition("/")[2].startswith(PREFIX):
            with suppress(FileNotFoundError, NotImplementedError):  # another process was faster; no times kept
                if fs.modified(path).timestamp() < before:
                    fs.rm(path)


def _sync_directory(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
