"""Readers of single fields: a node to a checked value. A reader that finds a fault notes it and answers None."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

import msgspec

from engine.rules.outline import Mapping as MappingNode
from engine.rules.outline import Node, Scalar, Sequence
from engine.rules.problems import MAX_PROBLEMS, Problem, did_you_mean, shown
from engine.rules.source import Source

Reader: TypeAlias = Callable[[Node, str, "Notes"], Any]


class EnoughError(Exception):
    """As many problems are noted as anybody reads: a damaged document is not read to its end."""


class Notes:
    """The problems of one document, as they are found."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems: list[Problem] = []

    def add(self, at: int, path: str, message: str, hint: str | None = None) -> None:
        """Note a problem at a character offset. Raises ``EnoughError`` with the last one there is room for."""
        self.problems.append(Problem(*self.source.place(at), path, message, hint))
        if len(self.problems) >= MAX_PROBLEMS:
            raise EnoughError


class Field(msgspec.Struct, frozen=True):
    """One field of a mapping: its reader, the name it is stored under, and whether it must be there."""

    reader: Reader
    stored: str = ""
    required: bool = False


def kind_of(node: Node) -> str:
    """What a node is to an operator: ``a list``, ``a mapping``, ``a text``, ``an integer`` ..."""
    if isinstance(node, MappingNode):
        return "a mapping"
    if isinstance(node, Sequence):
        return "a list"
    if not node.plain:
        return "a text"
    return next((kind for kind, pattern in _PLAIN if pattern.fullmatch(node.value)), "a text")


_PLAIN = (
    ("empty", re.compile(r"~|null|Null|NULL|")),
    ("a boolean", re.compile(r"true|True|TRUE|false|False|FALSE")),
    ("an integer", re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")),
    (
        "a number",
        re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"),
    ),
)


def mapping(fields: Mapping[str, Field]) -> Reader:
    """Reads a mapping of known fields into a dict by stored name."""

    def read(node: Node, path: str, notes: Notes) -> Any:
        if not isinstance(node, MappingNode):
            return refuse(node, path, notes, "a mapping")
        found = {}
        for key, name, value in entries(node, path, notes):
            if name in fields:
                found[fields[name].stored or name] = fields[name].reader(value, under(path, name), notes)
            else:
                told = f"Expected a known field, but {shown(name)} is none"
                notes.add(key.start, under(path, name[:64]), told, did_you_mean(name, fields))
        _missing(node, fields, path, notes)
        return {name: value for name, value in found.items() if value is not None}

    return read


def entries(node: MappingNode, path: str, notes: Notes) -> Iterable[tuple[Scalar, str, Node]]:
    """Key, name and value of each entry; a name that stands there again is noted and left out."""
    seen: dict[str, Scalar] = {}
    for key, value in node.entries:
        if first := seen.get(key.value):
            line = notes.source.place(first.start)[0]
            told = f"Expected each name once, but {shown(key.value)} stands in line {line} already"
            notes.add(key.start, under(path, key.value[:64]), told)
            continue
        seen[key.value] = key
        yield key, key.value, value


def _missing(node: MappingNode, fields: Mapping[str, Field], path: str, notes: Notes) -> None:
    given = {key.value for key, _ in node.entries}
    for name, field in fields.items():
        if field.required and name not in given:
            notes.add(node.start, path, f"Expected the field {name}, but it is missing")


def structure(shape: type[Any], fields: Mapping[str, Field]) -> Reader:
    """Reads a mapping into a struct; None where a required field is missing or wrong."""
    inner = mapping(fields)
    needed = [field.stored or name for name, field in fields.items() if field.required]

    def read(node: Node, path: str, notes: Notes) -> Any:
        values = inner(node, path, notes)
        return shape(**values) if values is not None and all(name in values for name in needed) else None

    return read


def table(name: re.Pattern[str], what: str, reader: Reader) -> Reader:
    """Reads a mapping of free names, each to what ``reader`` reads."""

    def read(node: Node, path: str, notes: Notes) -> Any:
        if not isinstance(node, MappingNode):
            return refuse(node, path, notes, "a mapping")
        found = {}
        for key, text, value in entries(node, path, notes):
            if not name.fullmatch(text):
                notes.add(key.start, path, f"Expected {what}, but {shown(text)} is none")
            elif (got := reader(value, under(path, text), notes)) is not None:
                found[text] = got
        return found

    return read


def items(reader: Reader, least: int = 0, most: int = 100) -> Reader:
    """Reads a list; elements with faults are left out."""

    def read(node: Node, path: str, notes: Notes) -> Any:
        if not isinstance(node, Sequence):
            return refuse(node, path, notes, "a list")
        if not least <= len(node.items) <= most:
            told = f"Expected {least} to {most} elements, but there are {len(node.items)}"
            notes.add(node.start, path, told)
            return None
        read_ = (reader(item, f"{path}[{place}]", notes) for place, item in enumerate(node.items))
        return tuple(item for item in read_ if item is not None)

    return read


def integer(least: int, most: int) -> Reader:
    """Reads an integer from ``least`` to ``most``."""

    def read(node: Node, path: str, notes: Notes) -> Any:
        if kind_of(node) != "an integer" or not isinstance(node, Scalar):
            return refuse(node, path, notes, "an integer")
        value = _int(node.value) if len(node.value) <= 20 else most + 1
        if least <= value <= most:
            return value
        notes.add(node.start, path, f"Expected {least} to {most}, but it is {shown(node.value)}")
        return None

    return read


def _int(text: str) -> int:
    return int(text, 0) if text[:2] in {"0o", "0x"} else int(text)


def text(pattern: re.Pattern[str] | None = None, what: str = "a text", most: int = 200) -> Reader:
    """Reads a text that is not empty and matches the pattern."""

    def read(node: Node, path: str, notes: Notes) -> Any:
        if kind_of(node) != "a text" or not isinstance(node, Scalar):
            return refuse(node, path, notes, what)
        if not node.value or len(node.value) > most or (pattern and not pattern.fullmatch(node.value)):
            told = what if pattern else f"1 to {most} characters"
            notes.add(node.start, path, f"Expected {told}, but it is {shown(node.value)}")
            return None
        return node.value

    return read


def one_of(words: Iterable[str], what: str) -> Reader:
    """Reads one of the words."""
    known = tuple(words)

    def read(node: Node, path: str, notes: Notes) -> Any:
        if isinstance(node, Scalar) and node.value in known:
            return node.value
        found = shown(node.value) if isinstance(node, Scalar) else kind_of(node)
        hint = did_you_mean(node.value, known) if isinstance(node, Scalar) else None
        notes.add(node.start, path, f"Expected {what} ({', '.join(known)}), but it is {found}", hint)
        return None

    return read


def known(names: Iterable[str], what: str) -> Reader:
    """Reads the name of something that stands elsewhere in the document."""
    found = frozenset(names)
    as_text = text()

    def read(node: Node, path: str, notes: Notes) -> Any:
        name = as_text(node, path, notes)
        if name is None or name in found:
            return name
        told = f"Expected {what} of this document, but {shown(name)} is none"
        notes.add(node.start, path, told, did_you_mean(name, found))
        return None

    return read


def boolean(node: Node, path: str, notes: Notes) -> Any:
    """Reads true or false, and nothing that only looks like it."""
    if kind_of(node) == "a boolean" and isinstance(node, Scalar):
        return node.value.lower() == "true"
    return refuse(node, path, notes, "true or false")


def refuse(node: Node, path: str, notes: Notes, wanted: str, hint: str | None = None) -> Any:
    """Note that something else stands there than is wanted; answers None."""
    kind = kind_of(node)
    found = f"{shown(node.value)} is {kind}" if isinstance(node, Scalar) and kind != "empty" else f"it is {kind}"
    if kind == "empty":
        hint = hint or "leave the field out"
    elif isinstance(node, Scalar) and node.plain and wanted.startswith("a text"):
        hint = hint or "put it in quotes"
    notes.add(node.start, path, f"Expected {wanted}, but {found}", hint)
    return None


def under(path: str, name: str) -> str:
    """The path of a field of a mapping."""
    return f"{path}.{name}" if path else name
