"""Reading forms and wrap-up templates: typed fields, the values they may have, and which have to be filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, get_args

from engine.rules.model import AttributeType, FormField
from engine.rules.outline import Mapping as MappingNode
from engine.rules.outline import Node, Scalar
from engine.rules.problems import shown
from engine.rules.readers import (
    Field,
    Notes,
    Reader,
    boolean,
    integer,
    items,
    kind_of,
    mapping,
    one_of,
    refuse,
    table,
    text,
    under,
)

MAX_FIELDS = 100
"""Fields of one form or template; as many may be sent for one task."""
MAX_VALUES = 200
"""Values that one field may have."""
MAX_LENGTH = 4_096

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


def form(declared: Mapping[str, AttributeType] | None = None) -> Reader:
    """Reads fields by name into a ``Form``; those that ``declared`` names have the type declared there."""
    fields = table(NAME, "a field name (letters, digits, _)", _field)

    def read(node: Node, path: str, notes: Notes) -> Any:
        if isinstance(node, MappingNode) and len(node.entries) > MAX_FIELDS:
            notes.add(node.start, path, f"Expected at most {MAX_FIELDS} fields, but there are {len(node.entries)}")
            return None
        found = fields(node, path, notes)
        if found is not None and declared is not None:
            _agreeing(node, found, declared, path, notes)
        return found

    return read


def _agreeing(
    node: Node, found: dict[str, FormField], declared: Mapping[str, AttributeType], path: str, notes: Notes
) -> None:
    for name, field in found.items():
        wanted = declared.get(name)
        if wanted is not None and field.type != wanted:
            at = _start_of(_value(node, name), "type")
            told = f"Expected {wanted}, as the attribute task.{name} is declared, but it is {field.type}"
            notes.add(at, under(under(path, name), "type"), told)


def _field(node: Node, path: str, notes: Notes) -> FormField | None:
    read = _FIELDS(node, path, notes)
    if read is None or "type" not in read:
        return None
    kind, values = read["type"], read.pop("values", ())
    if values:
        read["values"] = _values(kind, values, notes)
    if "max_length" in read and kind not in ("string", "list(string)"):
        told = f"Expected max_length beside a string, but the type is {kind}"
        notes.add(_start_of(node, "max_length"), under(path, "max_length"), told)
    return FormField(**read)


def _raw(node: Node, path: str, _notes: Notes) -> tuple[Node, str]:
    """What a value may be is known once the type is."""
    return node, path


_FIELDS = mapping(
    {
        "type": Field(one_of(get_args(AttributeType), "a type"), required=True),
        "required": Field(boolean),
        "values": Field(items(_raw, 1, MAX_VALUES)),
        "max_length": Field(integer(1, MAX_LENGTH)),
    }
)


def _values(kind: AttributeType, given: tuple[tuple[Node, str], ...], notes: Notes) -> tuple[str | int | float, ...]:
    if kind == "bool":
        node, path = given[0]
        notes.add(node.start, path, "Expected no values beside bool, but there are some", "it is true or false anyway")
        return ()
    found: dict[str | int | float, None] = {}  # in the order they are written
    for node, path in given:
        value = _READERS[kind.removeprefix("list(").removesuffix(")")](node, path, notes)
        if value is not None and value in found:
            notes.add(node.start, path, f"Expected each value once, but {shown(str(value))} stands there already")
        elif value is not None:
            found[value] = None
    return tuple(found)


def _number(node: Node, path: str, notes: Notes) -> Any:
    if isinstance(node, Scalar) and kind_of(node) in ("an integer", "a number"):
        try:
            value = float(node.value)
        except ValueError:  # 0x1F, .inf
            value = float("inf")
        if abs(value) < 1e300:
            return value
    return refuse(node, path, notes, "a number below 1e300")


_READERS: dict[str, Reader] = {"string": text(), "int": integer(-(2**63), 2**63 - 1), "float": _number}


def _value(node: Node, name: str) -> Node:
    assert isinstance(node, MappingNode)
    return next(value for key, value in node.entries if key.value == name)


def _start_of(node: Node, name: str) -> int:
    return _value(node, name).start
