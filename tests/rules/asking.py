"""Documents from Python values, and the same question put to durable-rules (through ``Matcher``) and to ``plain``."""

from __future__ import annotations

import json
from typing import Any

from engine.rules.document import load
from engine.rules.matcher import AgentFacts, Matcher
from engine.rules.model import RuleSet
from tests.rules import plain


def document(rules: list[dict[str, Any]], attributes: dict[str, Any] | None = None) -> str:
    """A rule document; JSON is YAML, so quoting takes care of itself."""
    return json.dumps({"workspace": "w", "attributes": attributes or {}, "rules": rules}, ensure_ascii=False)


def rule_set(rules: list[dict[str, Any]], attributes: dict[str, Any] | None = None) -> RuleSet:
    return load(document(rules, attributes))


def agent(**values: Any) -> AgentFacts:
    """An agent from values by name; built-in ones have quiet defaults."""
    own = {"id": "ann", "team": "east", "weight": 1, "capacity": 10, "load": 0}
    named = {name: values.pop(name, default) for name, default in own.items()}
    return AgentFacts(attributes=values, **named)


def govern(matcher: Matcher, task: dict[str, Any]) -> int | None:
    """Matcher's answer; fails where the plain evaluator says something else."""
    answer = matcher.govern(tuple(task.get(name) for name in matcher.task_inputs))
    told = plain.governing(matcher.rule_set, task)
    assert answer == told, f"durable-rules says {answer}, plain says {told}: {task}"
    return answer


def targets(matcher: Matcher, index: int, stage: int, task: dict[str, Any], facts: AgentFacts) -> bool:
    """Matcher's answer; fails where the plain evaluator says something else."""
    rule = matcher.rule_set.rules[index]
    answer = matcher.is_target(index, stage, tuple(task.get(name) for name in rule.lane_attributes), facts)
    told = plain.targeted(matcher.rule_set, rule, stage, task, facts)
    assert answer == told, f"durable-rules says {answer}, plain says {told}: {task} {facts}"
    return answer
