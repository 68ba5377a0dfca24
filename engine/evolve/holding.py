"""The two moves that every assignment is made of: an agent takes a task in hand, and lets go of it."""

from __future__ import annotations

from engine.state import State, Task


def take(state: State, task: Task, agent_id: str, grant: int) -> None:
    """The agent holds the task under this grant."""
    state.turn += 1
    agent = state.agents[agent_id]
    rule = task.rule
    agent.load += 1
    agent.turn = state.turn
    agent.load_by_rule[rule] = agent.load_by_rule.get(rule, 0) + 1
    agent.turn_by_rule[rule] = state.turn
    task.status = "assigned"
    task.agent = agent_id
    task.grant = grant
    if not task.given and task.package is not None:
        state.packages[task.package].distributed += 1
    task.given = True
    if task.customer is not None:
        state.last_agents[task.customer] = agent_id


def let_go(state: State, task: Task) -> None:
    """Whoever holds the task no longer does."""
    if task.agent is None:
        return
    agent = state.agents[task.agent]
    agent.load -= 1
    left = agent.load_by_rule[task.rule] - 1
    if left:
        agent.load_by_rule[task.rule] = left
    else:
        del agent.load_by_rule[task.rule]
    task.agent, task.grant = None, 0
