"""Attributes of tasks as JSON objects, a whole chunk at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import starmap
from operator import attrgetter
from typing import Any

import msgspec

from engine.events import AttributeValue, TaskRow
from projections.copying import json_of

_LINES = msgspec.json.Encoder().encode_lines
_values = attrgetter("attributes")


def attribute_column(columns: tuple[str, ...], rows: Sequence[TaskRow]) -> list[str]:
    """A JSON object for each row: its present attributes by name."""
    made = _maker_of(columns)
    if made is not None:
        lines = _LINES(list(starmap(made, map(_values, rows))))
        if b"\\u0000" not in lines:
            return lines.decode().split("\n")[:-1]
    return [_object_of(columns, row.attributes) for row in rows]


def _object_of(columns: tuple[str, ...], values: tuple[AttributeValue, ...]) -> str:
    return json_of({name: value for name, value in zip(columns, values, strict=True) if value is not None})


@lru_cache(maxsize=64)
def _maker_of(columns: tuple[str, ...]) -> Callable[..., Any] | None:
    """A struct with these fields is encoded twice as fast as a dict. None: a name that no field can have."""
    names = {f"f{place}": column for place, column in enumerate(columns)}
    try:
        return msgspec.defstruct(
            "Attributes", [(name, Any, None) for name in names], rename=names, omit_defaults=True, gc=False
        )
    except ValueError:
        return None
