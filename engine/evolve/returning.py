"""Tasks come back from an agent's hands, stay locked in them, or get a supervisor's attention."""

from __future__ import annotations

from engine import events as ev
from engine.evolve.holding import recycle_at, unlock
from engine.evolve.marking import give_back, marks_of
from engine.state import State
from engine.state.timers import UNLOCK


def recycled(state: State, event: ev.TasksRecycled, _recorded: ev.Recorded) -> None:
    for number in event.tasks:
        marks = give_back(state, state.tasks[number])
        marks.recycled += event.cause == "not_started"


def handed_over(state: State, event: ev.TasksHandedOver, _recorded: ev.Recorded) -> None:
    for number, priority in zip(event.tasks, event.priorities, strict=True):
        task = state.tasks[number]
        marks = give_back(state, task)
        marks.handed_over += 1
        marks.directed = event.to_rule or marks.directed
        task.priority = priority


def escalated(state: State, event: ev.TasksEscalated, _recorded: ev.Recorded) -> None:
    for number in event.tasks:
        task = state.tasks[number]
        marks = marks_of(task)
        marks.escalated = True
        if task.status != "offered":  # an offer ends as ever
            recycle_at(state, task, 0)
        if event.reason == ev.OFFER_ROUNDS and marks.asking is not None:
            marks.asking.set_aside = True


def locked(state: State, event: ev.TaskLocked, _recorded: ev.Recorded) -> None:
    task = state.tasks[event.task]
    marks = marks_of(task)
    if not marks.locked_until:
        marks.unlocked_recycles_at = task.recycles_at
    unlock(state, task)
    recycle_at(state, task, 0)
    marks.locked_until = event.until
    state.timers.set_all(UNLOCK, event.until, [task.number])


def unlocked(state: State, event: ev.TaskUnlocked, recorded: ev.Recorded) -> None:
    task = state.tasks[event.task]
    marks = marks_of(task)
    unlock(state, task)
    if marks.unlocked_recycles_at and not marks.escalated:
        recycle_at(state, task, max(marks.unlocked_recycles_at, recorded.at))
    marks.unlocked_recycles_at = 0
