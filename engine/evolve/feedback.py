"""Completed work whose requester is asked: it waits for his opinion, is closed, or goes on."""

from __future__ import annotations

from engine import events as ev
from engine.evolve.holding import let_go
from engine.evolve.marking import marks_of
from engine.evolve.terms import arm, drop_step
from engine.state import State, Task
from engine.state.timers import CLOSE


def await_opinion(state: State, task: Task, closes_at: int) -> None:
    """Its agent is done with it; its escalation rests."""
    marks = marks_of(task)
    marks.done_by, marks.begun, marks.unlocked_recycles_at = task.agent, True, 0
    let_go(state, task)
    drop_step(state, task)
    task.status = "completed"
    _close_at(state, task, closes_at)


def given(state: State, event: ev.FeedbackGiven, _recorded: ev.Recorded) -> None:
    """What it leads to is said by the events after it."""
    if event.closes_at:
        task = state.tasks[event.task]
        marks_of(task).unsatisfied = True
        _close_at(state, task, event.closes_at)


def reopened(state: State, event: ev.TaskReopened, _recorded: ev.Recorded) -> None:
    """Its time limits have run on, and so has its escalation."""
    task = state.tasks[event.task]
    _close_at(state, task, 0)
    marks = marks_of(task)
    marks.unsatisfied = False
    marks.reopened += event.cause == "unsatisfied"
    marks.avoid = event.agent if event.to == "other" else None
    marks.wanted_back = event.to == "same"
    task.priority, task.status = event.priority, "returned"
    arm(state, task)


def closed(state: State, event: ev.TasksClosed, _recorded: ev.Recorded) -> None:
    """It leaves the state."""
    for number in event.tasks:
        _close_at(state, state.tasks[number], 0)
        del state.tasks[number]


def _close_at(state: State, task: Task, due: int) -> None:
    """It is closed then; 0: not by the time any more."""
    marks = marks_of(task)
    if marks.closes_at:
        state.timers.drop_all(CLOSE, marks.closes_at, [task.number])
    if due:
        state.timers.set_all(CLOSE, due, [task.number])
    marks.closes_at = due
