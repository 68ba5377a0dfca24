"""A timed lock: the agent keeps a task for a while, though its time limit runs on."""

from __future__ import annotations

from engine import events as ev
from engine.commands import LockTask, UnlockTask
from engine.decide.context import Context
from engine.decide.grants import in_hand
from engine.refusals import Refusal, invalid, precondition
from engine.state import State, Task


def lock(state: State, command: LockTask, context: Context) -> list[ev.Event] | Refusal:
    task = in_hand(state, command.task, command.agent, command.grant)
    if isinstance(task, Refusal):
        return task
    if command.period_ms < 1:
        return invalid("PERIOD_INVALID", f"Expected a period of 1 ms or more, but got {command.period_ms}")
    too_long = _too_long(state, task, command.period_ms, context.now)
    if too_long is not None:
        return too_long
    until = context.now + command.period_ms
    return [ev.TaskLocked(task.number, command.agent, command.grant, until, command.note)]


def unlock(state: State, command: UnlockTask, _context: Context) -> list[ev.Event] | Refusal:
    task = in_hand(state, command.task, command.agent, command.grant)
    if isinstance(task, Refusal):
        return task
    if not task.locked:
        return precondition("NOT_LOCKED", f"Expected task {task.number} to be locked, but it is not", task=task.number)
    return [ev.TaskUnlocked(task.number, command.agent, command.grant, "asked")]


def end(_state: State, tasks: list[Task], _context: Context) -> list[ev.Event]:
    """Their time is over."""
    return [ev.TaskUnlocked(task.number, task.agent or "", task.grant, "ended") for task in tasks]


def _too_long(state: State, task: Task, period_ms: int, now: int) -> Refusal | None:
    """A lock may last as long as the rule lets it, and no longer than what is left of the task's time."""
    rule = state.rule_of(task)
    most = rule.lock_max_ms if rule else None
    if most is not None and period_ms > most:
        return precondition(
            "LOCK_TOO_LONG",
            f"Expected a lock of at most {most} ms, which is lock_max of {task.rule}, but got {period_ms} ms",
            task=task.number,
        )
    left = None if task.resolve_by == 0 else task.resolve_by - now
    if left is not None and left <= 0:
        return precondition(
            "LOCK_PAST_DEADLINE",
            f"Expected time to be left for task {task.number}, but its limit has passed; do it now, or hand it over",
            task=task.number,
        )
    if left is not None and period_ms > left:
        return precondition(
            "LOCK_PAST_DEADLINE",
            f"Expected a lock of at most {max(left, 0)} ms, which is left of the task's time, but got {period_ms} ms",
            task=task.number,
        )
    return None
