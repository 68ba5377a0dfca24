"""Duplicates end in the one task that goes on for all of them. All or none."""

from __future__ import annotations

from msgspec.structs import replace

from engine import events as ev
from engine.commands import MergeTasks
from engine.decide.context import Context
from engine.decide.grants import granted, open_task
from engine.decide.pooling import pooled_elsewhere
from engine.refusals import Refusal, Violation, invalid
from engine.state import State, Task

MAX_DUPLICATES = 500


def merge(state: State, command: MergeTasks, context: Context) -> list[ev.Event] | Refusal:
    """What cancelling asks of a task is asked of each duplicate; the survivor is only to be open."""
    wrong = _violations(command)
    if wrong:
        told = f"Expected a merge that can be made, but found {len(wrong)} problem(s); mend them and ask again"
        return invalid("MERGE_INVALID", told, *wrong)
    survivor = open_task(state, command.into)
    if isinstance(survivor, Refusal):
        return survivor
    tasks: list[Task] = []
    for one in command.duplicates:
        task = granted(state, one.task, one.grant)
        if isinstance(task, Refusal):
            return task
        tasks.append(task)
    return _merged(state, command, survivor, tasks, context)


def _merged(state: State, command: MergeTasks, survivor: Task, tasks: list[Task], context: Context) -> list[ev.Event]:
    """The survivor is as urgent as the most urgent of them; where it waits, it goes where it belongs by that."""
    priority = max(survivor.priority, *(task.priority for task in tasks))
    merged = ev.TasksMerged(
        survivor.number,
        tuple(task.number for task in tasks),
        tuple(task.agent or "" for task in tasks),
        priority,
        survivor.priority,
        survivor.agent or "",
        command.reason,
        tuple(task.package or 0 for task in tasks) if any(task.package for task in tasks) else (),
        tuple(task.number for task in tasks if task.given and not task.agent),
        tuple(task.number for task in tasks if task.status == "calling"),
    )
    raised = [replace(survivor, priority=priority)] if survivor.status == "pooled" else []
    return [merged, *(pooled_elsewhere(state, raised, context) if priority != survivor.priority else [])]


def _violations(command: MergeTasks) -> list[Violation]:
    numbers = [one.task for one in command.duplicates]
    wrong = []
    if not 1 <= len(numbers) <= MAX_DUPLICATES:
        wrong.append(Violation("duplicates", f"Expected 1 to {MAX_DUPLICATES} tasks, but got {len(numbers)}"))
    if len(set(numbers)) < len(numbers):
        wrong.append(Violation("duplicates", "Expected each task once, but one is there twice"))
    if command.into in numbers:
        wrong.append(Violation("into", f"Expected another task than the duplicates, but {command.into} is one of them"))
    return wrong
