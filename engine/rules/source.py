"""Where things stand in a document: offsets to lines and columns, also from inside a YAML scalar."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from itertools import islice

_BREAK = re.compile("\r\n|\r|\n")
_ESCAPED = re.compile(r"\\(?:x..|u.{4}|U.{8}|\r\n[ \t]*|[\r\n][ \t]*|.)|.", re.DOTALL)


class Source:
    """A document's text. A byte order mark is dropped, as it stands in no column."""

    def __init__(self, text: str) -> None:
        self.text = text.removeprefix("\ufeff")
        self._starts = [0, *(found.end() for found in _BREAK.finditer(self.text))]

    def place(self, at: int) -> tuple[int, int]:
        """Line and column of a character offset, both from 1."""
        line = bisect_right(self._starts, at)
        return line, at - self._starts[line - 1] + 1

    def inside(self, start: int, end: int, value: str, offset: int) -> int:
        """The document's offset of ``value[offset]``, where ``value`` is the scalar that stands at ``start:end``.

        YAML folds and indents white space but keeps every other character in its order. So it is enough to count the
        characters that are not white space, whatever the style of the scalar.
        """
        wanted = len("".join(value[:offset].split()))
        units = _units(self.text[start:end])
        following = next(islice(units, wanted, None), None)
        return start + following if following is not None else self._last(start, end)

    def _last(self, start: int, end: int) -> int:
        # Past the last character: the closing quote where there is one, the end of the text otherwise.
        raw = self.text[start:end].rstrip()
        quoted = raw[:1] in {'"', "'"} and len(raw) > 1
        return start + len(raw) - (1 if quoted else 0)


def _units(raw: str) -> Iterator[int]:
    """Offsets of what stands for one visible character each."""
    if raw[:1] == '"':
        return _escaped_units(raw)
    if raw[:1] == "'":
        body = raw[1:-1].replace("''", "' ")  # the second of a pair stands for nothing, like white space
        return (place + 1 for place, character in enumerate(body) if not character.isspace())
    header = _header(raw) if raw[:1] in {"|", ">"} else 0
    return (place + header for place, character in enumerate(raw[header:]) if not character.isspace())


def _header(raw: str) -> int:
    found = _BREAK.search(raw)
    return found.end() if found else len(raw)


def _escaped_units(raw: str) -> Iterator[int]:
    for found in _ESCAPED.finditer(raw, 1, len(raw) - 1):
        if not _blank(found[0]):
            yield found.start()


def _blank(unit: str) -> bool:
    if len(unit) == 1:
        return unit.isspace()
    if unit[1] in "xuU":
        return chr(int(unit[2:], 16)).isspace()
    return unit[1] in _BLANK_ESCAPES


_BLANK_ESCAPES = frozenset("\r\n\t ntvfrNLP_")
"""Escapes of white space, and of line ends that YAML drops."""
