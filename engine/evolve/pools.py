"""Tasks enter lanes, wait, are relaxed, and leave. No lane is kept empty."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from engine import events as ev
from engine.state import Lane, LaneKey, State, Task
from engine.state.pool import rank_of

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


def enter(state: State, tasks: Iterable[Task]) -> None:
    """Put waiting tasks into their lanes and set their relax timers."""
    for (key, package, given), group in _alike(tasks).items():
        lane = state.lanes.get(key)
        if lane is None:
            lane = state.lanes[key] = Lane(key)
        lane.add(_ranks(state, key, group), package, len(group))
        _set_relax_timers(state, key, group)
        if package is not None and not given:
            state.packages[package].waiting += len(group)


def leave(state: State, tasks: Iterable[Task]) -> None:
    """Take waiting tasks out of their lanes."""
    for (key, package, given), group in _alike(tasks).items():
        lane = state.lanes[key]
        lane.take(_ranks(state, key, group), package)
        if not lane.order:
            del state.lanes[key]
        state.timers.drop_all(RELAX, (task.number for task in group))
        if package is not None and not given:
            state.packages[package].waiting -= len(group)


def _alike(tasks: Iterable[Task]) -> dict[tuple[LaneKey, int | None, bool], list[Task]]:
    """Tasks by lane, package and whether any agent ever had them: bulk work is done a group at a time."""
    groups: dict[tuple[LaneKey, int | None, bool], list[Task]] = defaultdict(list)
    for task in tasks:
        groups[(task.rule, task.stage, task.lane), task.package, task.given].append(task)
    return groups


def _ranks(state: State, key: LaneKey, tasks: list[Task]) -> list[int]:
    ageing = state.ageing_of(key[0])
    return [rank_of(task.ages_from, task.priority, ageing, task.number) for task in tasks]


def _set_relax_timers(state: State, key: LaneKey, tasks: list[Task]) -> None:
    rule = state.governing.get(key[0]) if key[0] else None
    if rule is not None and key[1] < len(rule.relax):
        after = rule.relax[key[1]].after_ms
        state.timers.set_all(RELAX, ((task.number, task.pooled_at + after) for task in tasks))
