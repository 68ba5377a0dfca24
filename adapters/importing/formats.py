"""Reads a list of customers: CSV or gzipped CSV, streamed in chunks that are always the same for the same content."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from adapters.importing.csv_blocks import BLOCK, Blocks, UnreadableError
from adapters.importing.csv_header import delimiter_of, encoding_of
from adapters.importing.csv_records import Record, Records
from adapters.importing.csv_rows import Chunk, RowReader
from engine.events import ColumnMapping

__all__ = ["CHUNK_ROWS", "Chunk", "UnreadableError", "read_chunks"]

CHUNK_ROWS = 500
"""Source rows of one chunk, those set aside included."""
CHUNK_TEXT = 256 * 1024
"""Characters of source text after which a chunk ends early, so that one message stays bounded."""


def read_chunks(
    source: BinaryIO, mapping: ColumnMapping, *, priority: int = 0, skip: int = 0, block: int = BLOCK
) -> Iterator[Chunk]:
    """The chunks of a seekable source, from chunk ``skip`` on; ``priority`` is for rows that name none.

    Memory does not grow with the source. Which rows a chunk holds depends on the content alone.
    Raises UnreadableError where the source as a whole cannot be read, perhaps after some chunks.
    """
    blocks = Blocks(source, block)
    encoding = encoding_of(blocks.sample(), mapping.encoding)
    delimiter = delimiter_of(blocks.sample().decode(encoding, "replace"), mapping)
    batches = _regrouped(Records(blocks, encoding, delimiter).batches())
    reader = RowReader(_header(next(batches, None)), mapping, priority)
    for index, records in enumerate(batches):
        if index >= skip:
            yield reader.chunk(index, records)


def _header(records: list[Record] | None) -> list[str]:
    if records is None:
        raise UnreadableError("Expected a header line, but the source is empty")
    _, _, cells, flaw = records[0]
    if flaw is not None:
        raise UnreadableError(f"Expected a header line, but it cannot be read: {flaw}")
    return [cell.strip() for cell in cells]


def _regrouped(batches: Iterator[list[Record]]) -> Iterator[list[Record]]:
    """The header by itself, then lists as long as a chunk."""
    waiting: list[Record] = []
    header_seen = False
    for batch in batches:
        waiting += batch
        if waiting and not header_seen:
            header_seen = True
            yield [waiting.pop(0)]
        while len(waiting) >= CHUNK_ROWS:
            chunk, waiting = _cut(waiting)
            yield chunk
    while waiting:
        chunk, waiting = _cut(waiting)
        yield chunk


def _cut(records: list[Record]) -> tuple[list[Record], list[Record]]:
    """The next chunk and the rest."""
    end, room = 0, CHUNK_TEXT
    for _, text, _, _ in records[:CHUNK_ROWS]:
        room -= len(text)
        if room < 0 and end:
            break
        end += 1
    return records[:end], records[end:]
