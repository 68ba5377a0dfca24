"""Capacity and caps: they count open tasks and hold for push, claim and manual alike."""

from __future__ import annotations

from engine.refusals import Refusal, precondition
from engine.state import Agent, State, Task


def no_room(state: State, agent: Agent, task: Task) -> Refusal | None:
    """Why the agent may not hold one more task, if it may not."""
    if agent.load >= agent.spec.capacity:
        return precondition(
            "AGENT_AT_CAPACITY", f"Expected room with {agent.id}, but it holds {agent.load} of {agent.spec.capacity}",
            task=task.number, agent=agent.id,
        )  # fmt: skip
    rule = state.rule_of(task)
    held = agent.load_by_rule.get(task.rule, 0)
    if rule is not None and rule.cap_per_agent is not None and held >= rule.cap_per_agent:
        cap = rule.cap_per_agent
        return precondition(
            "RULE_CAP_REACHED", f"Expected {agent.id} below the cap of {rule.id}, but it holds {held} of {cap}",
            task=task.number, agent=agent.id,
        )  # fmt: skip
    return None
