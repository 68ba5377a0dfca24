"""Tasks come into an agent's hands: by a round, by a claim, by a supervisor."""

from __future__ import annotations

from engine import events as ev
from engine.evolve.holding import let_go, take
from engine.evolve.pools import leave
from engine.state import State


def allocated(state: State, event: ev.TasksAllocated, recorded: ev.Recorded) -> None:
    state.rounds = event.round
    tasks = [state.tasks[number] for number in event.tasks]
    leave(state, tasks)
    for task, who in zip(tasks, event.who, strict=True):
        task.version = event.rule_set_version
        take(state, task, event.agents[who], recorded.position)


def claimed(state: State, event: ev.TaskClaimed, recorded: ev.Recorded) -> None:
    task = state.tasks[event.task]
    leave(state, [task])
    task.version = event.rule_set_version
    take(state, task, event.agent, recorded.position)


def reassigned(state: State, event: ev.TaskReassigned, recorded: ev.Recorded) -> None:
    task = state.tasks[event.task]
    if task.status == "pooled":
        leave(state, [task])
    let_go(state, task)
    take(state, task, event.agent, recorded.position)
