"""Capacity and caps: they count open tasks and hold for push, claim and manual alike."""

from __future__ import annotations

from engine.refusals import Refusal, precondition
from engine.state import Agent, State, Task


def no_room(state: State, agent: Agent, task: Task) -> Refusal | None:
    """Why the agent may not hold one more task, if it may not."""
    return no_room_for(state, agent, task, 0, 0)


def no_room_for(state: State, agent: Agent, task: Task, coming: int, under_rule: int) -> Refusal | None:
    """The same where so many others are to come with it, ``under_rule`` of them under its rule."""
    load = agent.load + coming
    if load >= agent.spec.capacity:
        return precondition(
            "AGENT_AT_CAPACITY", f"Expected room with {agent.id}, but it holds {load} of {agent.spec.capacity}",
            task=task.number, agent=agent.id,
        )  # fmt: skip
    rule = state.rule_of(task)
    held = agent.load_by_rule.get(task.rule, 0) + under_rule
    if rule is not None and rule.cap_per_agent is not None and held >= rule.cap_per_agent:
        cap = rule.cap_per_agent
        return precondition(
            "RULE_CAP_REACHED", f"Expected {agent.id} below the cap of {rule.id}, but it holds {held} of {cap}",
            task=task.number, agent=agent.id,
        )  # fmt: skip
    return None
