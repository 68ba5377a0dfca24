"""Whatever a list holds: rows come back as written, nothing but the declared error is raised, every line is accounted for."""

from __future__ import annotations

import contextlib
import csv
import io
import tracemalloc

from hypothesis import example, given, settings
from hypothesis import strategies as st

from adapters.importing.csv_header import ENCODINGS
from adapters.importing.formats import CHUNK_ROWS, CHUNK_TEXT, UnreadableError, read_chunks
from engine.events import ColumnMapping
from tests.packages.lists import ONE, chunks_of, packed, read, written

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
PIECES = st.lists(
    st.sampled_from(['"', '""', ",", "\n", "\r\n", "\r", "a", "1", "好", "\0", "\udcff", '"\n"', ',"', '",', " "])
    | TEXT,
    max_size=60,
)
SIZES = st.sampled_from([1, 7, 64, 1_000, 65_536])


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(TEXT.filter(str.strip), TEXT), max_size=20),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(ENCODINGS),
    st.booleans(),
)
def test_rows_come_back_as_they_were_written(
    rows: list[tuple[str, str]], delimiter: str, end: str, encoding: str, zipped: bool
) -> None:
    data = written([("c", "v"), *rows], delimiter=delimiter, end=end, encoding=encoding)
    mapping = ColumnMapping(customer="c", attributes={"v": "v"}, encoding=encoding)
    found, _, rejected = read(packed(data) if zipped else data, mapping)
    assert rejected == []
    assert [(row.customer, row.attributes[0]) for row in found] == [(c.strip(), v.strip() or None) for c, v in rows]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(TEXT.filter(str.strip), TEXT), min_size=1, max_size=20))
def test_line_numbers_are_those_of_the_file(rows: list[tuple[str, str]]) -> None:
    data = written([("c", "v"), *rows])
    reader = csv.reader(io.StringIO(data.decode(), newline="\n"), strict=True)
    begins = [1, *(reader.line_num + 1 for _ in reader)]
    assert [row.line for row in read(data, ONE)[0]] == begins[1:-1]


@settings(max_examples=500, deadline=None)
@given(PIECES, SIZES)
@example(['x""",y,"\n'] * 700, 64)
def test_no_text_is_too_odd(pieces: list[str], block: int) -> None:
    data = ("c,v\n" + "".join(pieces)).encode("utf-8", "surrogateescape")  # \\udcff: a byte that is no UTF-8
    rows, _, rejected = read(data, ONE, block=block)
    lines = [row.line for row in rows] + [row.line for row in rejected]
    assert len(set(lines)) == len(lines)
    assert all(2 <= line <= 2 + data.count(b"\n") for line in lines)
    assert (rows, rejected) == read(data, ONE)[::2]


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300), st.booleans(), st.booleans())
def test_no_bytes_raise_anything_but_the_declared_error(body: bytes, header: bool, zipped: bool) -> None:
    data = b"c,v\n" + body if header else body
    with contextlib.suppress(UnreadableError):
        read(packed(data) if zipped else data, ONE)
    with contextlib.suppress(UnreadableError):
        read(b"\x1f\x8b\x08" + body, ONE)


def test_gb18030_never_gives_what_utf8_cannot_hold() -> None:
    pairs = [bytes((high, low)) for high in range(0x80, 0x100) for low in range(0x30, 0x100)]
    pairs += [
        bytes((0x81 + n // 12_600, 0x30 + n // 1_260 % 10, 0x81 + n // 10 % 126, 0x30 + n % 10)) for n in range(50_000)
    ]
    for pair in pairs:
        pair.decode("gb18030", "replace").encode("utf-8")


def test_chunks_do_not_depend_on_how_the_source_is_read_or_where_it_is_taken_up() -> None:
    rows = [(str(number), "x" * (number * 7 % 3_000)) for number in range(2_500)]
    data = written([("c", "v"), *rows])
    whole = chunks_of(data, ONE)
    assert len(whole) > 2_500 / CHUNK_ROWS  # some end early, by the length of their text
    assert all(sum(len(str(row.attributes[0])) for row in chunk.rows) <= CHUNK_TEXT for chunk in whole)
    assert [chunk.index for chunk in whole] == list(range(len(whole)))
    assert chunks_of(packed(data), ONE, block=1_000) == whole
    for skip in (0, 1, len(whole) - 1, len(whole), len(whole) + 1):
        assert chunks_of(data, ONE, skip=skip) == whole[skip:]


def test_memory_does_not_grow_with_the_list() -> None:
    small, large = peak_of(20_000), peak_of(200_000)
    assert large < small * 1.2, f"{small} bytes at 20,000 rows, {large} at 200,000"


def test_a_bomb_is_read_in_bounded_memory() -> None:
    bomb = packed(b"c,v\n" + b"0" * 200_000_000)
    tracemalloc.start()
    rows, _, rejected = read(bomb, ONE)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (len(rows), len(rejected)) == (0, 1)
    assert peak < 8_000_000


def peak_of(rows: int) -> int:
    """Bytes at the height of reading a list of so many rows, the list itself not counted."""
    data = packed(b"c,v\n" + b"".join(b"C%d,value %d\n" % (number, number) for number in range(rows)))
    tracemalloc.start()
    for chunk in read_chunks(io.BytesIO(data), ONE):
        del chunk
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak
