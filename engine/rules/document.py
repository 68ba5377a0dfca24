"""A rule document: YAML text to a checked ``RuleSet``, or every problem of it with line and column."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import msgspec

from engine.rules.clashes import NOTHING, rule_clashes
from engine.rules.diff import RuleSetDiff, diff
from engine.rules.lanes import lanes_of
from engine.rules.model import AttributeType, Rule, RuleSet
from engine.rules.outline import Mapping, Node, Scalar, Sequence, outlining
from engine.rules.problems import DocumentError, Problem, shown
from engine.rules.readers import EnoughError, Field, Notes, Reader, mapping
from engine.rules.sections import Sections, Steps, reading
from engine.rules.shape import MAX_ATTRIBUTES, MAX_RULES, WORKSPACE, attribute_table, rule_reader
from engine.rules.source import Source
from engine.rules.vocabulary import AGENT_BUILT_IN, TASK_BUILT_IN, Vocabulary

__all__ = ["Document", "DocumentError", "Problem", "RuleSetDiff", "diff", "document", "load"]


def load(text: str) -> RuleSet:
    """The rule set that a document describes, its rules in the order they are asked.

    Raises ``DocumentError`` with up to 50 problems, in document order.
    """
    return document(text).rule_set()


@lru_cache(maxsize=4)
def document(text: str) -> Document:
    """The document with that text. The last few are remembered with as much of them as has been read."""
    return Document(text)


class Document:
    """A rule document, read step by step: a large one takes seconds, and others have to be served meanwhile."""

    def __init__(self, text: str) -> None:
        self._problems: list[Problem] = []
        self._rule_set: RuleSet | None = None
        self._reading: Iterator[None] = self._read(text)

    def read_on(self) -> bool:
        """Read a little more of it, about a rule; False at its end."""
        return next(self._reading, self) is None

    def rule_set(self) -> RuleSet:
        """Reads what has not been read yet. Raises ``DocumentError``."""
        while self.read_on():
            pass
        if self._problems:
            raise DocumentError(self._problems)
        assert self._rule_set is not None, "reading it failed before"
        return self._rule_set

    def _read(self, text: str) -> Iterator[None]:
        source = Source(text)
        notes = Notes(source)
        self._problems = notes.problems
        try:
            node = yield from outlining(source)
            self._rule_set = yield from _rule_set(node, notes)
        except DocumentError as error:
            self._problems = list(error.problems)
        except EnoughError:
            return


def _rule_set(node: Node | None, notes: Notes) -> Steps[RuleSet | None]:
    if not isinstance(node, Mapping):
        notes.add(0, "", "Expected a mapping with workspace, attributes and rules, but the document has none")
        return None
    task, agent = _attributes(node, notes)
    read = mapping(_FIELDS)(node, "", notes) or {}
    words = Vocabulary.of_targets(task, agent)
    sections = yield from reading(node, words, task, notes)
    rules = _Rules(rule_reader(Vocabulary.of_when(task), words, sections.template_names), sections)
    found = yield from rules.read(_value(node, "rules"), notes)
    ordered = sorted(found, key=lambda rule: -rule.precedence)  # stable: ties keep document order
    workspace = read.get("workspace", "")
    known = (sections.calendars, sections.templates, sections.task_types)
    return RuleSet(workspace, task, agent, tuple(ordered), *known)


def _apart(node: Node, path: str, notes: Notes) -> None:
    """Attributes are read before everything else, as conditions need them wherever they stand; the rest one by one."""


_APART = ("attributes", "calendars", "templates", "task_types", "rules")
_FIELDS = {"workspace": WORKSPACE, **{name: Field(_apart) for name in _APART}}


def _value(document: Mapping, name: str) -> Node | None:
    return next((value for key, value in document.entries if key.value == name), None)


def _attributes(document: Mapping, notes: Notes) -> tuple[dict[str, AttributeType], dict[str, AttributeType]]:
    node = _value(document, "attributes")
    if node is None:
        return {}, {}
    fields = {"task": Field(_side(TASK_BUILT_IN)), "agent": Field(_side(AGENT_BUILT_IN))}
    read = mapping(fields)(node, "attributes", notes) or {}
    return read.get("task", {}), read.get("agent", {})


def _side(built_in: Any) -> Any:
    def read(node: Node, path: str, notes: Notes) -> dict[str, AttributeType] | None:
        found = attribute_table(node, path, notes)
        if not isinstance(node, Mapping) or found is None:
            return None
        if len(node.entries) > MAX_ATTRIBUTES:
            told = f"Expected at most {MAX_ATTRIBUTES} attributes, but there are {len(node.entries)}"
            notes.add(node.start, path, told)
        for key, value in node.entries:
            wanted = built_in.get(key.value)
            if wanted and key.value in found and found[key.value] != wanted:
                told = f"Expected the built-in type {wanted}, but it is {found[key.value]}"
                notes.add(value.start, f"{path}.{key.value}", told, "leave it out, it is always there")
        return dict(found)

    return read


class _Rules:
    """Reads the list of rules; what concerns several of them is checked here."""

    def __init__(self, read_rule: Reader, sections: Sections) -> None:
        self._read_rule, self._sections = read_rule, sections
        self._lines: dict[str, int] = {}

    def read(self, node: Node | None, notes: Notes) -> Steps[list[Rule]]:
        """A step a rule."""
        found: list[Rule] = []
        for place, item in enumerate(_listed(node, notes)):
            rule = self._rule(item, f"rules[{place}]", notes)
            found += [] if rule is None else [rule]
            yield
        return found

    def _rule(self, node: Node, path: str, notes: Notes) -> Rule | None:
        before = len(notes.problems)
        values = self._read_rule(node, path, notes)
        if values is None or not isinstance(node, Mapping):
            return None
        self._unique(node, values.get("id"), path, notes)
        if len(notes.problems) > before or not {"id", "task_type"} <= values.keys():
            return None
        rule = Rule(**{"name": values["id"], **values})
        if rule.task_type not in self._sections.faulty_types:
            self._judge(rule, node, path, notes)
        return msgspec.structs.replace(rule, lane_attributes=lanes_of(rule))

    def _judge(self, rule: Rule, node: Mapping, path: str, notes: Notes) -> None:
        kind = self._sections.task_types.get(rule.task_type, NOTHING)
        for field, message, hint in rule_clashes(rule, kind, self._sections.templates):
            notes.add(_value_start(node, field), f"{path}.{field}", message, hint)

    def _unique(self, node: Mapping, rule_id: str | None, path: str, notes: Notes) -> None:
        if rule_id is None:
            return
        at = _value_start(node, "id")
        if rule_id in self._lines:
            told = f"Expected each id once, but {shown(rule_id)} stands in line {self._lines[rule_id]} already"
            notes.add(at, f"{path}.id", told)
            return
        self._lines[rule_id] = notes.source.place(at)[0]


def _listed(node: Node | None, notes: Notes) -> list[Node]:
    if node is None or (isinstance(node, Scalar) and node.plain and node.value in {"", "~", "null"}):
        return []
    if not isinstance(node, Sequence):
        notes.add(node.start, "rules", "Expected a list of rules, but it is something else", "start each with - id:")
        return []
    if len(node.items) > MAX_RULES:
        notes.add(node.start, "rules", f"Expected at most {MAX_RULES} rules, but there are {len(node.items)}")
        return []
    return node.items


def _value_start(node: Mapping, field: str) -> int:
    return next(value.start for key, value in node.entries if key.value == field)
