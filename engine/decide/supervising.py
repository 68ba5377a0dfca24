"""What a supervisor may do to a task that goes on: how urgent it is, until when it is to be done, a remark."""

from __future__ import annotations

from msgspec.structs import replace

from engine import events as ev
from engine.answers import Answer
from engine.commands import ChangeDeadlines, CommentTask, ReprioritiseTask
from engine.decide.context import Context
from engine.decide.grants import granted, known_task, not_waiting
from engine.decide.pooling import pooled_elsewhere
from engine.refusals import Refusal, Violation, invalid
from engine.state import State, Task
from engine.state.task import MAX_PRIORITY

MAX_COMMENT = 4_096
"""Characters."""


def comment(state: State, command: CommentTask, _context: Context) -> list[ev.Event] | Refusal:
    """No grant is asked for: a remark is true whoever holds the task by now."""
    if not command.text.strip() or len(command.text) > MAX_COMMENT:
        given = len(command.text) if command.text.strip() else "none"
        wrong = f"Expected a remark of 1 to {MAX_COMMENT} characters, but got {given}"
        return invalid("COMMENT_INVALID", wrong, Violation("text", wrong))
    task = known_task(state, command.task)
    if isinstance(task, Refusal):
        return task
    return [ev.TaskCommented(task.number, command.text, task.agent or "")]


def reprioritise(state: State, command: ReprioritiseTask, context: Context) -> list[ev.Event] | Answer | Refusal:
    """A waiting task may come under another rule by it, and waits there then."""
    if not 0 <= command.priority <= MAX_PRIORITY:
        wrong = f"Expected 0 to {MAX_PRIORITY}, but got {command.priority}"
        return invalid("PRIORITY_INVALID", f"Expected a priority: {wrong}", Violation("priority", wrong))
    task = granted(state, command.task, command.grant)
    if isinstance(task, Refusal):
        return task
    if task.priority == command.priority:
        return Answer(state.position, number=task.number, agent=task.agent, changed=False)
    changed = ev.TaskReprioritised(task.number, command.priority, task.priority, task.agent or "", command.reason)
    waiting = [replace(task, priority=command.priority)] if task.status == "pooled" else []
    return [changed, *pooled_elsewhere(state, waiting, context)]


def change_deadlines(state: State, command: ChangeDeadlines, context: Context) -> list[ev.Event] | Answer | Refusal:
    wrong = _wrong_times(command, context.now)
    if wrong:
        return invalid("DEADLINES_INVALID", "Expected one limit or two, each to come, but found otherwise", *wrong)
    task = granted(state, command.task, command.grant)
    if isinstance(task, Refusal):
        return task
    if task.status in ("created", "calling"):
        return not_waiting(task)
    respond_by, resolve_by = command.respond_by or task.respond_by, command.resolve_by or task.resolve_by
    if (respond_by, resolve_by) == (task.respond_by, task.resolve_by):
        return Answer(state.position, number=task.number, agent=task.agent, changed=False)
    moved = tuple(name for name in ("respond_by", "resolve_by") if getattr(command, name))
    steps = _steps(task, respond_by, resolve_by)
    agent = task.agent or ""
    return [ev.TaskDeadlinesChanged(task.number, respond_by, resolve_by, moved, steps, agent, command.reason)]


def _steps(task: Task, respond_by: int, resolve_by: int) -> tuple[ev.DueStep, ...]:
    """Steps to come keep their distance to their limit: working time is not asked again, so that none is surprised."""
    if task.terms is None:
        return ()
    later: dict[str | None, int] = {
        "respond_within": respond_by - task.respond_by if task.respond_by else 0,
        "resolve_within": resolve_by - task.resolve_by if task.resolve_by else 0,
    }
    taken = task.marks.step if task.marks else 0
    to_come = [replace(due, at=due.at + later.get(due.step.limit, 0)) for due in task.terms.steps[taken:]]
    return task.terms.steps[:taken] + tuple(sorted(to_come, key=lambda due: due.at))


def _wrong_times(command: ChangeDeadlines, now: int) -> list[Violation]:
    asked = [(name, getattr(command, name)) for name in ("respond_by", "resolve_by") if getattr(command, name)]
    if not asked:
        return [Violation("resolve_by", "Expected respond_by, resolve_by or both, but there is neither")]
    told = "Expected a time to come, later than {now} (ms since 1970 UTC), but got {at}"
    return [Violation(name, told.format(now=now, at=at)) for name, at in asked if at <= now]
