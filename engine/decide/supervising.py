"""What a supervisor may change of a task that goes on: how urgent it is."""

from __future__ import annotations

from msgspec.structs import replace

from engine import events as ev
from engine.answers import Answer
from engine.commands import ReprioritiseTask
from engine.decide.context import Context
from engine.decide.grants import granted
from engine.decide.pooling import pooled_elsewhere
from engine.refusals import Refusal, Violation, invalid
from engine.state import State
from engine.state.task import MAX_PRIORITY


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
