"""The two moves that every assignment is made of: an agent takes a task in hand, and lets go of it."""

from __future__ import annotations

from engine import events as ev
from engine.state import State, Task


def take(state: State, task: Task, agent_id: str, grant: int) -> None:
    """The agent holds the task under this grant."""
    state.turn += 1
    _count(state, agent_id, task.rule, 1, state.turn)
    if not task.given and task.package is not None:
        state.packages[task.package].distributed += 1
    task.agent, task.status, task.grant, task.given = agent_id, "assigned", grant, True
    if task.customer is not None:
        state.last_agents[task.customer] = agent_id


def take_all(state: State, tasks: list[Task], event: ev.TasksAllocated, grant: int) -> None:
    """All picks of a round, one after another. Every task that push gives away passes here."""
    holders, names, rules = [state.agents[name] for name in event.agents], event.agents, event.rules
    turn, last_agents = state.turn, state.last_agents
    for task, who, under in zip(tasks, event.who, event.under, strict=True):
        turn += 1
        agent, rule = holders[who], rules[under]
        agent.load += 1
        agent.turn = turn
        held = agent.load_by_rule
        held[rule] = held.get(rule, 0) + 1
        agent.turn_by_rule[rule] = turn
        task.agent = names[who]
        task.status = "assigned"
        task.grant = grant
        task.given = True
        if task.customer is not None:
            last_agents[task.customer] = names[who]
    state.turn = turn


def let_go(state: State, task: Task) -> None:
    """Whoever holds the task no longer does."""
    if task.agent is None:
        return
    agent, rule = state.agents[task.agent], task.rule
    agent.load -= 1
    left = agent.load_by_rule[rule] - 1
    if left:
        agent.load_by_rule[rule] = left
    else:
        del agent.load_by_rule[rule]
    ease(state, task.agent)
    task.agent, task.grant = None, 0


def ease(state: State, agent_id: str) -> None:
    """The agent may stand nearer to the next task than before."""
    state.easings += 1
    state.eased.pop(agent_id, None)
    state.eased[agent_id] = state.easings


def _count(state: State, agent_id: str, rule: str | None, picks: int, turn: int) -> None:
    """The agent takes so many more, the last of them as pick number ``turn``."""
    agent = state.agents[agent_id]
    agent.load += picks
    agent.turn = max(agent.turn, turn)
    agent.load_by_rule[rule] = agent.load_by_rule.get(rule, 0) + picks
    agent.turn_by_rule[rule] = turn
