"""Fields of a rule or a task type that do not go together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import TypeAlias

from engine.rules.model import EscalationStep, Form, Rule, Sla, TaskType, WrapUp
from engine.rules.problems import did_you_mean, shown

Clash: TypeAlias = tuple[str, str, str | None]
"""(field, message, hint)"""

NOTHING = TaskType()


def rule_clashes(rule: Rule, kind: TaskType, templates: Mapping[str, Form]) -> Iterator[Clash]:
    """What does not go together in a rule, and between it and its task type."""
    yield from _order_clashes(rule)
    if rule.recycle_limit is not None and rule.recycle_after_ms is None:
        told = "Expected recycle_after beside recycle_limit, but it is missing"
        yield "recycle_limit", told, "without it nothing is recycled"
    yield from _sla_clashes(rule.sla)
    yield from _limit_clashes(rule.escalation, rule.sla or kind.sla)
    if rule.sla and not rule.escalation:
        for limit in _missing(kind.escalation, rule.sla):
            told = f"Expected sla to define {limit}, as the escalation of the task type names it, but it does not"
            yield "sla", told, f"add {limit}: 4h, or an escalation to the rule"
    yield from _offer_clashes(rule, kind)
    yield from _wrap_up_clashes(rule.wrap_up, templates)


def type_clashes(kind: TaskType, templates: Mapping[str, Form]) -> Iterator[Clash]:
    """What does not go together in a task type."""
    yield from _sla_clashes(kind.sla)
    yield from _limit_clashes(kind.escalation, kind.sla)
    yield from _wrap_up_clashes(kind.wrap_up, templates)


def _order_clashes(rule: Rule) -> Iterator[Clash]:
    twice = next((name for name in rule.strategy if rule.strategy.count(name) > 1), None)
    if twice:
        yield "strategy", f"Expected each strategy once, but {twice} stands there twice", None
    waits = [step.after_ms for step in rule.relax]
    if any(later <= earlier for earlier, later in pairwise(waits)):
        yield "relax", "Expected each step later than the one before, but they do not ascend", "sort by after"


def _sla_clashes(sla: Sla | None) -> Iterator[Clash]:
    if sla and (sla.respond_within_ms or 0) > (sla.resolve_within_ms or sla.respond_within_ms or 0):
        yield "sla", "Expected respond_within up to resolve_within, but it is longer", None


def _limit_clashes(steps: tuple[EscalationStep, ...], sla: Sla | None) -> Iterator[Clash]:
    for limit in _missing(steps, sla):
        yield "escalation", f"Expected sla to define {limit}, but it does not", f"add sla: {{{limit}: 4h}}"


def _missing(steps: tuple[EscalationStep, ...], sla: Sla | None) -> list[str]:
    limits = {step.limit for step in steps if step.limit is not None}
    return [limit for limit in sorted(limits) if getattr(sla, f"{limit}_ms", None) is None]


def _offer_clashes(rule: Rule, kind: TaskType) -> Iterator[Clash]:
    within = [offer.accept_within_ms for offer in (rule.offer, kind.offer) if offer]
    if rule.method == "offer" and not any(within):
        field = "offer" if rule.offer else "method"
        told = "Expected offer to say accept_within, in the rule or in its task type, but neither does"
        yield field, told, "add offer: {accept_within: 30s}"


def _wrap_up_clashes(wrap_up: WrapUp | None, templates: Mapping[str, Form]) -> Iterator[Clash]:
    template = templates.get(wrap_up.template) if wrap_up else None
    if wrap_up is None or template is None:
        return
    for name in wrap_up.required:
        if name not in template:
            told = f"Expected a field of template {wrap_up.template}, but {shown(name)} is none"
            yield "wrap_up", told, did_you_mean(name, template)
