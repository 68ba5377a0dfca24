"""Nodes of an outline as the values they stand for, for the YAML that is no rule document: rosters, mappings, options.

Only what is unquoted and looks it is a number, true or false: ``NO``, ``12:30`` and ``2020-01-01`` are text.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from engine.decide.attributes import bounded
from engine.rules.outline import Mapping, Node, Scalar
from engine.rules.problems import shown
from engine.rules.readers import kind_of

Plain: TypeAlias = "str | int | float | bool | None"
LONGEST = 64
"""Characters of a number."""


class NoValueError(ValueError):
    """A number that is beyond 64 bits, not finite or written as no number is; a name that stands twice."""


def value_of(node: Scalar) -> Plain:
    """What the scalar stands for; None where nothing stands. Raises NoValueError."""
    kind = kind_of(node)
    if kind == "empty":
        return None
    if kind == "a boolean":
        return node.value.lower() == "true"
    return _number(node.value) if kind in {"an integer", "a number"} else node.value


def texts_of(node: Node | None) -> object:
    """Scalars as written, in lists and dicts; what is empty, and None, is an empty text. Raises NoValueError."""
    if isinstance(node, Mapping):
        return dict(_pairs(node))
    if isinstance(node, Scalar):
        return "" if kind_of(node) == "empty" else node.value
    return "" if node is None else [texts_of(item) for item in node.items]


def _pairs(node: Mapping) -> Iterator[tuple[str, object]]:
    seen: set[str] = set()
    for key, value in node.entries:
        if key.value in seen:
            raise NoValueError(f"Expected each name once, but {shown(key.value)} is there twice")
        seen.add(key.value)
        yield key.value, texts_of(value)


def _number(text: str) -> int | float:
    try:
        value = _read(text) if len(text) <= LONGEST else float("nan")
    except ValueError:
        value = float("nan")
    if not bounded(value):
        raise NoValueError(text)
    return value


def _read(text: str) -> int | float:
    if text[:2] in {"0o", "0x"}:
        return int(text, 0)
    return int(text) if text.lstrip("+-").isdigit() else float(text)
