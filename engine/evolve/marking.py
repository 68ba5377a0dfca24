"""Marks on a task, made when the first is needed."""

from __future__ import annotations

from engine.evolve.holding import let_go
from engine.state import State, Task
from engine.state.task import Marks


def marks_of(task: Task) -> Marks:
    """Its marks."""
    if task.marks is None:
        task.marks = Marks()
    return task.marks


def give_back(state: State, task: Task) -> Marks:
    """Out of its agent's hands, on its way to a pool or to another agent."""
    marks = marks_of(task)
    marks.avoid = task.agent
    marks.unlocked_recycles_at = 0
    marks.begun |= task.status == "in_progress"
    let_go(state, task)
    task.status = "returned"
    return marks
