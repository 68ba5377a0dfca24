"""Cells become typed values. Space around a cell is not part of its value; an empty cell is absent (None)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Generic, TypeVar

from engine.decide.attributes import INT64, MAX_TEXT, bounded
from engine.events import AttributeValue
from engine.rules.model import AttributeType

Value = TypeVar("Value")

REMEMBERED = 4_096
"""Distinct cells a column remembers."""
_SHORT = 64
"""Characters of the longest cell worth remembering."""
MAX_MEMBERS = 1_000

_INT = re.compile(r"[+-]?[0-9]+")
_FLOAT = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_BOOLS = {word: True for word in ("true", "yes", "y", "t", "1", "是")}
_BOOLS |= {word: False for word in ("false", "no", "n", "f", "0", "否")}


class CellError(Exception):
    """The cell does not hold a value of its type; the message says what was expected."""


class Column(dict[str, Value], Generic[Value]):
    """Reads one column: ``column[cell]`` is the cell's value, ``absent`` where it is empty. Raises CellError.

    Columns that rules look at have few distinct values, so it remembers those it has read.
    """

    def __init__(self, read: Callable[[str], Value], absent: Value) -> None:
        super().__init__()
        self._read, self._absent = read, absent

    def __missing__(self, cell: str) -> Value:
        text = cell.strip()
        value = self._read(text) if text else self._absent
        if len(cell) <= _SHORT:
            if len(self) >= REMEMBERED:
                self.clear()
            self[cell] = value
        return value


def column_of(kind: AttributeType, list_separator: str) -> Column[AttributeValue]:
    """A reader for cells of a declared attribute type."""
    if kind == "list(string)":
        return Column(lambda text: read_list(text, list_separator, read_text), None)
    if kind == "list(int)":
        return Column(lambda text: read_list(text, list_separator, read_int), None)
    return Column(_READERS[kind], None)


def read_text(text: str) -> str:
    """The text itself, if not over MAX_TEXT characters."""
    if len(text) > MAX_TEXT:
        raise CellError(f"Expected at most {MAX_TEXT} characters, but there are {len(text)}")
    return text


def read_int(text: str) -> int:
    """Digits with an optional sign, inside 64 bits."""
    if not _INT.fullmatch(text) or len(text) > _SHORT:
        raise CellError(f"Expected a whole number, but got {_cut(text)}")
    value = int(text)
    if not -INT64 <= value < INT64:
        raise CellError(f"Expected a whole number inside 64 bits, but got {_cut(text)}")
    return value


def read_float(text: str) -> float:
    """A decimal number, with or without exponent; neither NaN nor infinite."""
    if not _FLOAT.fullmatch(text):
        raise CellError(f"Expected a number such as 12.5, but got {_cut(text)}")
    value = float(text)
    if not bounded(value):
        raise CellError(f"Expected a number below 1e300, but got {_cut(text)}")
    return value


def read_bool(text: str) -> bool:
    """true/false, yes/no, y/n, t/f, 1/0, 是/否, in any case."""
    value = _BOOLS.get(text.lower())
    if value is None:
        raise CellError(f"Expected true or false, but got {_cut(text)}")
    return value


def read_list(text: str, separator: str, read: Callable[[str], str | int]) -> tuple[str | int, ...]:
    """Members between separators; empty ones are left out."""
    members = tuple(read(member) for member in map(str.strip, text.split(separator)) if member)
    if len(members) > MAX_MEMBERS:
        raise CellError(f"Expected a list of at most {MAX_MEMBERS} members, but there are {len(members)}")
    return members


def read_priority(text: str) -> int:
    """0 to 100."""
    value = read_int(text)
    if not 0 <= value <= 100:
        raise CellError(f"Expected a priority of 0 to 100, but got {value}")
    return value


_READERS: dict[AttributeType, Callable[[str], AttributeValue]] = {
    "string": read_text,
    "int": read_int,
    "float": read_float,
    "bool": read_bool,
}


def _cut(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:39] + "…")
