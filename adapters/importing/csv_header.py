"""What the first lines of a list tell: its encoding, its delimiter, and where the mapped columns stand."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable
from difflib import get_close_matches

from adapters.importing.csv_blocks import UnreadableError
from engine.events import ColumnMapping

ENCODINGS = ("utf-8", "gb18030")
DELIMITERS = (",", ";", "\t", "|")
MAX_COLUMNS = 2_000
MAX_TOLD = 20
"""Columns that a message names."""

_FIELDS = ("customer", "name", "mobile", "id_card", "owner", "region", "priority")


def encoding_of(sample: bytes, declared: str) -> str:
    """The declared encoding; else UTF-8 if it reads half of the sample's lines that are not plain ASCII; else GB18030.

    Text in UTF-8 often happens to be readable as GB18030, but hardly ever the other way about.
    Raises UnreadableError for a declared encoding that is not one of ENCODINGS.
    """
    if declared:
        wanted = declared.lower().replace("_", "-").replace("utf8", "utf-8")
        if wanted not in ENCODINGS:
            raise UnreadableError(f"Expected encoding {' or '.join(ENCODINGS)}, but the mapping says {declared!r}")
        return wanted
    lines = [line for line in io.BytesIO(sample) if not line.isascii()]
    utf8, gb18030 = (sum(_reads(line, encoding) for line in lines) for encoding in ENCODINGS)
    return "gb18030" if utf8 * 2 < len(lines) and gb18030 > utf8 else "utf-8"


def _reads(line: bytes, encoding: str) -> bool:
    try:
        line.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def delimiter_of(sample: str, mapping: ColumnMapping) -> str:
    """The declared delimiter, else the one whose header has most of the mapped columns, then most columns."""
    if mapping.delimiter:
        if len(mapping.delimiter) != 1 or mapping.delimiter in '"\r\n\0':
            raise UnreadableError(f"Expected a delimiter of one character, but the mapping says {mapping.delimiter!r}")
        return mapping.delimiter
    wanted = {column for _, column in mapped(mapping)}

    def found(delimiter: str) -> tuple[int, int]:
        names = _first_record(sample, delimiter)
        return len(wanted.intersection(names)), len(names)

    return max(DELIMITERS, key=found)


def _first_record(sample: str, delimiter: str) -> list[str]:
    lines = io.StringIO(sample, newline="")
    try:
        names: list[str] = next(filter(None, csv.reader(lines, delimiter=delimiter, strict=True)), [])
    except csv.Error:
        names = sample.partition("\n")[0].split(delimiter)  # told of when the header is read in earnest
    return [name.strip() for name in names]


def mapped(mapping: ColumnMapping) -> list[tuple[str, str]]:
    """(field, column) of everything the mapping names; attributes by name, so their order is always the same."""
    fields = [(field, getattr(mapping, field)) for field in _FIELDS]
    attributes = [(f"attributes.{name}", mapping.attributes[name]) for name in sorted(mapping.attributes)]
    return [(field, column) for field, column in fields + attributes if column is not None]


def check_header(names: list[str], mapping: ColumnMapping) -> None:
    """Raises UnreadableError naming every mapped column that is missing or there twice."""
    if len(names) > MAX_COLUMNS:
        raise UnreadableError(f"Expected at most {MAX_COLUMNS} columns, but the header has {len(names)}")
    twice = [name for name, count in Counter(names).items() if name and count > 1]
    if twice:
        raise UnreadableError(
            f"Expected each column once, but the header has {_quoted(twice)} more than once; rename or remove them"
        )
    missing = [(field, column) for field, column in mapped(mapping) if column not in names or not column]
    if missing:
        wrong = "; ".join(_missing(field, column, names) for field, column in missing[:MAX_TOLD])
        wrong += f"; and {len(missing) - MAX_TOLD} more" if len(missing) > MAX_TOLD else ""
        raise UnreadableError(
            f"{wrong}. The header has {_quoted(filter(None, names))}; correct the mapping or the list"
        )


def _missing(field: str, column: str, names: list[str]) -> str:
    near = get_close_matches(column, filter(None, names), n=1)
    hint = f" (did you mean {_short(near[0])}?)" if near else ""
    return f"Expected column {_short(column)} for {field}, but the header has none{hint}"


def _quoted(names: Iterable[str]) -> str:
    shown = [_short(name) for name in names]
    more = f" and {len(shown) - MAX_TOLD} more" if len(shown) > MAX_TOLD else ""
    return (", ".join(shown[:MAX_TOLD]) or "no columns") + more


def _short(name: str) -> str:
    return repr(name if len(name) <= 40 else name[:39] + "…")
