"""A source's bytes as blocks of whole lines, unpacked if need be; memory stays bounded whatever the source is."""

from __future__ import annotations

import gzip
import zlib
from typing import BinaryIO

import msgspec

BLOCK = 64 * 1024
"""Bytes read at a time; must be below MAX_LINE."""
SAMPLE = 4 * BLOCK
"""Bytes looked at to find encoding and delimiter."""
MAX_LINE = 256 * 1024
"""Bytes of one line."""
MAX_UNPACKED = 64 * 1024**3
"""Bytes of a source once unpacked."""

_GZIP = b"\x1f\x8b"
_MARKS = (b"\xef\xbb\xbf", b"\x84\x31\x95\x33")
"""Byte order marks of UTF-8 and GB18030."""
_FOREIGN = {
    b"PK\x03\x04": "a ZIP archive or an Excel workbook; save it as CSV",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook; save it as CSV",
    b"\xff\xfe": "UTF-16; save it as UTF-8",
    b"\xfe\xff": "UTF-16; save it as UTF-8",
    b"BZh": "packed with bzip2; pack it with gzip or not at all",
    b"\xfd7zXZ": "packed with xz; pack it with gzip or not at all",
    b"\x28\xb5\x2f\xfd": "packed with Zstandard; pack it with gzip or not at all",
    b"%PDF": "a PDF document; export the list as CSV",
}


class UnreadableError(Exception):
    """The source as a whole cannot be read; the message says why and what to do."""


class TooLongLine(msgspec.Struct, frozen=True):
    """A line over MAX_LINE, of which only the head was kept."""

    head: bytes


class Blocks:
    """Whole lines of a seekable source, about ``size`` bytes at a time.

    Raises UnreadableError where the source is not a text, is damaged or cannot be read.
    """

    def __init__(self, source: BinaryIO, size: int = BLOCK) -> None:
        self._size = size
        self._ended = False
        self._total = 0
        self._stream = _unpacked(source)
        self._rest = self._head()
        _refuse_foreign(self._rest)

    def sample(self) -> bytes:
        """The first lines of the source, before any block is taken."""
        cut = self._rest.rfind(b"\n") + 1
        return self._rest[:cut] if cut and not self._ended else self._rest

    def take(self) -> bytes | TooLongLine | None:
        """The next lines, each with its line end but perhaps the last; None at the end."""
        while True:
            first = self._rest.find(b"\n")
            if first > MAX_LINE or (first < 0 and len(self._rest) > MAX_LINE):
                return self._too_long()
            if first >= 0 or self._ended:
                return self._lines()
            self._rest += self._read(self._size)

    def _lines(self) -> bytes | None:
        cut = len(self._rest) if self._ended else min(self._rest.rfind(b"\n") + 1, self._bounded())
        lines, self._rest = self._rest[:cut], self._rest[cut:]
        return lines or None

    def _bounded(self) -> int:
        """End of the last line that begins within the first block: the sample is handed out in blocks too."""
        return self._rest.find(b"\n", self._size) + 1 or len(self._rest)

    def _too_long(self) -> TooLongLine:
        head = self._rest[:MAX_LINE]
        while (end := self._rest.find(b"\n")) < 0 and not self._ended:
            self._rest = self._read(self._size)
        self._rest = self._rest[end + 1 :] if end >= 0 else b""
        return TooLongLine(head)

    def _read(self, size: int) -> bytes:
        try:
            data = self._stream.read(size)
        except (gzip.BadGzipFile, zlib.error, EOFError) as error:
            raise UnreadableError(
                f"Expected a whole gzip file, but after {self._total} bytes unpacked: {error}; pack or send it again"
            ) from error
        except OSError as error:
            raise UnreadableError(f"Expected to read the source, but: {error}; import it again") from error
        self._total += len(data)
        self._ended = not data
        if self._total > MAX_UNPACKED:
            raise UnreadableError(f"Expected at most {MAX_UNPACKED} bytes unpacked, but there are more; split the list")
        return data

    def _head(self) -> bytes:
        head = b""
        while len(head) < SAMPLE and not self._ended:
            head += self._read(SAMPLE - len(head))
        for mark in _MARKS:
            head = head.removeprefix(mark)
        return head


def _unpacked(source: BinaryIO) -> BinaryIO:
    """Gzip is known by its first bytes, whatever the source is called."""
    try:
        packed = source.read(len(_GZIP)) == _GZIP
        source.seek(0)
    except OSError as error:
        raise UnreadableError(f"Expected to read the source, but: {error}; import it again") from error
    return gzip.GzipFile(fileobj=source) if packed else source  # type: ignore[return-value]


def _refuse_foreign(head: bytes) -> None:
    for start, what in _FOREIGN.items():
        if head.startswith(start):
            raise UnreadableError(f"Expected CSV or gzipped CSV, but it is {what}")
