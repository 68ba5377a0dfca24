"""The shape of a rule document: which fields there are, what each takes, and what does not go together."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, get_args

from engine.rules.language import check
from engine.rules.model import (
    AttributeType,
    EscalationStep,
    Feedback,
    Handover,
    Method,
    Relax,
    Rule,
    Sla,
    Strategy,
    WrapUp,
)
from engine.rules.outline import Mapping as MappingNode
from engine.rules.outline import Node, Scalar
from engine.rules.problems import shown
from engine.rules.readers import Field, Notes, Reader, boolean, duration, integer, items, mapping, one_of, table, text
from engine.rules.vocabulary import Vocabulary

MAX_RULES = 10_000
MAX_ATTRIBUTES = 500
INT32 = 2**31 - 1
MAX_COUNT = 1_000_000

WORKSPACE = Field(text(re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}"), "a workspace name such as retail-bank"), required=True)
RULE_ID = text(re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}"), "an id such as overdue-east (lower case, digits, . _ -)")
_ATTRIBUTE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_STEP_AT = re.compile(r"(?:([0-9]{1,4}) ?% of )?(respond_within|resolve_within)")

attribute_table = table(
    _ATTRIBUTE,
    "an attribute name (letters, digits, _)",
    one_of(get_args(AttributeType), "a type"),
)


def condition(words: Vocabulary) -> Reader:
    """Reads a condition over these words; its faults are placed in the document, character by character."""

    def read(node: Node, path: str, notes: Notes) -> str | None:
        if not isinstance(node, Scalar):
            notes.add(node.start, path, "Expected a condition as one text, but a list or mapping stands here")
            return None
        faults = check(node.value, words)
        for fault in faults:
            at = notes.source.inside(node.start, node.end, node.value, fault.offset)
            notes.add(at, path, fault.message, fault.hint)
        return None if faults else node.value

    return read


def rule_reader(when: Vocabulary, targets: Vocabulary) -> Reader:
    """Reads one rule into a dict of ``Rule``'s fields."""
    asked = condition(targets)
    nested = {
        "relax": Field(items(_relax(asked), 1)),
        "sla": Field(_struct(Sla, _SLA)),
        "escalation": Field(items(_escalation(asked), 1)),
        "handover": Field(_struct(Handover, _HANDOVER)),
        "wrap_up": Field(_struct(WrapUp, _WRAP_UP)),
        "feedback": Field(_struct(Feedback, _FEEDBACK)),
    }
    return mapping({**_PLAIN, "when": Field(condition(when)), "targets": Field(asked), **nested})


_PRIORITY = integer(0, 100)
_PLAIN = {
    "id": Field(RULE_ID, required=True),
    "name": Field(text()),
    "task_type": Field(text(), required=True),
    "business_type": Field(text()),
    "precedence": Field(integer(-INT32 - 1, INT32)),
    "method": Field(one_of(get_args(Method), "a method")),
    "strategy": Field(items(one_of(get_args(Strategy), "a strategy"), 1, len(get_args(Strategy)))),
    "cap_per_agent": Field(integer(1, MAX_COUNT)),
    "ageing": Field(duration, "ageing_ms"),
    "recycle_after": Field(duration, "recycle_after_ms"),
    "recycle_limit": Field(integer(1, MAX_COUNT)),
    "lock_max": Field(duration, "lock_max_ms"),
    "on_agent_loss": Field(one_of(("return", "keep"), "what becomes of the work")),
}
_SLA = {
    "respond_within": Field(duration, "respond_within_ms"),
    "resolve_within": Field(duration, "resolve_within_ms"),
}
_HANDOVER = {"raise_priority": Field(_PRIORITY), "limit": Field(integer(1, MAX_COUNT))}
_WRAP_UP = {"template": Field(text(), required=True), "required": Field(items(text()))}
_FEEDBACK = {
    "unsatisfied": Field(one_of(("reopen", "escalate", "close"), "what to do")),
    "raise_priority": Field(_PRIORITY),
    "auto_close_after": Field(duration, "auto_close_after_ms"),
}


def _struct(shape: type[Any], fields: Mapping[str, Field]) -> Reader:
    """Reads a mapping into a struct; None where a required field is missing or wrong."""
    inner = mapping(fields)
    needed = [field.stored or name for name, field in fields.items() if field.required]

    def read(node: Node, path: str, notes: Notes) -> Any:
        values = inner(node, path, notes)
        return shape(**values) if values is not None and all(name in values for name in needed) else None

    return read


def _relax(asked: Reader) -> Reader:
    return _struct(
        Relax,
        {"after": Field(duration, "after_ms", required=True), "targets": Field(asked, required=True)},
    )


def _escalation(asked: Reader) -> Reader:
    inner = mapping(
        {
            "at": Field(_step_at, required=True),
            "raise_priority": Field(integer(1, 100)),
            "reassign": Field(asked),
            "notify": Field(text()),
            "mark_overdue": Field(boolean),
        }
    )

    def read(node: Node, path: str, notes: Notes) -> EscalationStep | None:
        values = inner(node, path, notes)
        if values is None or "at" not in values:
            return None
        share, limit = values.pop("at")
        if isinstance(node, MappingNode) and len(node.entries) == 1:
            told = "Expected raise_priority, reassign, notify or mark_overdue, but the step does nothing"
            notes.add(node.start, path, told)
        return EscalationStep(limit=limit, share=share, **values)

    return read


def _step_at(node: Node, path: str, notes: Notes) -> tuple[int, str] | None:
    found = _STEP_AT.fullmatch(node.value) if isinstance(node, Scalar) else None
    share = int(found[1] or 100) if found else 0
    if found and 1 <= share <= 1_000:
        return share, found[2]
    seen = shown(node.value) if isinstance(node, Scalar) else "something else"
    hint = "name respond_within or resolve_within of sla"
    notes.add(node.start, path, f"Expected a time such as 80% of resolve_within (1 to 1000%), but it is {seen}", hint)
    return None


def clashes(rule: Rule) -> list[tuple[str, str, str | None]]:
    """Fields that do not go together, as (field, message, hint)."""
    return [*_order_clashes(rule), *_time_clashes(rule), *_limit_clashes(rule)]


def _order_clashes(rule: Rule) -> list[tuple[str, str, str | None]]:
    found: list[tuple[str, str, str | None]] = []
    twice = next((name for name in rule.strategy if rule.strategy.count(name) > 1), None)
    if twice:
        found.append(("strategy", f"Expected each strategy once, but {twice} stands there twice", None))
    waits = [step.after_ms for step in rule.relax]
    if any(later <= earlier for earlier, later in pairwise(waits)):
        found.append(("relax", "Expected each step later than the one before, but they do not ascend", "sort by after"))
    return found


def _time_clashes(rule: Rule) -> list[tuple[str, str, str | None]]:
    found: list[tuple[str, str, str | None]] = []
    if rule.recycle_limit is not None and rule.recycle_after_ms is None:
        told = "Expected recycle_after beside recycle_limit, but it is missing"
        found.append(("recycle_limit", told, "without it nothing is recycled"))
    sla = rule.sla
    if sla and (sla.respond_within_ms or 0) > (sla.resolve_within_ms or sla.respond_within_ms or 0):
        found.append(("sla", "Expected respond_within up to resolve_within, but it is longer", None))
    return found


def _limit_clashes(rule: Rule) -> list[tuple[str, str, str | None]]:
    limits = {step.limit for step in rule.escalation}
    return [
        ("escalation", f"Expected sla to define {limit}, but it does not", f"add sla: {{{limit}: 4h}}")
        for limit in sorted(limits)
        if getattr(rule.sla, f"{limit}_ms", None) is None
    ]
