"""Lists to read in tests, and what they should come to."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterable, Sequence
from typing import Literal

from adapters.importing.formats import Chunk, read_chunks
from engine.events import ColumnMapping, Person, RejectedRow, TaskRow

MAPPING = ColumnMapping(
    customer="customer", name="name", mobile="mobile", owner="manager", region="region", priority="urgency",
    attributes={"overdue_days": "days", "segment": "segment", "rate": "rate", "vip": "vip", "tags": "tags"},
    types={"overdue_days": "int", "segment": "string", "rate": "float", "vip": "bool", "tags": "list(string)"},
)  # fmt: skip
HEADER = ("customer", "name", "mobile", "manager", "region", "urgency", "days", "segment", "rate", "vip", "tags")
GOOD = ("C1", "张伟", "19900000001", "amy", "JS", "7", "31", "A", "4.5", "yes", "a|b")

ONE = ColumnMapping(customer="c", attributes={"v": "v"}, types={"v": "string"})
"""For lists with the header ``c,v``."""


def written(rows: Iterable[Sequence[str]], *, delimiter: str = ",", end: str = "\n", encoding: str = "utf-8") -> bytes:
    """A CSV of these rows, quoted where it must be."""
    text, rows = io.StringIO(newline=""), list(rows)
    # Python 3.11 does not quote a lone carriage return by itself
    lone = any("\r" in cell for row in rows for cell in row)
    quoting: Literal[0, 1] = csv.QUOTE_ALL if lone else csv.QUOTE_MINIMAL
    csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=quoting).writerows(rows)
    return text.getvalue().encode(encoding)


def chunks_of(data: bytes, mapping: ColumnMapping = MAPPING, **asked: int) -> list[Chunk]:
    """Every chunk of a list."""
    return list(read_chunks(io.BytesIO(data), mapping, **asked))


def read(
    data: bytes, mapping: ColumnMapping = MAPPING, **asked: int
) -> tuple[list[TaskRow], list[Person], list[RejectedRow]]:
    """Rows, persons and rows set aside of a whole list."""
    chunks = chunks_of(data, mapping, **asked)
    return (
        [row for chunk in chunks for row in chunk.rows],
        [person for chunk in chunks for person in chunk.persons],
        [row for chunk in chunks for row in chunk.rejected],
    )


def packed(data: bytes) -> bytes:
    """Gzipped, without the time of day: what goes into the name of a test must be the same in every process that collects it."""
    return gzip.compress(data, 1, mtime=0)
