"""The shape of a rule document: which fields there are, and what each takes."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import get_args

from engine.rules.durations import duration
from engine.rules.model import AttributeType, Method, Relax, Strategy
from engine.rules.policies import condition, count, policy_fields
from engine.rules.readers import Field, Reader, integer, items, mapping, one_of, structure, table, text
from engine.rules.vocabulary import Vocabulary

MAX_RULES = 10_000
MAX_ATTRIBUTES = 500
INT32 = 2**31 - 1

WORKSPACE = Field(text(re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}"), "a workspace name such as retail-bank"), required=True)
RULE_ID = text(re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}"), "an id such as overdue-east (lower case, digits, . _ -)")
_ATTRIBUTE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")

attribute_table = table(
    _ATTRIBUTE,
    "an attribute name (letters, digits, _)",
    one_of(get_args(AttributeType), "a type"),
)


def rule_reader(when: Vocabulary, targets: Vocabulary, templates: Collection[str] | None) -> Reader:
    """Reads one rule into a dict of ``Rule``'s fields. ``templates``: the document's, None where it has none."""
    asked = condition(targets)
    conditions = {
        "when": Field(condition(when)),
        "targets": Field(asked),
        "relax": Field(items(_relax(asked), 1)),
    }
    return mapping({**_PLAIN, **conditions, **policy_fields(asked, templates)})


_PLAIN = {
    "id": Field(RULE_ID, required=True),
    "name": Field(text()),
    "task_type": Field(text(), required=True),
    "business_type": Field(text()),
    "precedence": Field(integer(-INT32 - 1, INT32)),
    "method": Field(one_of(get_args(Method), "a method")),
    "strategy": Field(items(one_of(get_args(Strategy), "a strategy"), 1, len(get_args(Strategy)))),
    "cap_per_agent": Field(count),
    "ageing": Field(duration, "ageing_ms"),
    "recycle_after": Field(duration, "recycle_after_ms"),
    "recycle_limit": Field(count),
    "lock_max": Field(duration, "lock_max_ms"),
    "on_agent_loss": Field(one_of(("return", "keep"), "what happens")),
}


def _relax(asked: Reader) -> Reader:
    return structure(
        Relax,
        {"after": Field(duration, "after_ms", required=True), "targets": Field(asked, required=True)},
    )
