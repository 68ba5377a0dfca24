"""Steps of the escalation fall due: raise, notify, mark overdue, give to others."""

from __future__ import annotations

from collections import defaultdict

from msgspec.structs import replace

from engine import events as ev
from engine.decide.context import Context
from engine.decide.judge import Placing
from engine.decide.pooling import misplaced, placements_of, stage_to
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
    away = _away(state, step, raised, context)
    taken = ev.EscalationStepTaken(
        tuple(task.number for task in tasks),
        tuple(task.agent or "" for task in tasks),
        place,
        step,
        tuple(task.priority for task in raised) if step.raise_priority else (),
        tuple(number for placement in away for number in placement.tasks),
    )
    gone = set(taken.reassigned)
    stay = [task for task in raised if task.status == "pooled" and task.number not in gone]
    moved = misplaced(state, stay, context)
    placements = (*away, *placements_of(state, [task for task, _ in moved], [placing for _, placing in moved]))
    return [taken, ev.TasksPooled(state.version, placements)] if placements else [taken]


def _away(state: State, step: EscalationStep, raised: list[Task], context: Context) -> list[ev.Placement]:
    """Where those go whom the step gives to others: all but locked ones, and those whose rule has no such step now."""
    tasks = [task for task in raised if not task.locked] if step.reassign is not None else []
    groups: dict[tuple[Placing, int], list[int]] = defaultdict(list)
    for task, placing in zip(tasks, context.judge.placing(state, tasks), strict=True):
        stage = stage_to(state, placing[0], step.reassign)
        if stage:
            groups[placing, stage].append(task.number)
    return [ev.Placement(rule, tuple(numbers), lane, stage) for ((rule, lane), stage), numbers in groups.items()]
