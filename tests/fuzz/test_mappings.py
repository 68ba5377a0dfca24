"""Mapping files and values on the command line: what says how a list is read, and ``--attribute name=value``."""

from __future__ import annotations

import contextlib
import io
import tempfile
from pathlib import Path

import pytest
import typer

from adapters.cli.mapping import mapping_of
from adapters.cli.pairs import values_of
from adapters.grpc_api.values import to_values
from tests.fuzz.hunting import ACCEPTED, expected, seconds
from tests.fuzz.mutator import NUMBERS, TOKENS, Mutator
from tests.fuzz.watched import watched_hunt

SAMPLE = (Path(__file__).parents[2] / "examples/packages/mapping.yaml").read_text("utf-8")
FLOW = "{customer: cust, name: who, mobile: phone, region: area, attributes: {days: days, rate: rate}, delimiter: ';', encoding: gb18030}"


class Mappings:
    name = "mappings"
    slowest_s = 5.0

    def __init__(self) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="paidan-fuzz-")

    def attempt(self, chance: Mutator) -> str:
        if chance.random() < 0.3:
            text = chance.text(chance.choice(["3", "3.5", "true", "[a, b]", '"3"', "[1, 2]", "x", chance.token()]), 3)
            return valued(text.replace("\0", ""))
        if chance.random() < 0.1:
            return mapped(
                Path(self._directory.name) / "mapping.yaml", chance.choice(_BOMBS)(chance.choice([10, 1_000, 100_000]))
            )
        return mapped(Path(self._directory.name) / "mapping.yaml", chance.file([SAMPLE, FLOW]))


def mapped(file: Path, data: bytes) -> str:
    """What becomes of a mapping file with these bytes."""
    file.write_bytes(data)
    with _ended() as told:
        message = mapping_of(file, (), (), delimiter="", encoding="")
        assert message.SerializeToString() is not None
        return ACCEPTED
    return _refusal(told)


def valued(text: str) -> str:
    """What becomes of ``--attribute a=<text>``."""
    with _ended() as told:
        values = values_of([f"a={text}"])
        for message in to_values(values).values():
            message.SerializeToString()
        return ACCEPTED
    return _refusal(told)


@contextlib.contextmanager
def _ended():  # type: ignore[no-untyped-def]
    """Takes in the end of a command, and what it told."""
    told = io.StringIO()
    with contextlib.suppress(typer.Exit), contextlib.redirect_stderr(told):
        yield told


def _refusal(told: io.StringIO) -> str:
    text = told.getvalue()
    assert text.startswith("paidan: ") and len(text) < 20_000, text[:300]
    return expected(text.removeprefix("paidan: ").replace("\n", " "))


_BOMBS = (
    lambda n: b"attributes: " + b"{a: " * n,
    lambda n: b"[" * n,
    lambda n: b"a: &a {x: y}\nb: {" + b"<<: *a, " * n + b"}",
    lambda n: (
        b"x0: &x0 {a: b}\n"
        + b"".join(b"x%d: &x%d {<<: [*x%d, *x%d]}\n" % (k, k, k - 1, k - 1) for k in range(1, min(n, 200)))
    ),
    lambda n: b"a: &a [x]\n" + b"".join(b"b%d: &b%d [*a, *a]\n" % (k, k) for k in range(n)),
    lambda n: b"customer: " + b"x" * n * 100,
    lambda n: b"attributes: {" + b", ".join(b"a%d: b" % k for k in range(n)) + b"}",
    lambda n: b"customer: a\n" * n,
    lambda n: b"customer: 2001-99-99",
    lambda n: b"customer: " + b"9" * n,
)


def test_no_mapping_is_too_odd() -> None:
    figures = watched_hunt(Mappings.name, seconds(2))
    assert not figures.faults, figures.report()
    assert figures.accepted > 0 and figures.refused


@pytest.mark.parametrize("text", [*NUMBERS, *(token for token in TOKENS if "\0" not in token)])
def test_every_hostile_value_is_taken_or_refused(text: str) -> None:
    valued(text)


def test_what_was_found(tmp_path: Path) -> None:
    file = tmp_path / "m.yaml"
    for data in (
        b"[" * 5_000,
        b"a: &a {x: y}\nb: {<<: [*a, *a]}",
        b"customer: a\ncustomer: b",
        b"customer: [a]",
        b"x: 1",
    ):
        assert mapped(file, data).startswith("Expected a mapping in"), data
    for data in (b"customer: 2001-99-99", b"{customer: NO, attributes: {days: 2020}}", b"", b"customer: ~"):
        assert mapped(file, data) == ACCEPTED, data
    for text in ("99999999999999999999", "2001-99-99x: [", ".inf", "[[1]]", "{a: b}", "[" * 5_000):
        assert valued(text).startswith("Expected a value of --attribute"), text
