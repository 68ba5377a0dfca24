"""The measures once more, straight from the log's events: a few plain lines, with nothing of the views' in them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import msgspec

from engine import events as ev
from engine.events import Recorded
from projections.measuring import MeasuresAsked, MeasureView, Spread


class Fact(msgspec.Struct):
    """Something that counts."""

    at: int
    where: dict[str, str]
    figures: dict[str, int]
    durations: dict[str, int] = {}


def measures(log: Sequence[Recorded], asked: MeasuresAsked) -> list[MeasureView]:
    """What the view should answer."""
    groups: dict[tuple[Any, ...], list[Fact]] = {} if asked.by or asked.bucket else {(): []}
    for fact in Told(log).facts:
        if asked.since <= fact.at and (not asked.until or fact.at < asked.until):
            groups.setdefault(_key(fact, asked), []).append(fact)
    names = (["bucket_at"] if asked.bucket else []) + list(asked.by)
    return [MeasureView(**dict(zip(names, key, strict=True)), **_summed(groups[key])) for key in sorted(groups)]


def _key(fact: Fact, asked: MeasuresAsked) -> tuple[Any, ...]:
    bucket = [fact.at - (fact.at - asked.since) % asked.bucket] if asked.bucket else []
    return (*bucket, *(fact.where.get(name, "") for name in asked.by))


def _summed(facts: list[Fact]) -> dict[str, Any]:
    figures: dict[str, Any] = defaultdict(int)
    durations: dict[str, list[int]] = defaultdict(list)
    for fact in facts:
        for name, number in fact.figures.items():
            figures[name] += number
        for name, duration in fact.durations.items():
            durations[name].append(duration)
    return {**figures, **{name: _spread(sorted(some)) for name, some in durations.items()}}


def _spread(ordered: list[int]) -> Spread:
    """Nearest rank: the least that p per cent of all do not exceed."""
    ranks = [-(-len(ordered) * percent // 100) for percent in (50, 90, 99)]
    return Spread(len(ordered), *(ordered[rank - 1] for rank in ranks))


class Told:
    """The facts, one event after another."""

    def __init__(self, log: Sequence[Recorded]) -> None:
        self.facts: list[Fact] = []
        self._tasks: dict[int, dict[str, str]] = {}
        """Type, business type, rule and agent as they stand."""
        self._teams: dict[str, str] = {}
        self._created: dict[int, int] = {}
        self._assigned: dict[int, int] = {}
        self._started: dict[int, int] = {}
        for recorded in log:
            self._note(recorded.event, recorded.at)

    def _note(self, event: ev.Event, at: int) -> None:
        handler = getattr(self, "_" + type(event).__name__, None)
        if handler is not None:
            handler(event, at)

    def _AgentsRegistered(self, event: ev.AgentsRegistered, _at: int) -> None:
        self._teams.update({spec.id: spec.team for spec in event.agents})

    def _TaskCreated(self, event: ev.TaskCreated, at: int) -> None:
        self._came(event.task, event, at)

    def _TasksImported(self, event: ev.TasksImported, at: int) -> None:
        for task in range(event.first_task, event.first_task + len(event.rows)):
            self._came(task, event, at)

    def _TasksPooled(self, event: ev.TasksPooled, _at: int) -> None:
        for placement in event.placements:
            for task in placement.tasks:
                self._tasks[task].update(rule=placement.rule or "", agent="")

    def _TasksAllocated(self, event: ev.TasksAllocated, at: int) -> None:
        for task, place, under in zip(event.tasks, event.who, event.under, strict=True):
            if event.until and event.until[under]:
                self._tasks[task]["agent"] = event.agents[place]
            else:
                self._given(task, event.agents[place], at)

    def _OfferAccepted(self, event: ev.OfferAccepted, at: int) -> None:
        self._given(event.task, event.agent, at)

    def _OffersReturned(self, event: ev.OffersReturned, at: int) -> None:
        for task in event.tasks:
            if event.cause in ("rejected", "timed_out"):
                self._count(task, "offer_returned", at)
            self._tasks[task]["agent"] = ""

    def _TaskClaimed(self, event: ev.TaskClaimed | ev.TaskReassigned, at: int) -> None:
        self._given(event.task, event.agent, at)

    _TaskReassigned = _TaskClaimed

    def _TaskStarted(self, event: ev.TaskStarted, at: int) -> None:
        self._started.setdefault(event.task, at)
        self._count(event.task, "started", at)

    def _TasksCancelled(self, event: ev.TasksCancelled, at: int) -> None:
        for task in event.tasks:
            self._count(task, "cancelled", at)

    def _TasksMerged(self, event: ev.TasksMerged, at: int) -> None:
        for task in event.tasks:
            self._count(task, "merged", at)

    def _TasksRecycled(self, event: ev.TasksRecycled, at: int) -> None:
        for task in event.tasks:
            if event.cause == "not_started":
                self._count(task, "recycled", at)
            self._tasks[task]["agent"] = ""

    def _TasksHandedOver(self, event: ev.TasksHandedOver, at: int) -> None:
        for task in event.tasks:
            self._count(task, "handed_over", at)
            self._tasks[task]["agent"] = ""

    def _TasksEscalated(self, event: ev.TasksEscalated, at: int) -> None:
        """It is nobody's, though one agent may have completed it."""
        for task in event.tasks:
            done_by = self._tasks[task].pop("agent", "")
            self._count(task, "escalated", at)
            self._tasks[task]["agent"] = done_by

    def _FeedbackGiven(self, event: ev.FeedbackGiven, at: int) -> None:
        self._count(event.task, "satisfied" if event.satisfied else "unsatisfied", at)

    def _TaskReopened(self, event: ev.TaskReopened, at: int) -> None:
        if event.cause == "unsatisfied":
            self._count(event.task, "reopened", at)
        self._tasks[event.task]["agent"] = ""

    def _EscalationStepTaken(self, event: ev.EscalationStepTaken, at: int) -> None:
        for task in event.tasks:
            self._count(task, "escalated", at)
            if task in event.reassigned:
                self._tasks[task]["agent"] = ""

    def _came(self, task: int, event: Any, at: int) -> None:
        self._tasks[task] = {"type": event.task_type, "business_type": event.business_type}
        self._created[task] = at
        self._count(task, "created", at)

    def _given(self, task: int, agent: str, at: int) -> None:
        self._tasks[task]["agent"] = agent
        self._assigned.setdefault(task, at)
        self._count(task, "assigned", at)

    def _count(self, task: int, what: str, at: int) -> Fact:
        known = self._tasks[task]
        fact = Fact(at, {**known, "team": self._teams.get(known.get("agent", ""), "")}, {what: 1})
        self.facts.append(fact)
        return fact

    def _CallbackSucceeded(self, event: ev.CallbackSucceeded, at: int) -> None:
        self._TaskCompleted(event, at)

    def _TaskCompleted(self, event: ev.TaskCompleted | ev.CallbackSucceeded, at: int) -> None:
        task = event.task
        fact = self._count(task, "completed", at)
        moments = {"to_assign": self._assigned.get(task), "to_start": self._started.get(task), "to_complete": at}
        fact.durations = {name: then - self._created[task] for name, then in moments.items() if then is not None}
        if event.respond_by:
            kept = self._started.get(task, at) <= event.respond_by
            fact.figures.update(with_respond_by=1, responded_in_time=int(kept))
        if event.resolve_by:
            fact.figures.update(with_resolve_by=1, resolved_in_time=int(at <= event.resolve_by))
