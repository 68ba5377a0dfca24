"""A rule document: YAML text to a checked ``RuleSet``, or every problem of it with line and column."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import msgspec

from engine.rules.diff import RuleSetDiff, diff
from engine.rules.lanes import lanes_of
from engine.rules.model import AttributeType, Rule, RuleSet
from engine.rules.outline import Mapping, Node, Scalar, Sequence, outline
from engine.rules.problems import DocumentError, Problem, shown
from engine.rules.readers import EnoughError, Field, Notes, mapping
from engine.rules.shape import MAX_ATTRIBUTES, MAX_RULES, WORKSPACE, attribute_table, clashes, rule_reader
from engine.rules.source import Source
from engine.rules.vocabulary import AGENT_BUILT_IN, TASK_BUILT_IN, Vocabulary

__all__ = ["DocumentError", "Problem", "RuleSetDiff", "diff", "load"]


def load(text: str) -> RuleSet:
    """The rule set that a document describes, its rules in the order they are asked.

    Raises ``DocumentError`` with up to 50 problems, in document order.
    """
    source = Source(text)
    node = outline(source)
    notes = Notes(source)
    rule_set = None
    with suppress(EnoughError):
        rule_set = _rule_set(node, notes)
    if rule_set is None or notes.problems:
        raise DocumentError(notes.problems)
    return rule_set


def _rule_set(node: Node | None, notes: Notes) -> RuleSet | None:
    if not isinstance(node, Mapping):
        notes.add(0, "", "Expected a mapping with workspace, attributes and rules, but the document has none")
        return None
    task, agent = _attributes(node, notes)
    read = mapping(_fields(task, agent))(node, "", notes) or {}
    rules = sorted(read.get("rules", ()), key=lambda rule: -rule.precedence)  # stable: ties keep document order
    return RuleSet(read.get("workspace", ""), task, agent, tuple(rules))


def _fields(task: dict[str, AttributeType], agent: dict[str, AttributeType]) -> dict[str, Field]:
    rules = _Rules(Vocabulary.of_when(task), Vocabulary.of_targets(task, agent))
    return {"workspace": WORKSPACE, "attributes": Field(_seen), "rules": Field(rules.read)}


def _seen(node: Node, path: str, notes: Notes) -> None:
    """Attributes are read before everything else, as conditions need them wherever they stand."""


def _attributes(document: Mapping, notes: Notes) -> tuple[dict[str, AttributeType], dict[str, AttributeType]]:
    node = next((value for key, value in document.entries if key.value == "attributes"), None)
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

    def __init__(self, when: Vocabulary, targets: Vocabulary) -> None:
        self._read_rule = rule_reader(when, targets)
        self._lines: dict[str, int] = {}

    def read(self, node: Node, path: str, notes: Notes) -> tuple[Rule, ...] | None:
        if isinstance(node, Scalar) and node.plain and node.value in {"", "~", "null"}:
            return ()
        if not isinstance(node, Sequence):
            notes.add(node.start, path, "Expected a list of rules, but it is something else", "start each with - id:")
            return None
        if len(node.items) > MAX_RULES:
            notes.add(node.start, path, f"Expected at most {MAX_RULES} rules, but there are {len(node.items)}")
            return None
        read = (self._rule(item, f"{path}[{place}]", notes) for place, item in enumerate(node.items))
        return tuple(rule for rule in read if rule is not None)

    def _rule(self, node: Node, path: str, notes: Notes) -> Rule | None:
        before = len(notes.problems)
        values = self._read_rule(node, path, notes)
        if values is None or not isinstance(node, Mapping):
            return None
        self._unique(node, values.get("id"), path, notes)
        if len(notes.problems) > before or not {"id", "task_type"} <= values.keys():
            return None
        rule = Rule(**{"name": values["id"], **values})
        for field, message, hint in clashes(rule):
            notes.add(_value_start(node, field), f"{path}.{field}", message, hint)
        return msgspec.structs.replace(rule, lane_attributes=lanes_of(rule))

    def _unique(self, node: Mapping, rule_id: str | None, path: str, notes: Notes) -> None:
        if rule_id is None:
            return
        at = _value_start(node, "id")
        if rule_id in self._lines:
            told = f"Expected each id once, but {shown(rule_id)} stands in line {self._lines[rule_id]} already"
            notes.add(at, f"{path}.id", told)
            return
        self._lines[rule_id] = notes.source.place(at)[0]


def _value_start(node: Mapping, field: str) -> int:
    return next(value.start for key, value in node.entries if key.value == field)
