"""The tests' own answers to what the rules say, by the plain evaluator, and a memory for the product's matcher."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec

from engine.events import AttributeValue
from engine.rules.matcher import AgentFacts, Matcher
from engine.rules.model import Rule, RuleSet
from engine.state import Agent, State, Task
from engine.state.task import attribute
from tests.rules import plain
from tests.simulation.worlds import RISING, TYPES

Lane = tuple[str | None, int, tuple[AttributeValue, ...]]


def governing(state: State, task: Task) -> str | None:
    """Id of the rule that governs the task under the rules in force."""
    if state.rule_set is None:
        return None
    directed = task.marks.directed if task.marks else None
    if directed in state.governing:
        return directed
    values = {name: attribute(task, name) for name in ("priority", "region", "owner", "zone", "level")}
    for rule in state.rule_set.rules:
        if rule.task_type == task.type and _holds(rule.when, tuple(values.items()), None):
            return rule.id
    return None


def within(state: State, key: Lane, agent: Agent, load: int) -> bool:
    """Whether the agent, holding ``load`` tasks, is within the targets of a lane."""
    rule = state.governing.get(key[0] or "")
    if rule is None:
        return False
    lane = tuple(zip(rule.lane_attributes, key[2], strict=True))
    return _holds(targets_at(rule, key[1]), lane, _facts(agent, load))


def targets_at(rule: Rule, stage: int) -> str:
    """The targets that count at a stage; the widest there are, where the rule has fewer steps now."""
    if stage < 0:
        asked = [step.reassign for step in rule.escalation[:-stage] if step.reassign]
        return asked[-1] if asked else (rule.targets, *(step.targets for step in rule.relax))[-1]
    return [rule.targets, *(step.targets for step in rule.relax)][: stage + 1][-1]


def rising(state: State, key: Lane) -> bool:
    rule = state.governing.get(key[0] or "")
    return rule is not None and targets_at(rule, key[1]) == RISING


@lru_cache(maxsize=200_000)
def _holds(text: str, task: tuple[tuple[str, Any], ...], facts: tuple[Any, ...] | None) -> bool:
    agent = AgentFacts(facts[0], facts[1], dict(facts[2]), *facts[3:]) if facts else None
    return plain.holds(TYPES, text, dict(task), agent)


def _facts(agent: Agent, load: int) -> tuple[Any, ...]:
    spec = agent.spec
    return (spec.id, spec.team, tuple(spec.attributes.items()), spec.weight, spec.capacity, load)


class Remembered(Matcher):
    """The product's matcher, compiled once for each rule document of the whole run; it stays open."""

    _known: dict[bytes, Matcher] = {}  # noqa: RUF012 - shared on purpose

    def __new__(cls, rule_set: RuleSet, version: int) -> Any:
        key = msgspec.json.encode(rule_set)
        if key not in cls._known:
            cls._known[key] = Matcher(rule_set, 0)
            cls._known[key].close = lambda: None  # type: ignore[method-assign]
        return cls._known[key]
