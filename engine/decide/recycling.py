"""Work that nobody has begun goes back to the pool: in the rule's time, or when its agent goes."""

from __future__ import annotations

from engine import events as ev
from engine.decide.context import Context
from engine.decide.offers import taken_back
from engine.decide.pooling import pooled_again
from engine.state import Agent, State, Task

TASKS_PER_EVENT = 500


def recycle(state: State, tasks: list[Task], context: Context) -> list[ev.Event]:
    """Nobody has begun these in their rule's time. The last round leads to a supervisor."""
    last = tuple(task.number for task in tasks if _is_last_round(state, task))
    return _returned(state, tasks, "not_started", context, last)


def agent_gone(state: State, agent: Agent, cause: str, context: Context) -> list[ev.Event]:
    """What the agent has neither begun nor locked goes back, where its rule does not say ``keep``."""
    tasks = [state.tasks[number] for number in sorted(agent.tasks)]
    back = [task for task in tasks if _goes_back(state, task)]
    events: list[ev.Event] = []
    for some in _in_parts([task for task in back if task.status == "assigned"]):
        events += _returned(state, some, cause, context, ())
    for some in _in_parts([task for task in back if task.status == "offered"]):
        events += taken_back(state, some, cause, context)
    return events


def _in_parts(tasks: list[Task]) -> list[list[Task]]:
    return [tasks[start : start + TASKS_PER_EVENT] for start in range(0, len(tasks), TASKS_PER_EVENT)]


def _returned(state: State, tasks: list[Task], cause: str, context: Context, last: tuple[int, ...]) -> list[ev.Event]:
    numbers, agents = tuple(task.number for task in tasks), tuple(task.agent or "" for task in tasks)
    events: list[ev.Event] = [ev.TasksRecycled(numbers, agents, cause)]
    if last:
        events.append(ev.TasksEscalated(last, "recycle_limit"))
    return events + pooled_again(state, tasks, context)


def _is_last_round(state: State, task: Task) -> bool:
    rule = state.rule_of(task)
    if rule is None or rule.recycle_limit is None:
        return False
    rounds = task.marks.recycled if task.marks else 0
    return rounds + 1 >= rule.recycle_limit


def _goes_back(state: State, task: Task) -> bool:
    if task.status not in ("assigned", "offered") or task.locked:
        return False
    rule = state.rule_of(task)
    return rule is None or rule.on_agent_loss == "return"
