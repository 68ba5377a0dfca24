"""The sections of a rule document beside its rules: calendars, templates, task types."""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from typing import Any, TypeAlias, TypeVar

import msgspec

from engine.rules.calendars import calendar
from engine.rules.clashes import type_clashes
from engine.rules.forms import form
from engine.rules.model import AttributeType, Calendar, Form, TaskType
from engine.rules.outline import Mapping as MappingNode
from engine.rules.outline import Node
from engine.rules.policies import condition
from engine.rules.problems import shown
from engine.rules.readers import Notes, Reader, entries, refuse, under
from engine.rules.task_types import TASK_TYPE, task_type
from engine.rules.vocabulary import Vocabulary

MAX_CALENDARS = 100
MAX_TEMPLATES = 1_000
MAX_TASK_TYPES = 1_000

Read = TypeVar("Read")
Steps: TypeAlias = Generator[None, None, Read]
"""Yields after each step, and returns what was read."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


class Sections(msgspec.Struct, frozen=True):
    calendars: dict[str, Calendar]
    templates: dict[str, Form]
    task_types: dict[str, TaskType]
    template_names: frozenset[str] | None
    """As written, also of faulty ones; None: the document has no section of templates, so any name may be used."""
    faulty_types: frozenset[str]
    """Named, but not read: what rules say beside them cannot be judged."""


def reading(
    document: MappingNode, words: Vocabulary, attributes: Mapping[str, AttributeType], notes: Notes
) -> Steps[Sections]:
    """A step an entry. ``words`` are those that conditions on agents may use."""
    nodes = dict((key.value, value) for key, value in reversed(document.entries))
    calendars = yield from _section(nodes, "calendars", _NAME, calendar, MAX_CALENDARS, notes)
    templates = yield from _section(nodes, "templates", _NAME, form(), MAX_TEMPLATES, notes)
    names = frozenset(_names_in(nodes["templates"])) if "templates" in nodes else None
    read_type = _judged(task_type(condition(words), attributes, _names_in(nodes.get("calendars")), names), templates)
    types = yield from _section(nodes, "task_types", TASK_TYPE, read_type, MAX_TASK_TYPES, notes)
    faulty = frozenset(_names_in(nodes.get("task_types"))) - types.keys()
    return Sections(calendars, templates, types, names, faulty)


def _section(
    nodes: Mapping[str, Node], section: str, name: re.Pattern[str], reader: Reader, most: int, notes: Notes
) -> Steps[dict[str, Any]]:
    node, found = nodes.get(section), {}
    if node is None:
        return {}
    if not isinstance(node, MappingNode):
        refuse(node, section, notes, "a mapping of names")
        return {}
    if len(node.entries) > most:
        notes.add(node.start, section, f"Expected at most {most} entries, but there are {len(node.entries)}")
        return {}
    for key, text, value in entries(node, section, notes):
        if not name.fullmatch(text):
            notes.add(key.start, section, f"Expected a name (letters, digits, . _ -), but {shown(text)} is none")
        elif (got := reader(value, under(section, text), notes)) is not None:
            found[text] = got
        yield
    return found


def _judged(reader: Reader, templates: Mapping[str, Form]) -> Reader:
    """Reads a task type whose fields go together."""

    def read(node: Node, path: str, notes: Notes) -> TaskType | None:
        before = len(notes.problems)
        kind = reader(node, path, notes)
        if len(notes.problems) > before or not isinstance(kind, TaskType) or not isinstance(node, MappingNode):
            return None
        for field, message, hint in type_clashes(kind, templates):
            at = next(value.start for key, value in node.entries if key.value == field)
            notes.add(at, under(path, field), message, hint)
        return kind

    return read


def _names_in(node: Node | None) -> tuple[str, ...]:
    return tuple(key.value for key, _ in node.entries) if isinstance(node, MappingNode) else ()
