"""A plain evaluator of conditions: walks the tree, knows nothing of formulas, places or engines.

Written apart from the product on purpose; the product never imports it.
"""

from __future__ import annotations

import math
from typing import Any

from engine.rules.language import parsed
from engine.rules.matcher import AgentFacts
from engine.rules.model import Rule, RuleSet
from engine.rules.tree import Both, Call, Compare, Constant, Either, Items, Member, Name, Not

TASK_TYPES = {
    "type": "string",
    "business_type": "string",
    "priority": "int",
    "region": "string",
    "owner": "string",
    "customer": "string",
    "package": "int",
}
AGENT_TYPES = {"id": "string", "team": "string", "load": "int", "capacity": "int", "weight": "int"}


def governing(rule_set: RuleSet, task: dict[str, Any]) -> int | None:
    """The index of the first rule that governs."""
    return next((index for index, rule in enumerate(rule_set.rules) if _governs(rule_set, rule, task)), None)


def _governs(rule_set: RuleSet, rule: Rule, task: dict[str, Any]) -> bool:
    if task.get("type") != rule.task_type:
        return False
    if rule.business_type is not None and task.get("business_type") != rule.business_type:
        return False
    return holds(rule_set, rule.when, task, None)


def targeted(rule_set: RuleSet, rule: Rule, stage: int, task: dict[str, Any], agent: AgentFacts) -> bool:
    """Whether the agent is a target at the stage."""
    return holds(rule_set, [rule.targets, *(step.targets for step in rule.relax)][stage], task, agent)


def holds(rule_set: RuleSet, text: str, task: dict[str, Any], agent: AgentFacts | None) -> bool:
    return _Evaluator(rule_set, task, agent).true(parsed(text))


class _Evaluator:
    def __init__(self, rule_set: RuleSet, task: dict[str, Any], agent: AgentFacts | None) -> None:
        self.types = {"task": {**rule_set.task_attributes, **TASK_TYPES}}
        self.types["agent"] = {**rule_set.agent_attributes, **AGENT_TYPES}
        self.values: dict[str, dict[str, Any]] = {"task": task, "agent": {}}
        if agent is not None:
            own = {name: getattr(agent, name) for name in AGENT_TYPES}
            self.values["agent"] = {**agent.attributes, **own}

    def true(self, node: Any) -> bool:
        if isinstance(node, Both):
            return all(self.true(part) for part in node.parts)
        if isinstance(node, Either):
            return any(self.true(part) for part in node.parts)
        if isinstance(node, Not):
            return not self.true(node.part)
        if isinstance(node, Constant):
            return bool(node.value)
        if isinstance(node, Name):
            return self.value(node) is True
        if isinstance(node, Compare):
            return self.compared(node)
        if isinstance(node, Member):
            return self.member(node)
        return self.called(node)

    def compared(self, node: Compare) -> bool:
        left, right = self.value(node.left), self.value(node.right)
        if left is None or right is None:
            return False
        return {
            "==": lambda: left == right,
            "!=": lambda: left != right,
            "<": lambda: left < right,
            "<=": lambda: left <= right,
            ">": lambda: left > right,
            ">=": lambda: left >= right,
        }[node.op]()

    def member(self, node: Member) -> bool:
        left, right = self.value(node.left), self.value(node.right)
        if left is None or right is None:
            return False
        return (left in right) != node.negated

    def called(self, node: Call) -> bool:
        parts = node.name.parts
        if parts == ("has",):
            return self.value(node.arguments[0]) is not None
        value, word = self.value(Name(0, parts[:2])), node.arguments[0].value
        if value is None:
            return False
        if parts[2] == "contains":
            return value.find(word) >= 0
        return value[: len(word)] == word if parts[2] == "startsWith" else word == "" or value[-len(word) :] == word

    def value(self, node: Any) -> Any:
        if isinstance(node, Constant):
            return node.value
        if isinstance(node, Items):
            return [item.value for item in node.values]
        if isinstance(node, Call):
            inner = self.value(node.arguments[0])
            return None if inner is None else len(inner)
        owner, name = node.parts
        return typed(self.values[owner].get(name), self.types[owner][name])


def typed(value: Any, kind: str) -> Any:
    """The value, or None where it is not of the kind."""
    number = isinstance(value, int | float) and not (isinstance(value, float) and math.isnan(value))
    if kind in {"int", "float"}:
        return value if number else None
    if kind == "bool":
        return bool(value) if number and (value == 0 or value == 1) else None
    if kind == "string":
        return value if isinstance(value, str) else None
    if not isinstance(value, list | tuple):
        return None
    return [item for item in value if typed(item, kind[5:-1]) is not None]
