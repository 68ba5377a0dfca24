"""Steps of the escalation fall due: raise, notify, mark overdue, give to others."""

from __future__ import annotations

from collections import defaultdict

from msgspec.structs import replace

from engine import events as ev
from engine.decide.context import Context
from engine.decide.pooling import misplaced, placements_of
from engine.rules.model import EscalationStep
from engine.state import State, Task
from engine.state.task import MAX_PRIORITY


def escalate(state: State, tasks: list[Task], context: Context) -> list[ev.Event]:
    groups: dict[tuple[int, EscalationStep], list[Task]] = defaultdict(list)
    for task in tasks:
        due = task.next_step
        assert due is not None, "a timer without a step"
        groups[due.place, due.step].append(task)
    return [event for (place, step), group in groups.items() for event in _taken(state, place, step, group, context)]


def _taken(state: State, place: int, step: EscalationStep, tasks: list[Task], context: Context) -> list[ev.Event]:
    raised = [replace(task, priority=min(MAX_PRIORITY, task.priority + (step.raise_priority or 0))) for task in tasks]
    elsewhere = [task for task in raised if step.reassign is not None and not task.locked]
    taken = ev.EscalationStepTaken(
        tuple(task.number for task in tasks),
        tuple(task.agent or "" for task in tasks),
        place,
        step,
        tuple(task.priority for task in raised) if step.raise_priority else (),
        tuple(task.number for task in elsewhere),
    )
    return [taken, *_onward(state, place, raised, elsewhere, context)]


def _onward(
    state: State, place: int, raised: list[Task], elsewhere: list[Task], context: Context
) -> list[ev.TasksPooled]:
    """Where those go who go to others, and those whom the new priority brings under another rule."""
    away = {task.number for task in elsewhere}
    waiting = [task for task in raised if task.status == "pooled" and task.number not in away]
    moved = misplaced(state, waiting, context)
    placements = [
        replace(placement, stage=-1 - place if placement.rule else 0)
        for placement in placements_of(elsewhere, context.judge.placing(state, elsewhere))
    ] + list(placements_of([task for task, _ in moved], [placing for _, placing in moved]))
    return [ev.TasksPooled(state.version, tuple(placements))] if placements else []
