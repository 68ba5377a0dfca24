"""Rows in the text form of PostgreSQL's COPY, and JSON as the views keep it.

Fields are parted by ``|``: being printable, it lets one test over a whole row tell that nothing in it needs an escape.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from engine.events import AttributeValue
from projections.port import Cursor

_ENCODE = msgspec.json.Encoder().encode
_SPECIAL = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "|": "\\|", "\0": "�"})

TEXT_AT_A_TIME = 1 << 16
"""Characters joined into one write: large enough for the driver, small enough for the server to begin soon."""


def clean(text: str) -> str:
    """The text without NUL, the one character PostgreSQL cannot keep."""
    return text.replace("\0", "�") if "\0" in text else text


def row_of(values: Sequence[object]) -> str:
    """Values joined as the beginning or end of a row, without a newline."""
    return "|".join(field(str(value)) for value in values)


def field(text: str) -> str:
    """Text as one field of a row."""
    return text if text.isprintable() and "\\" not in text and "|" not in text else text.translate(_SPECIAL)


def json_of(value: object) -> str:
    """Compact JSON that PostgreSQL accepts as jsonb."""
    text = _ENCODE(value).decode()
    return text if "\\u0000" not in text else _ENCODE(_without_nul(msgspec.to_builtins(value))).decode()


def lane_json(lane: Sequence[AttributeValue]) -> str:
    """Lane values as JSON in which values that the engine holds equal look equal: 1.0 is 1."""
    return json_of([_plain(value) for value in lane])


def array_of(items: Iterable[object]) -> str:
    """A PostgreSQL array literal of numbers, or of words without quotes and backslashes in them."""
    return "{" + ",".join(map(str, items)) + "}"


def rows_of(columns: Sequence[Sequence[str]]) -> str:
    """Rows from columns of equal length, each row ending with a newline."""
    text = _joined(columns)
    if _is_plain(text, len(columns), len(columns[0])):
        return text
    return _joined([list(map(field, column)) for column in columns])


def copy_rows(cursor: Cursor, table: str, rows: Iterable[str]) -> None:
    """Send rows, each (or each text of several) ending with a newline. ``table`` may name columns.

    Rows made while others are sent keep both sides busy at once.
    """
    with cursor.copy(f"COPY {table} FROM STDIN (DELIMITER '|')") as copy:
        part: list[str] = []
        size = 0
        for text in rows:
            part.append(text)
            size += len(text)
            if size > TEXT_AT_A_TIME:
                copy.write("".join(part))
                part, size = [], 0
        copy.write("".join(part))


def _joined(columns: Sequence[Sequence[str]]) -> str:
    return "\n".join(map("|".join, zip(*columns, strict=True))) + "\n"


def _is_plain(text: str, columns: int, rows: int) -> bool:
    """Whether nothing in the rows needs an escape: a few searches over a whole chunk in place of one a field."""
    as_many = text.count("|") == (columns - 1) * rows and text.count("\n") == rows
    return as_many and "\\" not in text and "\r" not in text and "\0" not in text


def _without_nul(value: object) -> object:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list | tuple):
        return [_without_nul(item) for item in value]
    if isinstance(value, dict):
        return {clean(str(key)): _without_nul(item) for key, item in value.items()}
    return value


def _plain(value: AttributeValue) -> AttributeValue:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, tuple):
        return tuple(_plain(item) for item in value)  # type: ignore[misc]
    return value
