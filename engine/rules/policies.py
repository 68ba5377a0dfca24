"""What rules and task types may both say of how work goes: limits, escalation, handover, feedback, offer, wrap-up."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from engine.rules.durations import MAX_DURATION_MS, duration, read_duration
from engine.rules.language import check
from engine.rules.model import EscalationStep, Feedback, Handover, Offer, Sla, WrapUp
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
    known,
    mapping,
    one_of,
    structure,
    text,
)
from engine.rules.vocabulary import Vocabulary

MAX_COUNT = 1_000_000

priority = integer(0, 100)
count = integer(1, MAX_COUNT)

_STEP_AT = re.compile(r"(?:([0-9]{1,4}) ?% of )?(respond_within|resolve_within)")


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


def policy_fields(asked: Reader, templates: Collection[str] | None) -> dict[str, Field]:
    """The fields; ``asked`` reads a condition on agents, ``templates`` are the document's, None where it has none."""
    template = text() if templates is None else known(templates, "a template")
    wrap_up = {"template": Field(template, required=True), "required": Field(items(text()))}
    return {
        "sla": Field(structure(Sla, _SLA)),
        "escalation": Field(items(_escalation(asked), 1)),
        "handover": Field(structure(Handover, _HANDOVER)),
        "feedback": Field(structure(Feedback, _FEEDBACK)),
        "offer": Field(structure(Offer, _OFFER)),
        "wrap_up": Field(structure(WrapUp, wrap_up)),
    }


_SLA = {
    "respond_within": Field(duration, "respond_within_ms"),
    "resolve_within": Field(duration, "resolve_within_ms"),
}
_HANDOVER = {"raise_priority": Field(priority), "limit": Field(count)}
_FEEDBACK = {
    "unsatisfied": Field(one_of(("reopen", "escalate", "close"), "what to do")),
    "raise_priority": Field(priority),
    "auto_close_after": Field(duration, "auto_close_after_ms"),
    "reopen_to": Field(one_of(("same", "other"), "an agent")),
    "reopen_limit": Field(count),
}
_OFFER = {"accept_within": Field(duration, "accept_within_ms"), "rounds": Field(integer(1, 1_000))}


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
        if isinstance(node, MappingNode) and len(node.entries) == 1:
            told = "Expected raise_priority, reassign, notify or mark_overdue, but the step does nothing"
            notes.add(node.start, path, told)
        return EscalationStep(**values.pop("at"), **values)

    return read


def _step_at(node: Node, path: str, notes: Notes) -> dict[str, Any] | None:
    """When a step falls due, as fields of ``EscalationStep``."""
    value = node.value if isinstance(node, Scalar) else ""
    if found := _STEP_AT.fullmatch(value):
        share = int(found[1] or 100)
        if 1 <= share <= 1_000:
            return {"limit": found[2], "share": share}
    elif 0 < (read_duration(value) or 0) <= MAX_DURATION_MS:
        return {"after_ms": read_duration(value)}
    seen = shown(value) if isinstance(node, Scalar) else "something else"
    hint = "name respond_within or resolve_within of sla, or a time from creation such as 2h"
    notes.add(node.start, path, f"Expected a time such as 80% of resolve_within (1 to 1000%), but it is {seen}", hint)
    return None
