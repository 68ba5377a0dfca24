"""What people said of a task and changed of it, in words; for explaining it."""

from __future__ import annotations

from collections.abc import Sequence

from engine import events as ev
from engine.events import Recorded

MAX_TOLD = 20
"""Of one task: the latest."""
_NAMED = 10
"""Tasks named one by one."""


def intervention_of(recorded: Recorded, task: int) -> str:
    """One sentence; empty where the event is no such thing, or concerns other tasks."""
    told = _told(recorded.event, task)
    return f"{recorded.actor or 'somebody'} {told} (position {recorded.position})" if told else ""


def _told(event: ev.Event, task: int) -> str:
    match event:
        case ev.TaskCommented(task=number, text=text) if number == task:
            return f"said: {text}"
        case ev.TaskReprioritised(task=number) if number == task:
            return f"changed its priority from {event.before} to {event.priority}{_because(event.reason)}"
        case ev.TaskDeadlinesChanged(task=number) if number == task:
            return f"changed its time limits{_because(event.reason)}"
        case ev.TasksMerged(into=number) if number == task:
            raised = f", which raised its priority from {event.before} to {event.priority}"
            higher = raised if event.priority != event.before else ""
            return f"merged {_tasks(event.tasks)} into it{higher}{_because(event.reason)}"
        case ev.TasksMerged(tasks=numbers) if task in numbers:
            return f"merged it into task {event.into}{_because(event.reason)}"
    return ""


def _because(reason: str) -> str:
    return f", because: {reason}" if reason else ""


def _tasks(numbers: Sequence[int]) -> str:
    named = ", ".join(map(str, numbers[:_NAMED]))
    more = f" and {len(numbers) - _NAMED} more" if len(numbers) > _NAMED else ""
    return f"task{'s' if len(numbers) > 1 else ''} {named}{more}"
