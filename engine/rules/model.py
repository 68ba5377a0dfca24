"""The rule set as data: what an operator wrote, checked, with every duration in milliseconds.

These structs stand in the log (inside ``RuleSetApplied``), so replay needs no YAML, no condition parser and no matcher.
Conditions stay as text; the compiler reads them again when a decision needs them.
"""

from __future__ import annotations

from typing import Literal

import msgspec

AttributeType = Literal["string", "int", "float", "bool", "list(string)", "list(int)"]
Method = Literal["push", "claim", "manual"]
Strategy = Literal["owner", "last_agent", "region", "weighted", "least_loaded", "round_robin"]

NARROWING: frozenset[str] = frozenset({"owner", "last_agent", "region"})
"""Strategies that narrow the candidates; the others order them."""

DEFAULT_AGEING_MS = 3_600_000
"""Ageing when a rule names none: one hour of waiting is worth one priority step, so nothing starves."""


class Relax(msgspec.Struct, frozen=True):
    """A wider set of targets that counts once a task has waited ``after_ms`` in its pool."""

    after_ms: int
    targets: str


class Sla(msgspec.Struct, frozen=True, omit_defaults=True):
    respond_within_ms: int | None = None
    resolve_within_ms: int | None = None


class EscalationStep(msgspec.Struct, frozen=True, omit_defaults=True):
    """One step: when it falls due (``share`` per cent of ``limit``) and what it does."""

    limit: Literal["respond_within", "resolve_within"]
    share: int = 100
    raise_priority: int | None = None
    reassign: str | None = None
    notify: str | None = None
    mark_overdue: bool = False


class Handover(msgspec.Struct, frozen=True):
    raise_priority: int = 0
    limit: int = 3


class WrapUp(msgspec.Struct, frozen=True):
    template: str
    required: tuple[str, ...] = ()


class Feedback(msgspec.Struct, frozen=True, omit_defaults=True):
    unsatisfied: Literal["reopen", "escalate", "close"] = "reopen"
    raise_priority: int = 0
    auto_close_after_ms: int | None = None


class Rule(msgspec.Struct, frozen=True, omit_defaults=True):
    """One distribution rule. Source: the ten fields of the trade plus DESIGN.md section 5."""

    id: str
    name: str
    task_type: str
    business_type: str | None = None
    """None governs every business type of the task type."""
    when: str = "true"
    precedence: int = 0
    """Higher is asked first; equal precedence goes by the order in the document."""
    method: Method = "push"
    strategy: tuple[Strategy, ...] = ("least_loaded",)
    targets: str = "true"
    relax: tuple[Relax, ...] = ()
    """Ascending by ``after_ms``."""
    cap_per_agent: int | None = None
    ageing_ms: int = DEFAULT_AGEING_MS
    recycle_after_ms: int | None = None
    recycle_limit: int | None = None
    sla: Sla | None = None
    escalation: tuple[EscalationStep, ...] = ()
    handover: Handover | None = None
    lock_max_ms: int | None = None
    wrap_up: WrapUp | None = None
    feedback: Feedback | None = None
    lane_attributes: tuple[str, ...] = ()
    """Task attributes that ``targets`` or ``relax`` name, sorted: tasks with equal values share a lane of the pool."""
    on_agent_loss: Literal["return", "keep"] = "return"
    """What becomes of unstarted, unlocked work when its agent goes offline or is removed."""


class RuleSet(msgspec.Struct, frozen=True):
    """A whole rule document, in force as one version."""

    workspace: str
    task_attributes: dict[str, AttributeType]
    agent_attributes: dict[str, AttributeType]
    rules: tuple[Rule, ...]
    """In the order they are asked: precedence descending, then document order."""

    def rule(self, rule_id: str) -> Rule | None:
        """The rule with this id, or None."""
        return next((rule for rule in self.rules if rule.id == rule_id), None)
