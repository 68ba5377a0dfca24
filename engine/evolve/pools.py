"""Tasks enter lanes, wait, are relaxed, and leave. No lane is kept empty."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter

from engine import events as ev
from engine.state import Lane, LaneKey, State, Task
from engine.state.pool import starts_of
from engine.state.task import Place
from engine.state.timers import RELAX


def pooled(state: State, event: ev.TasksPooled, recorded: ev.Recorded) -> None:
    tasks = state.tasks
    groups = [[tasks[number] for number in placement.tasks] for placement in event.placements]
    waiting = [task for group in groups for task in group if task.status == "pooled"]
    if waiting:
        leave(state, waiting)
    for placement, group in zip(event.placements, groups, strict=True):
        enter(state, (placement.rule, placement.stage, placement.lane), group, event.rule_set_version, recorded.at)
    if event.package is not None:
        package = state.packages[event.package]
        package.pooled_through = max(package.pooled_through, event.through)


def relaxed(state: State, event: ev.TasksRelaxed, _recorded: ev.Recorded) -> None:
    for place, group in leave(state, [state.tasks[number] for number in event.tasks]).items():
        rule, _, lane = place.key
        enter(state, (rule, event.stage, lane), group, place.version, place.pooled_at)


def stalled(state: State, event: ev.PoolStalled, _recorded: ev.Recorded) -> None:
    lane = state.lanes.get((event.rule, event.stage, event.lane))
    if lane is not None:
        lane.stalled = event.reason


def enter(state: State, key: LaneKey, tasks: list[Task], version: int, pooled_at: int) -> None:
    """Put tasks into their lane and set their relax timers."""
    lane = state.lanes.get(key)
    if lane is None:
        lane = state.lanes[key] = Lane(key)
    relaxes_at = _relaxes_at(state, key, pooled_at)
    for package, given, group in _alike(tasks):
        place = Place(key, version, pooled_at, package, given, relaxes_at)
        for task in group:
            task.place, task.status = place, "pooled"
        if relaxes_at:
            state.timers.set_all(RELAX, relaxes_at, [task.number for task in group])
        if package is not None and not given:
            lane.count(package, len(group))
            state.packages[package].waiting += len(group)
    lane.order.add(starts_of(tasks, state.ageing_of(key[0])))


def set_priorities(state: State, tasks: Sequence[Task], priorities: Sequence[int]) -> None:
    """Those that wait take their new places in one go: a row may hold a million, and each cut costs its length.

    Their lanes stay, even where they are all that waits there.
    """
    waiting: dict[LaneKey, list[Task]] = defaultdict(list)
    for task in tasks:
        if task.status == "pooled":
            waiting[task.place.key].append(task)
    for key, group in waiting.items():
        state.lanes[key].order.remove(starts_of(group, state.ageing_of(key[0])))
    for task, priority in zip(tasks, priorities, strict=True):
        task.priority = priority
    for key, group in waiting.items():
        state.lanes[key].order.add(starts_of(group, state.ageing_of(key[0])))


def leave(state: State, tasks: Iterable[Task]) -> dict[Place, list[Task]]:
    """Take waiting tasks out of their lanes; gives them by where they waited. Bulk work is done a group at a time."""
    groups: dict[Place, list[Task]] = defaultdict(list)
    for task in tasks:
        groups[task.place].append(task)
    lanes: dict[LaneKey, list[Task]] = defaultdict(list)
    for place, group in groups.items():
        lanes[place.key] += group
        _uncount(state, place, group)
    for key, group in lanes.items():
        lane = state.lanes[key]
        lane.order.remove(starts_of(group, state.ageing_of(key[0])))
        if not lane.order:
            del state.lanes[key]
    return groups


def _uncount(state: State, place: Place, group: list[Task]) -> None:
    if place.relaxes_at:
        state.timers.drop_all(RELAX, place.relaxes_at, [task.number for task in group])
    if place.package is not None and not place.given:
        state.lanes[place.key].count(place.package, -len(group))
        state.packages[place.package].waiting -= len(group)


def _alike(tasks: list[Task]) -> Iterator[tuple[int | None, bool, list[Task]]]:
    """Tasks by package and by whether any agent ever had them."""
    packages: dict[int | None, list[Task]] = defaultdict(list)
    for origin, run in groupby(tasks, attrgetter("origin")):
        packages[origin.package] += run
    for package, group in packages.items():
        for given in (False, True):
            alike = [task for task in group if task.given is given]
            if alike:
                yield package, given, alike


def _relaxes_at(state: State, key: LaneKey, pooled_at: int) -> int:
    rule = state.governing.get(key[0]) if key[0] else None
    if rule is None or not 0 <= key[1] < len(rule.relax):
        return 0
    return pooled_at + rule.relax[key[1]].after_ms
