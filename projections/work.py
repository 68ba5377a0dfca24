"""The view of work: what each task is, where it waits, who has and had it. Its tables change together.

One handler an event. A batch is applied in memory and written once: a task imported, pooled and allocated in one batch
is written in its last place only.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from typing import Any, Literal, NamedTuple, TypeVar

from engine import events as ev
from engine.events import Recorded
from projections import assignments, calls, comments, counts, deadlines, marks, measures, offers, opinions, pools, tasks
from projections.assignments import Assignments, Held
from projections.calls import Calls
from projections.comments import Comments
from projections.copying import clean, json_of
from projections.counts import Counts, Place
from projections.deadlines import Deadlines
from projections.marks import Mark, Marks
from projections.measures import Measures
from projections.needs import Needs, pool_of_stall
from projections.offers import Offers
from projections.opinions import Opinions
from projections.pools import Pools, pool_of
from projections.port import Cursor, View
from projections.tasks import End, TaskRows

Key = TypeVar("Key")


class Origin(NamedTuple):
    """Where tasks were before they came into a pool."""

    status: str
    place: Place
    package: int
    trail: Sequence[int]


class Work:
    """A batch at work."""

    def __init__(self, cursor: Cursor) -> None:
        self.tasks = TaskRows(cursor)
        self.pools = Pools(cursor)
        self.assignments = Assignments()
        self.offers = Offers()
        self.counts = Counts()
        self.marks = Marks()
        self.deadlines = Deadlines()
        self.comments = Comments()
        self.measures = Measures()
        self.opinions = Opinions()
        self.calls = Calls()

    # --- coming in and waiting ----------------------------------------------------------------------------------------

    def created(self, event: ev.TaskCreated, recorded: Recorded) -> None:
        self.tasks.created(event, recorded)
        self._count_new(event, 1)

    def imported(self, event: ev.TasksImported, recorded: Recorded) -> None:
        self.tasks.imported(event, recorded)
        self._count_new(event, len(event.rows))

    def pooled(self, event: ev.TasksPooled, recorded: Recorded) -> None:
        """Leave first, then enter, as the engine does: a lane that empties in between forgets why it stalled."""
        before = [self.pools.leave(placement.tasks) for placement in event.placements]
        for placement, left in zip(event.placements, before, strict=True):
            pool = pool_of(placement.rule, placement.stage, placement.lane)
            for origin, numbers in self._origins(placement.tasks, left, event.package):
                trail, kind = (*origin.trail, recorded.position), origin.place[:2]
                pooling = self.pools.pooling(pool, event.rule_set_version, recorded.at, origin.package, kind, trail)
                self.pools.enter(numbers, pooling)
                self.counts.add(origin.place, origin.status, -len(numbers))
                self.counts.add(pooling.place, "pooled", len(numbers))

    def _origins(
        self, tasks: Sequence[int], left: Sequence[int], package: int | None
    ) -> Iterator[tuple[Origin, list[int]]]:
        """Tasks by where they come from; those that come from no pool by their types."""
        for old, numbers in _grouped(tasks, left):
            if old:
                was = self.pools.poolings[old]
                yield Origin("pooled", was.place, was.package, was.trail), numbers
                continue
            if package:
                kind = self.tasks.kind_of_row(package, numbers[0])
                yield Origin("created", (*kind, ""), package, ()), numbers
                continue
            new = yield from self._from_hands(numbers)
            for kind, some in _grouped(new, map(self.tasks.kind_of, new)):
                yield Origin("created", (*kind, ""), 0, ()), some

    def _from_hands(self, tasks: list[int]) -> Generator[tuple[Origin, list[int]], None, list[int]]:
        """Those that come back from agents, by where these had them from; returns the others."""
        poolings = [self.marks.arrived(task) for task in tasks]
        new: list[int] = []
        for pooling, numbers in _grouped(tasks, poolings):
            if not pooling:
                new = numbers
                continue
            was = self.pools.poolings[pooling]
            yield Origin("returned", was.place, 0, was.trail), numbers
        return new

    def relaxed(self, event: ev.TasksRelaxed, recorded: Recorded) -> None:
        for old, numbers in list(_grouped(event.tasks, self.pools.leave(event.tasks))):
            was = self.pools.poolings[old]
            pool = pools.Pool(pools.pool_id(was.rule, event.stage, was.lane), was.rule, event.stage, was.lane)
            trail, kind = (*was.trail, recorded.position), (was.type, was.business_type)
            self.pools.enter(numbers, self.pools.pooling(pool, was.version, was.pooled_at, was.package, kind, trail))

    # --- having an agent ----------------------------------------------------------------------------------------------

    def allocated(self, event: ev.TasksAllocated, recorded: Recorded) -> None:
        left = self.pools.leave(event.tasks)
        self.assignments.allocated(event, recorded, left)
        self.offers.made(event, recorded)
        offering = {clean(rule) for rule, until in zip(event.rules, event.until, strict=False) if until}
        for pooling, number in Counter(left).items():
            was = self.pools.poolings[pooling]
            self.counts.moved(was.place, "pooled", "offered" if was.rule in offering else "assigned", number)

    def offer_accepted(self, event: ev.OfferAccepted, recorded: Recorded) -> None:
        held = self.assignments.accepted(event.task, recorded)
        self.offers.accepted(event, recorded)
        self._move(event.task, held.pooling, "offered", "assigned")
        self.measures.note("assigned", recorded, self._place(event.task, held.pooling), held.agent)

    def claimed(self, event: ev.TaskClaimed, recorded: Recorded) -> None:
        pooling = self.pools.leave((event.task,))[0]
        held = Held(recorded.position, clean(event.agent), clean(event.rule), pooling)
        self.assignments.given(event.task, held, "claim", event.rule_set_version, recorded)
        self._move(event.task, pooling, _waiting(pooling), "assigned")

    def reassigned(self, event: ev.TaskReassigned, recorded: Recorded) -> None:
        pooling = self.pools.leave((event.task,))[0]
        status = _waiting(pooling)
        former, returned = self.assignments.left(event.task, "reassigned", recorded), self.marks.arrived(event.task)
        if former is not None:
            pooling, status = former.pooling, former.status
        elif returned:
            pooling, status = returned, "returned"
        held = Held(recorded.position, clean(event.agent), clean(event.rule or ""), pooling)
        self.assignments.given(event.task, held, "manual", event.rule_set_version, recorded)
        self._move(event.task, pooling, status, "assigned")

    def started(self, event: ev.TaskStarted, recorded: Recorded) -> None:
        held = self.assignments.started(event.task, recorded)
        self._move(event.task, held.pooling, held.status, "in_progress")
        self.measures.note("started", recorded, self._place(event.task, held.pooling), held.agent)
        held.started_at = recorded.at

    # --- coming back, being kept --------------------------------------------------------------------------------------

    def recycled(self, event: ev.TasksRecycled, recorded: Recorded) -> None:
        for task, agent in zip(event.tasks, event.agents, strict=True):
            mark = self._returned(task, "recycled", recorded)
            if event.cause == "not_started":
                mark.recycled += 1
                self.measures.note("recycled", recorded, self._place(task, mark.returned), clean(agent))

    def offers_returned(self, event: ev.OffersReturned, recorded: Recorded) -> None:
        let_pass = event.cause in ("rejected", "timed_out")
        for task, agent in zip(event.tasks, event.agents, strict=True):
            mark = self._returned(task, event.cause if let_pass else "recycled", recorded)
            if let_pass:
                mark.let_pass += 1
                self.measures.note("offer_returned", recorded, self._place(task, mark.returned), clean(agent))

    def handed_over(self, event: ev.TasksHandedOver, recorded: Recorded) -> None:
        for task, priority in zip(event.tasks, event.priorities, strict=True):
            mark = self._returned(task, "handed_over", recorded)
            mark.handed_over += 1
            mark.priority = priority
            self.measures.note("handed_over", recorded, self._place(task, mark.returned), clean(event.agent))

    def escalated(self, event: ev.TasksEscalated, recorded: Recorded) -> None:
        for task in event.tasks:
            mark, held = self.marks.escalated(task, recorded), self.assignments.held.get(task)
            place = self._place(task, mark.returned or (held.pooling if held else 0))
            self.measures.note("escalated", recorded, place, "")
            if event.reason == ev.OFFER_ROUNDS:
                self.marks.set_aside(task, place[2], recorded.position)

    def _returned(self, task: int, became: str, recorded: Recorded) -> Mark:
        held = self.assignments.left(task, became, recorded)
        assert held is not None, "only what is held comes back"
        self._move(task, held.pooling, held.status, "returned")
        return self.marks.returned(task, held.pooling, recorded)

    def step_taken(self, event: ev.EscalationStepTaken, recorded: Recorded) -> None:
        reassigned = set(event.reassigned)
        for task, agent in zip(event.tasks, event.agents, strict=True):
            pooling = self.assignments.held[task].pooling if agent else self.pools.waiting[task]
            self.measures.note("escalated", recorded, self._place(task, pooling), clean(agent))
            if agent and task in reassigned:
                self._returned(task, "escalated", recorded)
        self.marks.step_taken(event, recorded)

    def deadlines_changed(self, event: ev.TaskDeadlinesChanged, recorded: Recorded) -> None:
        self.deadlines.changed(event, recorded)
        self.marks.noted(event.task, recorded)

    def commented(self, event: ev.TaskCommented, recorded: Recorded) -> None:
        self.comments.put(event, recorded)
        self.marks.noted(event.task, recorded)

    # --- coming to an end ---------------------------------------------------------------------------------------------

    def completed(self, event: ev.TaskCompleted, recorded: Recorded) -> None:
        held = self.assignments.ended(event.task)
        self.tasks.ends[event.task] = End("completed", recorded.at, recorded.position, 0, json_of(event.wrap_up))
        self.calls.to_tell(event.task, event.deliver, recorded)
        if held is not None:
            self._move(event.task, held.pooling, held.status, "completed")
            self.measures.completed(event, recorded, self._place(event.task, held.pooling), event.agent)
        if event.closes_at:
            self.opinions.awaited(event)

    def cancelled(self, event: ev.TasksCancelled, recorded: Recorded) -> None:
        self._taken_out(event, "cancelled", recorded)

    def merged(self, event: ev.TasksMerged, recorded: Recorded) -> None:
        self._taken_out(event, "merged", recorded)
        self.marks.merged(event, recorded)

    def _taken_out(
        self, event: ev.TasksCancelled | ev.TasksMerged, how: Literal["cancelled", "merged"], recorded: Recorded
    ) -> None:
        calling = set(event.calling)
        for number, left in zip(event.tasks, self.pools.leave(event.tasks), strict=True):
            held = self.assignments.ended(number)
            self.tasks.ends[number] = End(how, recorded.at, recorded.position, left, "{}")
            pooling, status = (left, _waiting(left)) if held is None else (held.pooling, held.status)
            if number in calling:
                status = "calling"
                self.calls.answered(number, "cancelled", 0, "", recorded)
            self._move(number, pooling, status, how)
            self.measures.note(how, recorded, self._place(number, pooling), held.agent if held else "")

    # --- what its requester thinks of it ------------------------------------------------------------------------------

    def feedback(self, event: ev.FeedbackGiven, recorded: Recorded) -> None:
        self.opinions.given(event, recorded)
        place = self._place(event.task, self.assignments.held[event.task].pooling)
        self.measures.note("satisfied" if event.satisfied else "unsatisfied", recorded, place, clean(event.agent))

    def reopened(self, event: ev.TaskReopened, recorded: Recorded) -> None:
        self.opinions.reopened(event)
        held = self.assignments.reopened(event.task, self.tasks.reopened(event.task), recorded)
        self.marks.returned(event.task, held.pooling, recorded).priority = event.priority
        self._move(event.task, held.pooling, "completed", "returned")
        if event.cause == "unsatisfied":
            place = self._place(event.task, held.pooling)
            self.measures.note("reopened", recorded, place, clean(event.agent))

    def closed(self, event: ev.TasksClosed, recorded: Recorded) -> None:
        self.opinions.closed(event, recorded)
        self.tasks.closed(event.tasks)
        for task in event.tasks:
            self._move(task, self.assignments.held[task].pooling, "completed", "closed")

    # --- being asked about outside ------------------------------------------------------------------------------------

    def callbacks_started(self, event: ev.CallbacksStarted, recorded: Recorded) -> None:
        self.calls.asked(event, recorded)
        for task in event.tasks:
            self._move(task, 0, "created", "calling")

    def callback_succeeded(self, event: ev.CallbackSucceeded, recorded: Recorded) -> None:
        self.calls.answered(event.task, "succeeded", event.attempts, "", recorded)
        self.calls.to_tell(event.task, event.deliver, recorded)
        self.tasks.ends[event.task] = End("completed", recorded.at, recorded.position, 0, json_of(event.result))
        self._move(event.task, 0, "calling", "completed")
        self.measures.completed(event, recorded, self._place(event.task, 0), "")

    def callbacks_failed(self, event: ev.CallbacksFailed, recorded: Recorded) -> None:
        """They are pooled in the same decision."""
        for task in event.tasks:
            self.calls.answered(task, event.cause, event.attempts, event.reason, recorded)
            self._move(task, 0, "calling", "created")

    # --- what is counted ----------------------------------------------------------------------------------------------

    def _count_new(self, event: ev.TaskCreated | ev.TasksImported, number: int) -> None:
        self.counts.add((clean(event.task_type), clean(event.business_type), ""), "created", number)

    def _move(self, task: int, pooling: int, before: str, after: str) -> None:
        self.counts.moved(self._place(task, pooling), before, after)

    def _place(self, task: int, pooling: int) -> Place:
        return self.pools.poolings[pooling].place if pooling else (*self.tasks.kind_of(task), "")


_Handler = Callable[[Work, Any, Recorded], None]

_HANDLERS: dict[type[ev.Event], _Handler] = {
    ev.TaskCreated: Work.created,
    ev.TasksImported: Work.imported,
    ev.TasksPooled: Work.pooled,
    ev.TasksRelaxed: Work.relaxed,
    ev.PoolStalled: lambda work, event, _: work.pools.stall(pool_of_stall(event), event.reason),
    ev.TasksAllocated: Work.allocated,
    ev.TaskClaimed: Work.claimed,
    ev.TaskReassigned: Work.reassigned,
    ev.OfferAccepted: Work.offer_accepted,
    ev.OffersReturned: Work.offers_returned,
    ev.TaskStarted: Work.started,
    ev.TaskCompleted: Work.completed,
    ev.TasksCancelled: Work.cancelled,
    ev.RuleSetApplied: lambda work, event, _: work.pools.rules_applied(_methods(event)),
    ev.TasksRecycled: Work.recycled,
    ev.TasksHandedOver: Work.handed_over,
    ev.TasksEscalated: Work.escalated,
    ev.DeadlinesSet: lambda work, event, recorded: work.deadlines.put(event, recorded),
    ev.EscalationStepTaken: Work.step_taken,
    ev.TaskReprioritised: lambda work, event, recorded: work.marks.reprioritised(event, recorded),
    ev.TaskDeadlinesChanged: Work.deadlines_changed,
    ev.TaskCommented: Work.commented,
    ev.TasksMerged: Work.merged,
    ev.TaskLocked: lambda work, event, recorded: work.marks.locked(event.task, event.until, recorded),
    ev.TaskUnlocked: lambda work, event, recorded: work.marks.locked(event.task, 0, recorded),
    ev.FeedbackGiven: Work.feedback,
    ev.TaskReopened: Work.reopened,
    ev.TasksClosed: Work.closed,
    ev.CallbacksStarted: Work.callbacks_started,
    ev.CallbackSucceeded: Work.callback_succeeded,
    ev.CallbacksFailed: Work.callbacks_failed,
    ev.ResultDelivered: lambda work, event, recorded: work.calls.delivered(event, recorded),
    ev.ResultUndelivered: lambda work, event, recorded: work.calls.undelivered(event, recorded),
    ev.AgentsRegistered: lambda work, event, recorded: work.measures.registered(event, recorded),
    ev.CommandRefused: lambda work, event, recorded: work.tasks.note_refused(event, recorded),
}


def apply(cursor: Cursor, batch: Sequence[Recorded]) -> None:
    """Write a batch of events into the tables."""
    known = [recorded for recorded in batch if type(recorded.event) in _HANDLERS]
    if not known:
        return
    work = Work(cursor)
    needs = Needs(known)
    work.assignments.fetch(cursor, list(needs.held))
    work.marks.fetch(cursor, needs.marked)
    work.opinions.fetch(cursor, needs.asked)
    work.tasks.fetch_ends(needs.reopened)
    work.calls.fetch(cursor, needs.called)
    held = {held.pooling for held in work.assignments.held.values()} | work.marks.poolings
    work.pools.fetch(list(needs.waiting), held, needs.pools)
    work.tasks.fetch_kinds(needs.waiting.keys() - work.pools.waiting.keys())
    for recorded in known:
        _HANDLERS[type(recorded.event)](work, recorded.event, recorded)
    parts = (work.tasks, work.pools, work.assignments, work.offers, work.counts, work.marks, work.deadlines)
    for part in (*parts, work.comments, work.opinions, work.measures, work.calls):
        part.write(cursor)


VIEW = View(
    "tasks",
    (
        "tasks", "arrivals", "endings", "refusals", "waiting", "poolings", "pools", "shares", "methods", "givings",
        "assignments", "offers", "loads", "counts", "marks", "deadlines", "comments", "opinions", "completions",
        "happenings", "teams", "calls",
    ),
    tasks.DDL + pools.DDL + assignments.DDL + offers.DDL + counts.DDL + marks.DDL + deadlines.DDL + comments.DDL
    + opinions.DDL + measures.DDL + calls.DDL,
    apply,
    tasks.INDEXES + assignments.INDEXES + measures.INDEXES,
)  # fmt: skip


def _methods(event: ev.RuleSetApplied) -> dict[str, str]:
    return {clean(rule.id): rule.method for rule in event.rule_set.rules}


def _waiting(pooling: int) -> str:
    return "pooled" if pooling else "created"


def _grouped(numbers: Sequence[int], keys: Iterable[Key]) -> Iterable[tuple[Key, list[int]]]:
    groups: dict[Key, list[int]] = defaultdict(list)
    for number, key in zip(numbers, keys, strict=True):
        groups[key].append(number)
    return groups.items()
