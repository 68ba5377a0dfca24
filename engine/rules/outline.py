"""YAML to an outline of nodes that know where they stand, in one pass over parser events.

Stricter than YAML: one document, no anchors, aliases or tags, so a small text cannot grow into a large one; only
``true`` and ``false`` are booleans, so the country code NO stays a text.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from typing import Any, TypeAlias

import msgspec
import yaml

from engine.rules.problems import DocumentError, Problem
from engine.rules.source import Source

MAX_SIZE = 8 * 1024 * 1024
"""Characters of a document."""
MAX_DEPTH = 12
"""Levels of mappings and lists; a rule document needs seven."""

STEP = 100
"""Parser events of one step: about as long as a rule takes."""


class Scalar(msgspec.Struct, frozen=True):
    """``start`` and ``end`` are character offsets in the document; ``plain`` means unquoted."""

    start: int
    end: int
    value: str
    plain: bool


class Mapping(msgspec.Struct):
    start: int
    entries: list[tuple[Scalar, Node]]


class Sequence(msgspec.Struct):
    start: int
    items: list[Node]


Node: TypeAlias = Scalar | Mapping | Sequence

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_UNREADABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def outline(source: Source) -> Node | None:
    """The document's node; None for an empty one. Raises ``DocumentError`` with the one fault that stopped it."""
    steps = outlining(source)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]  # typeshed has Any whatever the generator returns


def outlining(source: Source) -> Generator[None, None, Node | None]:
    """``outline`` step by step, as a large document takes long: yields between steps, and returns the node."""
    _readable(source)
    try:
        return (yield from _Composer(source).compose(yaml.parse(source.text, Loader=_LOADER)))
    except yaml.YAMLError as error:
        raise _stopped(source, *_yaml_fault(error)) from error


def _readable(source: Source) -> None:
    if len(source.text) > MAX_SIZE:
        raise _stopped(source, 0, f"Expected at most {MAX_SIZE} characters, but the document has {len(source.text)}")
    if found := _UNREADABLE.search(source.text):
        raise _stopped(source, found.start(), f"Expected readable text, but U+{ord(found[0]):04X} stands here")


def _yaml_fault(error: yaml.YAMLError) -> tuple[int, str, str | None]:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    what = getattr(error, "problem", None) or "it cannot be read"
    quoting = any(sign in what for sign in ("block end", "mapping values", "',' or", "expected key"))
    return (mark.index if mark else 0, f"Expected YAML, but {what}", _QUOTING if quoting else None)


_QUOTING = "inside {} and [], and where it starts with a quote or holds a colon, a condition goes into quotes"


def _stopped(source: Source, at: int, message: str, hint: str | None = None) -> DocumentError:
    return DocumentError([Problem(*source.place(at), "", message, hint)])


class _Composer:
    """Builds nodes with a stack of its own: nesting of input is never recursion."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._open: list[tuple[Mapping | Sequence, Scalar | None]] = []
        self._root: Node | None = None

    def compose(self, events: Iterator[Any]) -> Generator[None, None, Node | None]:
        for number, event in enumerate(events):
            self._take(event)
            if number % STEP == 0:
                yield
        return self._root

    def _take(self, event: Any) -> None:
        if isinstance(event, yaml.DocumentStartEvent) and self._root is not None:
            raise self._refused(event, "Expected one document, but another one starts")
        if isinstance(event, yaml.AliasEvent):
            raise self._refused(event, "Expected no alias, but one stands here", "write the value out")
        if isinstance(event, yaml.NodeEvent):
            self._node(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._close()

    def _node(self, event: Any) -> None:
        at: int = event.start_mark.index
        if event.anchor is not None or event.tag is not None:
            raise self._refused(event, "Expected no anchor or tag, but one stands here", "write the plain value")
        if isinstance(event, yaml.ScalarEvent):
            end: Any = event.end_mark
            # The C parser calls the unquoted style "", the Python one None.
            self._add(Scalar(at, end.index, event.value, not event.style), event)
            return
        self._push(Mapping(at, []) if isinstance(event, yaml.MappingStartEvent) else Sequence(at, []), event)

    def _push(self, node: Mapping | Sequence, event: Any) -> None:
        if len(self._open) >= MAX_DEPTH:
            raise self._refused(event, f"Expected at most {MAX_DEPTH} levels, but the document has more")
        self._add(node, event)
        self._open.append((node, None))

    def _close(self) -> None:
        self._open.pop()

    def _add(self, node: Node, event: Any) -> None:
        if not self._open:
            self._root = node
            return
        owner, key = self._open[-1]
        if isinstance(owner, Sequence):
            owner.items.append(node)
        elif key is not None:
            owner.entries.append((key, node))
            self._open[-1] = (owner, None)
        elif isinstance(node, Scalar):
            self._open[-1] = (owner, node)
        else:
            raise self._refused(event, "Expected a name before the colon, but a list or mapping stands there")

    def _refused(self, event: Any, message: str, hint: str | None = None) -> DocumentError:
        return _stopped(self._source, event.start_mark.index, message, hint)
