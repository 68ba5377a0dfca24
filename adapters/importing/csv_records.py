"""Lines become records: the cells of one row, with the true number of the line it begins on.

Lines without quotes are split at once; the others go through Python's ``csv`` in strict mode. A record whose end cannot
be told is set aside by its first line alone, and reading goes on with the next: an open quote costs one row.
"""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Iterator

from adapters.importing.csv_blocks import MAX_LINE, Blocks, TooLongLine, UnreadableError

MAX_RECORD_LINES = 200
"""Lines that one record with quoted line ends may span."""
MAX_REREAD = 1_000_000
"""Lines read a second time because a quote was left open, over the whole source."""


Flaw = str
"""Why a record cannot be read."""

Record = tuple[int, str, list[str], Flaw | None]
"""(line it begins on, text, cells, what is wrong with it)"""

_BAD_BYTES = "Expected text in the list's encoding, but the line holds other bytes; save the list in one encoding"
_NUL = "Expected text, but the line holds a NUL character; remove it"
_TOO_LONG = f"Expected a line of at most {MAX_LINE} bytes, but it is longer; shorten it"
_OPEN_QUOTE = "Expected a closing quote, but there is none before the end of the record; close or double the quote"


_LONE_RETURN = "Expected line ends of LF or CR LF, but a lone CR stands in the row; save the list with other line ends"


class _RunawayRecordError(Exception):
    """A record went on past what one may span."""


class Records:
    """The records of a source, in order, a list for each block of lines. Raises UnreadableError."""

    def __init__(self, blocks: Blocks, encoding: str, delimiter: str) -> None:
        self._blocks, self._encoding, self._delimiter = blocks, encoding, delimiter
        self._line = 0
        """Number of the last line handed out."""
        self._waiting: deque[tuple[str, Flaw | None]] = deque()
        self._taken: list[tuple[str, Flaw | None]] = []
        """Lines of the record under way."""
        self._reread = 0
        self._reader = csv.reader(self, delimiter=delimiter, strict=True)

    def batches(self) -> Iterator[list[Record]]:
        """Lists of records, none empty of lines skipped but blank ones."""
        while (block := self._blocks.take()) is not None:
            text = None if isinstance(block, TooLongLine) else self._plain(block)
            if text is not None:
                yield self._split(text)
            else:
                self._load(block)
                yield list(self._quoted())

    def _plain(self, block: bytes) -> str | None:
        """The text of a block whose lines are its records; None where ``csv`` must look at it."""
        if b'"' in block or b"\0" in block:
            return None
        try:
            text = block.decode(self._encoding)
        except UnicodeDecodeError:
            return None
        if "\r" in text:
            text = text.replace("\r\n", "\n")
        return None if "\r" in text else text

    def _split(self, text: str) -> list[Record]:
        lines, delimiter = text.split("\n"), self._delimiter
        first = self._line + 1
        self._line += len(lines) - (not lines[-1])
        return [(number, line, line.split(delimiter), None) for number, line in enumerate(lines, first) if line]

    def _load(self, block: bytes | TooLongLine) -> None:
        if isinstance(block, TooLongLine):
            self._waiting.append((block.head.decode(self._encoding, "replace"), _TOO_LONG))
            return
        try:
            lines = block.decode(self._encoding)
        except UnicodeDecodeError:
            self._waiting.extend(map(self._checked, io.BytesIO(block)))
            return
        self._waiting.extend((line, _NUL if "\0" in line else None) for line in io.StringIO(lines, newline="\n"))

    def _checked(self, line: bytes) -> tuple[str, Flaw | None]:
        try:
            return line.decode(self._encoding), _NUL if b"\0" in line else None
        except UnicodeDecodeError:
            return line.decode(self._encoding, "replace"), _BAD_BYTES

    def _quoted(self) -> Iterator[Record]:
        while self._waiting:
            self._taken.clear()
            if self._waiting[0][1] is _TOO_LONG:
                self._line += 1
                yield self._line, self._waiting.popleft()[0], [], _TOO_LONG
                continue
            cells, flaw = self._cells()
            if cells or flaw:
                text = "".join(line for line, _ in self._taken)
                yield self._line - len(self._taken) + 1, text, cells, flaw

    def _cells(self) -> tuple[list[str], Flaw | None]:
        """The next record. One whose end is not sure gives back all its lines but the first."""
        try:
            cells = next(self._reader)
        except (_RunawayRecordError, StopIteration):
            return [], self._rewound(_OPEN_QUOTE)
        except csv.Error as error:
            return [], self._rewound(_meaning(str(error)))
        return cells, next((flaw for _, flaw in self._taken if flaw is not None), None)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        """The next line for ``csv``, from the next block if a record goes on there."""
        if not self._waiting and not self._more():
            raise StopIteration
        if len(self._taken) >= MAX_RECORD_LINES or self._waiting[0][1] is _TOO_LONG:
            raise _RunawayRecordError
        taken = self._waiting.popleft()
        self._taken.append(taken)
        self._line += 1
        return taken[0]

    def _more(self) -> bool:
        block = self._blocks.take()
        if block is not None:
            self._load(block)
        return block is not None

    def _rewound(self, flaw: Flaw) -> Flaw:
        again = self._taken[1:]
        self._reread += len(again)
        if self._reread > MAX_REREAD:
            raise UnreadableError("Expected quoted cells to be closed, but too many are not; check the list's quoting")
        self._waiting.extendleft(reversed(again))
        self._line -= len(again)
        del self._taken[1:]
        return flaw


def _meaning(error: str) -> Flaw:
    """An error of ``csv``, which speaks to programmers."""
    if "unexpected end" in error:
        return _OPEN_QUOTE
    return _LONE_RETURN if "new-line character" in error else f"Expected a readable row, but: {error}"
