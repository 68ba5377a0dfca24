"""The view of work: what each task is, where it waits, who has and had it. Its tables change together.

One handler an event. A batch is applied in memory and written once: a task imported, pooled and allocated in one batch
is written in its last place only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from engine import events as ev
from engine.events import Recorded
from projections import assignments, pools, tasks
from projections.assignments import Assignments, Held
from projections.copying import clean, json_of
from projections.pools import Pool, Pools, pool_of
from projections.port import Cursor, View
from projections.tasks import End, TaskRows


class Work:
    """A batch at work."""

    def __init__(self, cursor: Cursor) -> None:
        self.tasks = TaskRows()
        self.pools = Pools(cursor)
        self.assignments = Assignments()

    def pooled(self, event: ev.TasksPooled, recorded: Recorded) -> None:
        """Leave first, then enter, as the engine does: a lane that empties in between forgets why it stalled."""
        before = [self.pools.leave(placement.tasks) for placement in event.placements]
        for placement, left in zip(event.placements, before, strict=True):
            pool = pool_of(placement.rule, 0, placement.lane)
            for old, numbers in _grouped(placement.tasks, left):
                package, trail = (event.package or 0, ()) if not old else self._came_from(old)
                pooling = self.pools.pooling(
                    pool, event.rule_set_version, recorded.at, package, (*trail, recorded.position)
                )
                self.pools.enter(numbers, pooling)

    def relaxed(self, event: ev.TasksRelaxed, recorded: Recorded) -> None:
        for old, numbers in list(_grouped(event.tasks, self.pools.leave(event.tasks))):
            was = self.pools.poolings[old]
            pool = pools.Pool(pools.pool_id(was.rule, event.stage, was.lane), was.rule, event.stage, was.lane)
            trail = (*was.trail, recorded.position)
            self.pools.enter(numbers, self.pools.pooling(pool, was.version, was.pooled_at, was.package, trail))

    def allocated(self, event: ev.TasksAllocated, recorded: Recorded) -> None:
        self.assignments.allocated(event, recorded, self.pools.leave(event.tasks))

    def claimed(self, event: ev.TaskClaimed, recorded: Recorded) -> None:
        pooling = self.pools.leave((event.task,))[0]
        held = Held(recorded.position, clean(event.agent), clean(event.rule), pooling)
        self.assignments.given(event.task, held, "claim", event.rule_set_version, recorded)

    def reassigned(self, event: ev.TaskReassigned, recorded: Recorded) -> None:
        pooling = self.pools.leave((event.task,))[0]
        former = self.assignments.ended(event.task, "reassigned", recorded, last=False)
        if former is not None:
            pooling = former.pooling
        held = Held(recorded.position, clean(event.agent), clean(event.rule or ""), pooling)
        self.assignments.given(event.task, held, "manual", event.rule_set_version, recorded)

    def started(self, event: ev.TaskStarted, recorded: Recorded) -> None:
        self.assignments.started(event.task, recorded)

    def completed(self, event: ev.TaskCompleted, recorded: Recorded) -> None:
        self.assignments.ended(event.task, "completed", recorded)
        end = End("completed", recorded.at, recorded.position, 0, json_of(event.wrap_up))
        self.tasks.ends[event.task] = end

    def cancelled(self, event: ev.TasksCancelled, recorded: Recorded) -> None:
        for number, pooling in zip(event.tasks, self.pools.leave(event.tasks), strict=True):
            self.assignments.ended(number, "cancelled", recorded)
            self.tasks.ends[number] = End("cancelled", recorded.at, recorded.position, pooling, "{}")

    def _came_from(self, pooling: int) -> tuple[int, Sequence[int]]:
        old = self.pools.poolings[pooling]
        return old.package, old.trail


_Handler = Callable[[Work, Any, Recorded], None]

_HANDLERS: dict[type[ev.Event], _Handler] = {
    ev.TaskCreated: lambda work, event, recorded: work.tasks.created(event, recorded),
    ev.TasksImported: lambda work, event, recorded: work.tasks.imported(event, recorded),
    ev.TasksPooled: Work.pooled,
    ev.TasksRelaxed: Work.relaxed,
    ev.PoolStalled: lambda work, event, _: work.pools.stall(_pool_of_stall(event), event.reason),
    ev.TasksAllocated: Work.allocated,
    ev.TaskClaimed: Work.claimed,
    ev.TaskReassigned: Work.reassigned,
    ev.TaskStarted: Work.started,
    ev.TaskCompleted: Work.completed,
    ev.TasksCancelled: Work.cancelled,
    ev.RuleSetApplied: lambda work, event, _: work.pools.rules_applied(_methods(event)),
    ev.CommandRefused: lambda work, event, recorded: work.tasks.note_refused(event, recorded),
}


def apply(cursor: Cursor, batch: Sequence[Recorded]) -> None:
    """Write a batch of events into the tables."""
    known = [recorded for recorded in batch if type(recorded.event) in _HANDLERS]
    if not known:
        return
    work = Work(cursor)
    needs = Needs(known)
    work.pools.fetch(list(needs.waiting), needs.pools)
    work.assignments.fetch(cursor, list(needs.held))
    for recorded in known:
        _HANDLERS[type(recorded.event)](work, recorded.event, recorded)
    for part in (work.tasks, work.pools, work.assignments):
        part.write(cursor)


VIEW = View(
    "tasks",
    ("tasks", "refusals", "waiting", "poolings", "pools", "methods", "assignments", "loads"),
    tasks.DDL + pools.DDL + assignments.DDL,
    apply,
)


class Needs:
    """What has to be read before a batch can be applied: tasks it moves that it did not itself put there."""

    def __init__(self, batch: Sequence[Recorded]) -> None:
        self.waiting: dict[int, None] = {}
        self.held: dict[int, None] = {}
        self.pools: list[Pool] = []
        self._entered: set[int] = set()
        for recorded in batch:
            self._look(recorded.event)

    def _look(self, event: ev.Event) -> None:
        look = _NEEDS.get(type(event))
        if look is not None:
            look(self, event)

    def _of_pooled(self, event: ev.TasksPooled) -> None:
        """Rows of a package come into pools for the first time, so nothing has to be looked up for them."""
        for placement in event.placements:
            self.pools.append(pool_of(placement.rule, 0, placement.lane))
            if event.package is None:
                self._leaving(placement.tasks)
            self._entered.update(placement.tasks)

    def _of_cancelled(self, event: ev.TasksCancelled) -> None:
        pairs = list(zip(event.tasks, event.agents, strict=True))
        self._leaving([number for number, agent in pairs if not agent])
        self.held.update((number, None) for number, agent in pairs if agent)

    def _of_reassigned(self, event: ev.TaskReassigned) -> None:
        if event.held_by:
            self.held[event.task] = None
        else:
            self._leaving((event.task,))

    def _of_held(self, event: ev.TaskStarted | ev.TaskCompleted) -> None:
        self.held[event.task] = None

    def _of_stalled(self, event: ev.PoolStalled) -> None:
        self.pools.append(_pool_of_stall(event))

    def _leaving(self, numbers: Iterable[int]) -> None:
        self.waiting.update((number, None) for number in numbers if number not in self._entered)


_NEEDS: dict[type[ev.Event], Callable[[Needs, Any], None]] = {
    ev.TasksPooled: Needs._of_pooled,
    ev.TasksCancelled: Needs._of_cancelled,
    ev.TaskReassigned: Needs._of_reassigned,
    ev.TaskStarted: Needs._of_held,
    ev.TaskCompleted: Needs._of_held,
    ev.PoolStalled: Needs._of_stalled,
    ev.TasksRelaxed: lambda needs, event: needs._leaving(event.tasks),
    ev.TasksAllocated: lambda needs, event: needs._leaving(event.tasks),
    ev.TaskClaimed: lambda needs, event: needs._leaving((event.task,)),
}


def _pool_of_stall(event: ev.PoolStalled) -> Pool:
    return pool_of(event.rule, event.stage, event.lane)


def _methods(event: ev.RuleSetApplied) -> dict[str, str]:
    return {clean(rule.id): rule.method for rule in event.rule_set.rules}


def _grouped(numbers: Sequence[int], poolings: Sequence[int]) -> Iterable[tuple[int, list[int]]]:
    groups: dict[int, list[int]] = defaultdict(list)
    for number, pooling in zip(numbers, poolings, strict=True):
        groups[pooling].append(number)
    return groups.items()
