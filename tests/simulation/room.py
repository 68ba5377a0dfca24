"""Whether an agent may hold one more task, counted task by task."""

from __future__ import annotations

from engine.rules.model import Rule
from engine.state import Agent, State, Task


def has_room(state: State, agent: Agent, task: Task) -> bool:
    """By capacity, and by the cap of the task's rule: as in force, or as it was when the task came under it."""
    rule = rule_of(state, task)
    cap = rule.cap_per_agent if rule else None
    held = sum(one.agent == agent.id for one in state.tasks.values())
    under = sum(one.agent == agent.id and one.rule == task.rule for one in state.tasks.values())
    return held < agent.spec.capacity and (cap is None or under < cap)


def rule_of(state: State, task: Task) -> Rule | None:
    """The task's rule as in force, or, if it is gone, as it was when the task came under it."""
    rule = state.governing.get(task.rule or "")
    if rule is None and task.rule is not None:
        rule = next((one for one in state.rule_sets[task.version].rules if one.id == task.rule), None)
    return rule
