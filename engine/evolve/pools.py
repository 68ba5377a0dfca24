"""Tasks enter lanes, wait, are relaxed, and leave. No lane is kept empty."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from engine import events as ev
from engine.state import Lane, LaneKey, State, Task, lane_key

RELAX = "relax"


def pooled(state: State, event: ev.TasksPooled, recorded: ev.Recorded) -> None:
    tasks = [[state.tasks[number] for number in placement.tasks] for placement in event.placements]
    leave(state, (task for group in tasks for task in group if task.status == "pooled"))
    for placement, group in zip(event.placements, tasks, strict=True):
        for task in group:
            task.rule, task.lane, task.stage = placement.rule, placement.lane, 0
            task.version, task.pooled_at, task.status = event.rule_set_version, recorded.at, "pooled"
        enter(state, group)
    if event.package is not None:
        state.packages[event.package].pooled_through = event.through


def relaxed(state: State, event: ev.TasksRelaxed, _recorded: ev.Recorded) -> None:
    tasks = [state.tasks[number] for number in event.tasks]
    leave(state, tasks)
    for task in tasks:
        task.stage = event.stage
    enter(state, tasks)


def stalled(state: State, event: ev.PoolStalled, _recorded: ev.Recorded) -> None:
    lane = state.lanes.get((event.rule, event.stage, event.lane))
    if lane is not None:
        lane.stalled = event.reason


def enter(state: State, tasks: list[Task]) -> None:
    """Put waiting tasks into their lanes and set their relax timers."""
    groups: dict[tuple[LaneKey, int | None], list[int]] = defaultdict(list)
    for task in tasks:
        groups[lane_key(task), task.package].append(state.rank(task))
        _set_relax_timer(state, task)
        if task.package is not None and not task.given:
            state.packages[task.package].waiting += 1
    for (key, package), ranks in groups.items():
        lane = state.lanes.get(key)
        if lane is None:
            lane = state.lanes[key] = Lane(key)
        lane.add(ranks, package)


def leave(state: State, tasks: Iterable[Task]) -> None:
    """Take waiting tasks out of their lanes."""
    ranks: dict[LaneKey, list[int]] = defaultdict(list)
    for task in tasks:
        key = lane_key(task)
        ranks[key].append(state.rank(task))
        state.lanes[key].leave(task.package)
        state.timers.drop(RELAX, task.number)
        if task.package is not None and not task.given:
            state.packages[task.package].waiting -= 1
    for key, gone in ranks.items():
        state.lanes[key].take(gone)
        if not state.lanes[key].order:
            del state.lanes[key]


def _set_relax_timer(state: State, task: Task) -> None:
    rule = state.governing.get(task.rule) if task.rule else None
    if rule is not None and task.stage < len(rule.relax):
        state.timers.set(RELAX, task.number, task.pooled_at + rule.relax[task.stage].after_ms)
