"""A task's own life: created alone, started, made more urgent, completed, cancelled, merged."""

from __future__ import annotations

from collections.abc import Iterable

from engine import events as ev
from engine.evolve.calls import deliver, drop_callback
from engine.evolve.feedback import await_opinion
from engine.evolve.holding import let_go, recycle_at
from engine.evolve.pools import leave, set_priorities
from engine.evolve.terms import begun, drop_step
from engine.state import State, Task
from engine.state.calls import Result
from engine.state.task import Origin, new_task


def created(state: State, event: ev.TaskCreated, recorded: ev.Recorded) -> None:
    origin = Origin(event.task_type, event.business_type, event.columns, recorded.at, recorded.at)
    state.tasks[event.task] = new_task(event.task, origin, event.row)
    state.last_task = event.task


def started(state: State, event: ev.TaskStarted, _recorded: ev.Recorded) -> None:
    task = state.tasks[event.task]
    task.status = "in_progress"
    recycle_at(state, task, 0)
    begun(state, task)
    if task.marks is not None:
        task.marks.unlocked_recycles_at = 0


def reprioritised(state: State, event: ev.TaskReprioritised, _recorded: ev.Recorded) -> None:
    set_priorities(state, [state.tasks[event.task]], [event.priority])


def completed(state: State, event: ev.TaskCompleted, recorded: ev.Recorded) -> None:
    task = state.tasks[event.task]
    result = Result(recorded.at, event.agent, event.wrap_up, event.respond_by, event.resolve_by)
    deliver(state, task, event.deliver, result, recorded)
    if event.closes_at:
        await_opinion(state, task, event.closes_at)
    else:
        _end(state, task)


def done_by_callback(state: State, event: ev.CallbackSucceeded, recorded: ev.Recorded) -> None:
    task = state.tasks[event.task]
    result = Result(recorded.at, "", event.result, event.respond_by, event.resolve_by)
    deliver(state, task, event.deliver, result, recorded)
    _end(state, task)


def cancelled(state: State, event: ev.TasksCancelled, _recorded: ev.Recorded) -> None:
    _end_all(state, event.tasks)
    if event.swept is not None and event.package is not None:
        state.packages[event.package].swept_through = event.swept


def merged(state: State, event: ev.TasksMerged, _recorded: ev.Recorded) -> None:
    _end_all(state, event.tasks)
    if event.priority != event.before:
        set_priorities(state, [state.tasks[event.into]], [event.priority])


def _end_all(state: State, numbers: Iterable[int]) -> None:
    tasks = [state.tasks[number] for number in numbers]
    leave(state, (task for task in tasks if task.status == "pooled"))
    for task in tasks:
        _end(state, task)


def _end(state: State, task: Task) -> None:
    let_go(state, task)
    drop_step(state, task)
    drop_callback(state, task)
    del state.tasks[task.number]
