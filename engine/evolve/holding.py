"""The two moves that every assignment is made of: an agent takes a task in hand, and lets go of it."""

from __future__ import annotations

from collections import defaultdict

from engine import events as ev
from engine.state import State, Task
from engine.state.timers import OFFER, RECYCLE, UNLOCK


def take(state: State, task: Task, agent_id: str, recorded: ev.Recorded) -> None:
    """The agent holds the task; the event's position is the grant."""
    state.turn += 1
    count(state, agent_id, task, state.turn)
    if not task.given and task.package is not None:
        state.packages[task.package].distributed += 1
    task.agent, task.status, task.grant, task.given = agent_id, "assigned", recorded.position, True
    if task.customer is not None:
        state.last_agents[task.customer] = agent_id
    if task.marks is not None:
        task.marks.avoid = task.marks.asking = None
    await_start(state, task.rule, [task], recorded.at)


def take_all(state: State, tasks: list[Task], event: ev.TasksAllocated, recorded: ev.Recorded) -> None:
    """All picks of a round, one after another. Every task that push gives away passes here."""
    holders, names, rules = [state.agents[name] for name in event.agents], event.agents, event.rules
    turn, last_agents, grant = state.turn, state.last_agents, recorded.position
    for task, who, under in zip(tasks, event.who, event.under, strict=True):
        turn += 1
        agent, rule = holders[who], rules[under]
        agent.load += 1
        agent.tasks.add(task.number)
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
        if task.marks is not None:
            task.marks.avoid = task.marks.asking = None
    state.turn = turn
    _await_starts(state, tasks, event, recorded.at)


def let_go(state: State, task: Task) -> None:
    """Whoever holds the task no longer does."""
    if task.agent is None:
        return
    agent, rule = state.agents[task.agent], task.rule
    agent.load -= 1
    agent.tasks.remove(task.number)
    left = agent.load_by_rule[rule] - 1
    if left:
        agent.load_by_rule[rule] = left
    else:
        del agent.load_by_rule[rule]
    ease(state, task.agent)
    unlock(state, task)
    recycle_at(state, task, 0)
    task.agent, task.grant = None, 0


def ease(state: State, agent_id: str) -> None:
    """The agent may stand nearer to the next task than before."""
    state.easings += 1
    state.eased.pop(agent_id, None)
    state.eased[agent_id] = state.easings


def unlock(state: State, task: Task) -> None:
    """The lock is over, if there is one."""
    if task.marks is not None and task.marks.locked_until:
        state.timers.drop_all(UNLOCK, task.marks.locked_until, [task.number])
        task.marks.locked_until = 0


def recycle_at(state: State, task: Task, due: int) -> None:
    """It goes back to the pool then; 0: never."""
    kind = OFFER if task.status == "offered" else RECYCLE
    if task.recycles_at:
        state.timers.drop_all(kind, task.recycles_at, [task.number])
    if due:
        state.timers.set_all(kind, due, [task.number])
    task.recycles_at = due


def _await_starts(state: State, tasks: list[Task], event: ev.TasksAllocated, at: int) -> None:
    """As ``await_start`` for the picks of a round; most rules set no time."""
    timed = {under for under, rule in enumerate(event.rules) if _recycle_after(state, rule)}
    groups: dict[int, list[Task]] = defaultdict(list)
    for task, under in zip(tasks, event.under, strict=True) if timed else ():
        if under in timed:
            groups[under].append(task)
    for under, group in groups.items():
        await_start(state, event.rules[under], group, at)


def await_start(state: State, rule_id: str | None, tasks: list[Task], at: int) -> None:
    """Work on the tasks has to begin in the rule's time. Escalated ones are in a supervisor's hands."""
    after = _recycle_after(state, rule_id)
    timed = [task for task in tasks if task.marks is None or not task.marks.escalated] if after else []
    for task in timed:
        task.recycles_at = at + after
    if timed:
        state.timers.set_all(RECYCLE, at + after, [task.number for task in timed])


def _recycle_after(state: State, rule_id: str | None) -> int:
    rule = state.governing.get(rule_id) if rule_id else None
    return (rule.recycle_after_ms or 0) if rule else 0


def count(state: State, agent_id: str, task: Task, turn: int) -> None:
    """The agent takes one more, as pick number ``turn``."""
    agent, rule = state.agents[agent_id], task.rule
    agent.load += 1
    agent.tasks.add(task.number)
    agent.turn = max(agent.turn, turn)
    agent.load_by_rule[rule] = agent.load_by_rule.get(rule, 0) + 1
    agent.turn_by_rule[rule] = turn
