"""Time limits, and the steps of the escalation on the way to them. A task has a timer for its next step only."""

from __future__ import annotations

from engine import events as ev
from engine.evolve.marking import give_back, marks_of
from engine.evolve.pools import set_priorities
from engine.state import State, Task
from engine.state.task import Terms
from engine.state.timers import ESCALATE


def deadlines_set(state: State, event: ev.DeadlinesSet, _recorded: ev.Recorded) -> None:
    terms = Terms(event.respond_by, event.resolve_by, event.steps)
    fresh = []
    for number in event.tasks:
        task = state.tasks[number]
        task.terms = terms
        if task.marks is not None and task.marks.begun:
            _arm(state, task)
        else:
            fresh.append(number)
    if event.steps and fresh:
        state.timers.set_all(ESCALATE, event.steps[0].at, fresh)


def deadlines_changed(state: State, event: ev.TaskDeadlinesChanged, _recorded: ev.Recorded) -> None:
    task = state.tasks[event.task]
    drop_step(state, task)
    task.terms = Terms(event.respond_by, event.resolve_by, event.steps)
    _arm(state, task)


def step_taken(state: State, event: ev.EscalationStepTaken, _recorded: ev.Recorded) -> None:
    tasks = [state.tasks[number] for number in event.tasks]
    for task in tasks:
        step_on(state, task)
        marks = marks_of(task)
        marks.overdue |= event.step.mark_overdue
    if event.priorities:
        set_priorities(state, tasks, event.priorities)
    for number in event.reassigned:
        _take_away(state, state.tasks[number])


def step_on(state: State, task: Task) -> None:
    """The next step is the one after this, or, once work has begun, the one after that which does not wait for it."""
    drop_step(state, task)
    marks_of(task).step += 1
    _arm(state, task)


def begun(state: State, task: Task) -> None:
    """Work on it has begun: steps that wait for that are passed over."""
    if task.terms is None:
        return
    drop_step(state, task)
    marks_of(task).begun = True
    _arm(state, task)


def drop_step(state: State, task: Task) -> None:
    """No step falls due for it any more, or another does."""
    due = task.next_step
    if due is not None:
        state.timers.drop_all(ESCALATE, due.at, [task.number])


def _arm(state: State, task: Task) -> None:
    """A timer for its next step; steps that wait for work to begin are passed over once it has."""
    marks = task.marks
    while marks and marks.begun and (due := task.next_step) is not None and due.step.limit == "respond_within":
        marks.step += 1
    due = task.next_step
    if due is not None:
        state.timers.set_all(ESCALATE, due.at, [task.number])


def _take_away(state: State, task: Task) -> None:
    """What waits stays where it is until the same decision pools it anew. Others are asked, and all from the start."""
    if task.agent is not None:
        give_back(state, task)
    if task.marks is not None:
        task.marks.asking = None
