"""Whom a rule's tasks may go to, stage by stage, and the task attributes that make tasks of one pool differ to them."""

from __future__ import annotations

from collections.abc import Iterable

from engine.rules.language import names_of
from engine.rules.model import EscalationStep, Rule, RuleSet
from engine.rules.policy import escalation_of


def targets_of(rule: Rule) -> tuple[str, ...]:
    """The targets by stage: 0 is the rule's own, k those of its k-th relax step."""
    return (rule.targets, *(step.targets for step in rule.relax))


def targets_at(rule_set: RuleSet, rule: Rule, stage: int) -> str:
    """The targets of a stage, also of one that the rule no longer has: then the widest it has.

    Stage -1 - k: those to whom step k of the escalation reassigns, or the last step before it that does.
    """
    if stage < 0:
        steps = [step.reassign for step in escalation_of(rule_set, rule)[:-stage] if step.reassign is not None]
        return steps[-1] if steps else targets_of(rule)[-1]
    return targets_of(rule)[: stage + 1][-1]


def questions_of(rule_set: RuleSet, rule: Rule) -> tuple[str, ...]:
    """Every condition on agents that the rule asks: its targets, and whom the escalation may reassign to."""
    return (*targets_of(rule), *_reassigning(escalation_of(rule_set, rule)))


def lanes_of(rule: Rule, escalation: Iterable[EscalationStep]) -> tuple[str, ...]:
    """The task attributes that its targets name at any stage, sorted, without ``task.``."""
    texts = (*targets_of(rule), *_reassigning(escalation))
    named = (name for text in texts for name in names_of(text))
    return tuple(sorted({name.removeprefix("task.") for name in named if name.startswith("task.")}))


def _reassigning(steps: Iterable[EscalationStep]) -> tuple[str, ...]:
    return tuple(step.reassign for step in steps if step.reassign is not None)
