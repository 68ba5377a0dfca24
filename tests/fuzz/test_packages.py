"""Lists of customers: every line is a row or is set aside, or the list as a whole is refused; time and memory are bounded."""

from __future__ import annotations

import gzip
import io
import random
import zlib
from functools import partial
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.importing.formats import Chunk, UnreadableError, read_chunks
from adapters.importing.importer import command_of
from engine.commands import ImportRows
from engine.events import ColumnMapping
from tests.fuzz.hunting import ACCEPTED, expected, seconds
from tests.fuzz.mutator import Mutator
from tests.fuzz.watched import watched_hunt
from tests.packages.lists import GOOD, HEADER, MAPPING, written

EXAMPLES = Path(__file__).parents[2] / "examples/packages"
SAMPLES = [path.read_text("utf-8") for path in sorted(EXAMPLES.glob("*.csv"))] + [
    written([HEADER, GOOD, GOOD]).decode()
]
OVERDUE = ColumnMapping(
    customer="customer", name="name", mobile="phone", attributes={"overdue_days": "days"}, types={"overdue_days": "int"}
)
encode, decode = msgspec.json.Encoder().encode, msgspec.json.Decoder(ImportRows).decode


class Packages:
    name = "packages"
    slowest_s = 15.0

    def attempt(self, chance: Mutator) -> str:
        if chance.random() < 0.1:
            data = chance.choice(_BOMBS)(chance.choice([10, 1_000, 100_000, 200_000]), chance)
        else:
            data = chance.file(SAMPLES)
        if chance.random() < 0.3:
            data = _packed(data, chance)
        return judged(data, _mapping(data, chance))


def judged(data: bytes, mapping: ColumnMapping) -> str:
    """What becomes of these bytes; fails where a line is lost, is there twice, or cannot be handed to the server."""
    lines: list[int] = []
    try:
        for chunk in read_chunks(io.BytesIO(data), mapping):
            lines += _lines(chunk)
            sent = command_of(1, chunk)
            assert decode(encode(sent)) == sent
    except UnreadableError as error:
        assert len(str(error)) < 8_000, "a message as long as the list"
        return expected(str(error))
    assert len(set(lines)) == len(lines) and all(line >= 2 for line in lines)
    assert _counted(data) in {None, len(lines)}, f"{_counted(data)} lines, but {len(lines)} accounted for"
    return ACCEPTED


def _lines(chunk: Chunk) -> list[int]:
    assert len(chunk.rows) + len(chunk.rejected) <= 500 and len(chunk.persons) in (0, len(chunk.rows))
    for row in chunk.rejected:
        expected(row.reason)
        assert len(row.text) <= 500 and "\0" not in row.text
    return [row.line for row in chunk.rows] + [row.line for row in chunk.rejected]


def _counted(data: bytes) -> int | None:
    """Lines below the header, counted without any of the reader's code; None where quotes make that hard."""
    if data.startswith(b"\x1f\x8b") or any(sign in data for sign in (b'"', b"\0")) or len(data) > 500_000:
        return None
    lines = data.removeprefix(b"\xef\xbb\xbf").removeprefix(b"\x84\x31\x95\x33").replace(b"\r\n", b"\n").split(b"\n")
    full = [line for line in lines if line]
    return len(full) - 1 if full and not any(b"\r" in line for line in full) else None


def _mapping(data: bytes, chance: Mutator) -> ColumnMapping:
    mapping = chance.choice([MAPPING, OVERDUE])
    if chance.random() < 0.5:  # one that fits what is there, so that more than the header is read
        names = data[:400].partition(b"\n")[0].decode("utf-8", "replace").strip("\r\ufeff").replace('"', "").split(",")
        kinds = ["int", "float", "bool", "string", "list(string)", "list(int)"]
        chosen = [name.strip() for name in names if name.strip()]
        mapping = ColumnMapping(
            customer=chance.choice(chosen) if chosen else None,
            attributes={f"a{place}": name for place, name in enumerate(chosen)},
            types={f"a{place}": chance.choice(kinds) for place in range(len(chosen))},  # type: ignore[misc]
        )
    more = {
        "delimiter": chance.choice(["", "", "", ",", ";", "\t", "|", "中", " "]),
        "list_separator": chance.choice(["", "", "|", "ab", " "]),
    }
    return msgspec.structs.replace(mapping, encoding=chance.choice(["", "", "", "utf-8", "GB18030", "utf_8"]), **more)


_gzipped = partial(gzip.compress, mtime=0)  # a seed alone gives the input, whatever the time of day


def _packed(data: bytes, chance: Mutator) -> bytes:
    """Gzipped: well, cut off, with something behind it, in two members, or damaged."""
    packed = _gzipped(data, 1)
    return chance.choice([
        packed, packed, packed[: chance.randint(0, len(packed))], packed + chance.randbytes(20), packed + b"\0" * 20,
        packed + _gzipped(b"x,y\n"), chance.data(packed, 3), packed[:-8] + b"\0" * 8, zlib.compress(data), packed[:10] + data,
    ])  # fmt: skip


_BOMBS = (
    lambda n, chance: b"customer,name\n" + b"x" * n,
    lambda n, chance: b'customer,name\n"' + b"x,y\n" * n,
    lambda n, chance: b"customer,name\n" + b'"' * n,
    lambda n, chance: b'customer,name\n1,"\n' * min(n, 50_000),
    lambda n, chance: b'customer,name\n1,"' + b'x""\n' * min(n, 100_000),
    lambda n, chance: b",".join(b"c%d" % k for k in range(n)) + b"\n" + b",".join(b"%d" % k for k in range(n)),
    lambda n, chance: b"customer,name," * min(n, 100_000) + b"\n1,2\n",
    lambda n, chance: b"customer,name\n" + b"," * n + b"\n",
    lambda n, chance: b"customer,name\r" + b"1,2\r" * n,
    lambda n, chance: b"\n" * n + b"customer,name\n1,2\n",
    lambda n, chance: b"\0" * n,
    lambda n, chance: b"customer,name\n" + b"\xff\xfe,\x80\n" * min(n, 100_000),
    lambda n, chance: b"customer,name\n" + b"\xed\xa0\x80,=cmd|' /C calc'!A0\n" * min(n, 50_000),
    lambda n, chance: b"customer,name\n" + "张伟,李\n".encode("gb18030") * min(n, 100_000),
    lambda n, chance: "customer,name\n1,2\n".encode("utf-16"),
    lambda n, chance: _gzipped(b"customer,name\n" + b"0" * n * 10, 9),
    lambda n, chance: _gzipped(_gzipped(b"customer,name\n1,2\n")),
    lambda n, chance: _gzipped(b"") * min(n, 20_000) + _gzipped(b"customer,name\n1,2\n"),
    lambda n, chance: b"\x1f\x8b\x08\x08" + bytes(6) + b"x" * n,
    lambda n, chance: b"PK\x03\x04" + chance.randbytes(20),
    lambda n, chance: b"customer;name\n1,2;3|4\t5\n" * min(n, 1_000),
)  # fmt: skip


def test_no_list_is_too_odd() -> None:
    figures = watched_hunt(Packages.name, seconds(3))
    assert not figures.faults, figures.report()
    assert figures.accepted > 0 and figures.refused


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.binary(max_size=300), st.booleans())
def test_any_bytes_are_read_or_refused(seed: int, data: bytes, zipped: bool) -> None:
    body = b"customer,name,phone,days\n" + data
    judged(_gzipped(body) if zipped else body, OVERDUE)


@pytest.mark.parametrize("size", [10_000_000, 300_000_000])
def test_a_gzip_bomb_costs_no_more_than_reading_it(size: int) -> None:
    noise = random.Random(1).randbytes(1_000).hex().encode()
    bomb = _gzipped(b"customer,name,phone,days\n1," + noise + b"0" * size, 1)
    assert judged(bomb, OVERDUE) == ACCEPTED
