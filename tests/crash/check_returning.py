"""What comes back, is kept, or is escalated, against who holds it: nobody is robbed of what he locked or has begun."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine import events as ev

if TYPE_CHECKING:
    from tests.crash.check_log import Ledger

BETWEEN = "is between hands"
"""Status of a task that came back and has not gone anywhere yet."""
HELD = ("is assigned", "is in progress")


def recycled(ledger: Ledger, event: ev.TasksRecycled) -> None:
    """Only what nobody had begun or locked; after an escalation no more for want of a start."""
    for number, agent in zip(event.tasks, event.agents, strict=True):
        task = ledger.task(number)
        if (task.agent, task.status) != (agent, "is assigned"):
            ledger.wrong(f"task {number} is recycled from {agent}, but {task}")
        if task.locked_until:
            ledger.wrong(f"task {number} is recycled from {agent}, who keeps it")
        if task.escalated and event.cause == "not_started":
            ledger.wrong(f"task {number} is recycled, but it was escalated")
        ledger.release(task)
        task.status = BETWEEN


def handed_over(ledger: Ledger, event: ev.TasksHandedOver) -> None:
    """By who holds it."""
    for number in event.tasks:
        task = ledger.task(number)
        if task.agent != event.agent or task.status not in HELD:
            ledger.wrong(f"task {number} is handed over by {event.agent}, but {task}")
        ledger.release(task)
        task.status = BETWEEN


def escalated(ledger: Ledger, event: ev.TasksEscalated) -> None:
    """Once in a task's life."""
    for number in event.tasks:
        task = ledger.task(number)
        if task.escalated or task.status != BETWEEN:
            ledger.wrong(f"task {number} is escalated ({event.reason}), but {task}")
        task.escalated = True


def locked(ledger: Ledger, event: ev.TaskLocked) -> None:
    """By who holds it, for a time to come."""
    task = ledger.task(event.task)
    if (task.agent, task.grant) != (event.agent, event.grant) or task.status not in HELD:
        ledger.wrong(f"{event.agent} locks task {event.task} under grant {event.grant}, but {task}")
    if event.until <= ledger.now:
        ledger.wrong(f"task {event.task} is locked until {event.until}, which is past")
    task.locked_until = event.until


def unlocked(ledger: Ledger, event: ev.TaskUnlocked) -> None:
    """By who holds it, or when its time is over and not before."""
    task = ledger.task(event.task)
    if (task.agent, task.grant) != (event.agent, event.grant) or not task.locked_until:
        ledger.wrong(f"task {event.task} is unlocked for {event.agent}, but {task}")
    if event.cause == "ended" and ledger.now < task.locked_until:
        ledger.wrong(f"the lock of task {event.task} ends before its time")
    task.locked_until = 0
