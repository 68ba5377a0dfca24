"""What holds for a task: its rule's own word on each point, and where the rule says nothing its type's."""

from __future__ import annotations

from typing import Literal

import msgspec

from engine.rules.clashes import NOTHING
from engine.rules.model import (
    Calendar,
    Callback,
    Channel,
    EscalationStep,
    Feedback,
    Form,
    Handover,
    Rule,
    RuleSet,
    Sla,
    TaskType,
    WrapUp,
)

DEFAULT_ROUNDS = 3
"""Agents a task is offered to, one after another, when nobody says how many."""


class OfferTerms(msgspec.Struct, frozen=True):
    accept_within_ms: int
    rounds: int
    """Offers that agents may let pass, the same agent's second one counted too, before a supervisor is told."""


class WrapUpTerms(msgspec.Struct, frozen=True):
    """``fields`` None: the document describes no templates, so only ``required`` names are looked at."""

    template: str
    required: tuple[str, ...]
    """Those of the template in its order, then those that the rule or type adds."""
    fields: Form | None = None


class Policy(msgspec.Struct, frozen=True):
    sla: Sla | None = None
    calendar: Calendar | None = None
    """That ``sla`` and ``escalation`` are counted in; None: round the clock."""
    escalation: tuple[EscalationStep, ...] = ()
    handover: Handover | None = None
    feedback: Feedback | None = None
    wrap_up: WrapUpTerms | None = None
    offer: OfferTerms | None = None
    callback: Callback | None = None
    feedback_channel: Channel | None = None
    form: Form = {}
    priority: int = 0
    """Of a task created without one."""
    recycle_after_ms: int | None = None
    recycle_limit: int | None = None
    lock_max_ms: int | None = None
    on_agent_loss: Literal["return", "keep"] = "return"


def policy_of(rule_set: RuleSet, task_type: str, rule: Rule | None) -> Policy:
    """What holds for tasks of a type under a rule (None: under no rule); worked out once for each rule set.

    ``rule`` may be one of an earlier version: then its own fields are as they were, and its type's as they are.
    """
    named = task_type if task_type in rule_set.task_types else None
    found = rule_set.remembered.get((named, id(rule)))
    if found is None or found[0] is not rule:
        # The rule is kept beside its policy, so that no other object comes to have the id.
        found = rule_set.remembered[named, id(rule)] = (rule, _policy(rule_set, named, rule))
    policy: Policy = found[1]
    return policy


def has_limits(rule_set: RuleSet) -> bool:
    """Whether any rule or type sets time limits or escalates."""
    known = rule_set.remembered.get("has_limits")
    if known is None:
        by_rule = any(rule.sla or rule.escalation for rule in rule_set.rules)
        by_type = any(kind.sla or kind.escalation for kind in rule_set.task_types.values())
        known = rule_set.remembered["has_limits"] = by_rule or by_type
    return bool(known)


def has_callbacks(rule_set: RuleSet) -> bool:
    """Whether anybody outside is asked first about tasks of any type."""
    known = rule_set.remembered.get("has_callbacks")
    if known is None:
        known = rule_set.remembered["has_callbacks"] = any(kind.callback for kind in rule_set.task_types.values())
    return bool(known)


def offer_of(rule_set: RuleSet, rule: Rule) -> OfferTerms | None:
    """How a rule's tasks are offered; None where neither it nor its type says so, which method ``offer`` rules out."""
    return policy_of(rule_set, rule.task_type, rule).offer


def escalation_of(rule_set: RuleSet, rule: Rule) -> tuple[EscalationStep, ...]:
    """The steps that hold under a rule."""
    return rule.escalation or rule_set.task_types.get(rule.task_type, NOTHING).escalation


def _policy(rule_set: RuleSet, task_type: str | None, rule: Rule | None) -> Policy:
    kind = rule_set.task_types[task_type] if task_type is not None else NOTHING
    plain = Policy(
        sla=kind.sla,
        calendar=rule_set.calendars[kind.calendar] if kind.calendar else None,
        escalation=kind.escalation,
        handover=kind.handover,
        feedback=kind.feedback,
        wrap_up=_wrap_up(rule_set, kind.wrap_up),
        offer=_offer(None, kind),
        callback=kind.callback,
        feedback_channel=kind.feedback_channel,
        form=kind.form,
        priority=kind.priority,
    )
    return plain if rule is None else _under_rule(plain, rule_set, kind, rule)


def _under_rule(plain: Policy, rule_set: RuleSet, kind: TaskType, rule: Rule) -> Policy:
    return msgspec.structs.replace(
        plain,
        sla=rule.sla or plain.sla,
        escalation=rule.escalation or plain.escalation,
        handover=rule.handover or plain.handover,
        feedback=rule.feedback or plain.feedback,
        wrap_up=_wrap_up(rule_set, rule.wrap_up) or plain.wrap_up,
        offer=_offer(rule, kind),
        recycle_after_ms=rule.recycle_after_ms,
        recycle_limit=rule.recycle_limit,
        lock_max_ms=rule.lock_max_ms,
        on_agent_loss=rule.on_agent_loss,
    )


def _offer(rule: Rule | None, kind: TaskType) -> OfferTerms | None:
    offers = [offer for offer in (rule.offer if rule else None, kind.offer) if offer]
    within = next((offer.accept_within_ms for offer in offers if offer.accept_within_ms), None)
    rounds = next((offer.rounds for offer in offers if offer.rounds), DEFAULT_ROUNDS)
    return OfferTerms(within, rounds) if within else None


def _wrap_up(rule_set: RuleSet, wrap_up: WrapUp | None) -> WrapUpTerms | None:
    if wrap_up is None:
        return None
    fields = rule_set.templates.get(wrap_up.template)
    own = tuple(name for name, field in (fields or {}).items() if field.required)
    return WrapUpTerms(wrap_up.template, (*own, *(name for name in wrap_up.required if name not in own)), fields)
