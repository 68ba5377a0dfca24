"""Many tasks created in one decision: all of them, or none."""

from __future__ import annotations

from itertools import count

from engine import events as ev
from engine.commands import CreateTasks
from engine.decide.arriving import arrived
from engine.decide.context import Context
from engine.decide.tasks import created
from engine.refusals import Refusal, Violation, invalid
from engine.state import State, Task

MAX_BATCH = 1_000


def create_all(state: State, command: CreateTasks, context: Context) -> list[ev.Event] | Refusal:
    """One event a task, as if each came alone, and then what becomes of them all."""
    if not 0 < len(command.tasks) <= MAX_BATCH:
        told = f"Expected 1 to {MAX_BATCH} tasks, but got {len(command.tasks)}"
        return invalid("BATCH_INVALID", told, Violation("requests", told))
    events: list[ev.Event] = []
    tasks: list[Task] = []
    wrong: list[Violation] = []
    for place, (number, one) in enumerate(zip(count(state.last_task + 1), command.tasks, strict=False)):
        made = created(state, one, number, context)
        if isinstance(made, list):
            wrong += [Violation(f"requests[{place}].{found.field}", found.description) for found in made]
            continue
        events.append(made[0])
        tasks.append(made[1])
    if wrong:
        return invalid("TASK_INVALID", f"Expected valid tasks, but found {len(wrong)} problem(s)", *wrong)
    return [*events, *arrived(state, tasks, context)]
