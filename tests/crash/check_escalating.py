"""Time limits: set once, and each step of the escalation taken once, in its turn, and neither before its time nor never."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine import events as ev
from tests.crash.check_returning import BETWEEN, HELD

if TYPE_CHECKING:
    from tests.crash.check_log import Ledger

LATE_MS = 20_000
"""So long after its time a step may be taken: as long as nobody serves, at most."""


def deadlines_set(ledger: Ledger, event: ev.DeadlinesSet) -> None:
    """Once in a task's life."""
    for number in event.tasks:
        task = ledger.task(number)
        if task.limited:
            ledger.wrong(f"task {number} gets time limits, but it has some")
        task.limited, task.steps = True, event.steps


def step_taken(ledger: Ledger, event: ev.EscalationStepTaken) -> None:
    """The next of each task's steps, when its time has come; what is kept by somebody goes to nobody else."""
    for number, agent in zip(event.tasks, event.agents, strict=True):
        task = ledger.task(number)
        left = tuple(step for step in task.steps if step.place == event.place)
        if not left or task.agent != agent:
            ledger.wrong(f"step {event.place} is taken for task {number} of {agent!r}, but {task}")
            continue
        if left[0].at > ledger.now:
            ledger.wrong(f"step {event.place} of task {number} is taken before its time")
        task.steps = task.steps[task.steps.index(left[0]) + 1 :]
    for number in event.reassigned:
        _taken_away(ledger, number)


def _taken_away(ledger: Ledger, number: int) -> None:
    task = ledger.task(number)
    if task.locked_until:
        ledger.wrong(f"task {number} is taken from {task.agent}, who keeps it")
    ledger.release(task)
    task.status = BETWEEN


def left_untaken(ledger: Ledger) -> None:
    """At the end: steps of open tasks whose time is long past. Once begun, a task has no steps of its response."""
    for number, task in ledger.tasks.items():
        due = [step for step in task.steps if not (task.begun and step.step.limit == "respond_within")]
        if task.status in ("waits", *HELD) and due and due[0].at < ledger.now - LATE_MS:
            ledger.wrong(f"step {due[0].place} of task {number} was due at {due[0].at} and was never taken")
