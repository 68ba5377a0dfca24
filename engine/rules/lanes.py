"""The targets of a rule by stage, and the task attributes that make tasks of one pool differ to them."""

from __future__ import annotations

from engine.rules.language import names_of
from engine.rules.model import Rule, RuleSet
from engine.rules.policy import escalation_of


def targets_of(rule: Rule) -> tuple[str, ...]:
    """The targets by stage: 0 is the rule's own, k those of its k-th relax step."""
    return (rule.targets, *(step.targets for step in rule.relax))


def questions_of(rule_set: RuleSet, rule: Rule) -> tuple[str, ...]:
    """Every condition on agents that the rule asks: its targets, and whom the escalation may reassign to."""
    steps = escalation_of(rule_set, rule)
    return (*targets_of(rule), *(step.reassign for step in steps if step.reassign is not None))


def lanes_of(rule: Rule) -> tuple[str, ...]:
    """The task attributes that its targets name at any stage, sorted, without ``task.``."""
    named = (name for text in targets_of(rule) for name in names_of(text))
    return tuple(sorted({name.removeprefix("task.") for name in named if name.startswith("task.")}))
