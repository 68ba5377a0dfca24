"""A second bookkeeping, from the events alone: where every task is, what everyone holds, what each package counts.

It shares no code with ``engine.evolve``; each entry also asserts that its event fits what was there.
"""

from __future__ import annotations

from collections import Counter
from functools import singledispatchmethod

import msgspec
from msgspec.structs import replace

from engine import events as ev
from engine.state import Package, State
from tests.simulation.asked import Asked
from tests.simulation.judging import Lane

CREATED, CALLING, RETURNED, COMPLETED = "created", "calling", "returned", "completed"
NOWHERE = (CREATED, CALLING, RETURNED, COMPLETED)


class Held(msgspec.Struct, frozen=True):
    agent: str
    rule: str | None
    grant: int
    started: bool = False
    locked: int = 0
    offered: int = 0
    """Until when it may be accepted; 0: it is his."""


Place = str | Lane | Held
"""``created``, ``calling``, ``returned`` between two events, ``completed`` and not closed, a lane, or in an agent's
hands."""


class Ledger:
    def __init__(self) -> None:
        self.places: dict[int, Place] = {}
        self.package_of: dict[int, int | None] = {}
        self.given: set[int] = set()
        self.ended: set[int] = set()
        self.rule_of: dict[int, str | None] = {}
        """Of what is returned or completed."""
        self.completed_by: dict[int, str] = {}
        self.reopened: Counter[int] = Counter()
        self.asked = Asked()
        self.rows: Counter[int] = Counter()
        self.called: dict[int, int] = {}
        """Task -> position of the event that started its callback."""
        self.to_tell: dict[int, int] = {}
        """Position of the event that ended a task -> the task, until somebody outside was told, or that was given up."""
        self.position = 0

    def enter(self, recorded: ev.Recorded) -> None:
        assert recorded.position == self.position + 1
        self.position = recorded.position
        self._enter(recorded.event)

    @singledispatchmethod
    def _enter(self, event: ev.Event) -> None:
        """Most events move no task."""

    @_enter.register
    def _imported(self, event: ev.TasksImported) -> None:
        self.rows[event.package] += len(event.rows)
        for number in range(event.first_task, event.first_task + len(event.rows)):
            self._new(number, event.package)

    @_enter.register
    def _created(self, event: ev.TaskCreated) -> None:
        self._new(event.task, None)

    def _new(self, number: int, package: int | None) -> None:
        assert number == len(self.package_of) + 1, "task numbers have no gaps"
        self.places[number], self.package_of[number] = CREATED, package

    @_enter.register
    def _pooled(self, event: ev.TasksPooled) -> None:
        for placement in event.placements:
            for number in placement.tasks:
                assert not isinstance(self.places[number], Held), f"task {number} is held and comes into a pool"
                assert self.places[number] != COMPLETED, f"task {number} is completed and comes into a pool"
                self.places[number] = (placement.rule, placement.stage, placement.lane)

    @_enter.register
    def _relaxed(self, event: ev.TasksRelaxed) -> None:
        for number in event.tasks:
            rule, stage, lane = self._lane(number)
            assert (rule, stage + 1) == (event.rule, event.stage)
            self.places[number] = (rule, event.stage, lane)

    @_enter.register
    def _allocated(self, event: ev.TasksAllocated) -> None:
        assert len(set(event.tasks)) == len(event.tasks)
        for number, who, under in zip(event.tasks, event.who, event.under, strict=True):
            assert self._lane(number)[0] == event.rules[under] and (number in event.again) == (number in self.given)
            until = event.until[under] if event.until else 0
            self._give(number, event.agents[who], until)
            if until:
                self.asked.offered(number, event.agents[who], event.rules[under])

    @_enter.register
    def _claimed(self, event: ev.TaskClaimed) -> None:
        assert self._lane(event.task)[0] == event.rule and self.package_of[event.task] == event.package
        assert event.again == (event.task in self.given)
        self._give(event.task, event.agent)

    @_enter.register
    def _reassigned(self, event: ev.TaskReassigned) -> None:
        place = self.places[event.task]
        assert place not in (CREATED, COMPLETED) and self.package_of[event.task] == event.package
        assert event.held_by == (place.agent if isinstance(place, Held) else "")
        assert event.again == (event.task in self.given)
        self._give(event.task, event.agent)

    def _give(self, number: int, agent: str, until: int = 0) -> None:
        place = self.places[number]
        rule = self.rule_of[number] if place == RETURNED else _rule(place)
        self.places[number] = Held(agent, rule, self.position, offered=until)
        self.given.add(number)
        if not until:
            self.asked.forget(number)

    @_enter.register
    def _accepted(self, event: ev.OfferAccepted) -> None:
        place = self._held(event.task, event.agent, event.grant)
        assert place.offered
        self.places[event.task] = replace(place, offered=0)
        self.asked.forget(event.task)

    @_enter.register
    def _offers_returned(self, event: ev.OffersReturned) -> None:
        for number, agent in zip(event.tasks, event.agents, strict=True):
            place = self.places[number]
            assert isinstance(place, Held) and place.agent == agent and place.offered
            self._back(number, place)
            if event.cause in ("rejected", "timed_out"):
                self.asked.let_pass(number, agent, place.rule)

    @_enter.register
    def _escalated(self, event: ev.TasksEscalated) -> None:
        if event.reason == "offer_rounds":
            self.asked.set_aside(event.tasks)

    @_enter.register
    def _recycled(self, event: ev.TasksRecycled) -> None:
        for number, agent in zip(event.tasks, event.agents, strict=True):
            place = self.places[number]
            assert isinstance(place, Held) and place.agent == agent and not place.started and not place.locked
            assert not place.offered
            self._back(number, place)

    @_enter.register
    def _handed_over(self, event: ev.TasksHandedOver) -> None:
        for number in event.tasks:
            place = self.places[number]
            assert isinstance(place, Held) and place.agent == event.agent and not place.offered
            self._back(number, place)

    @_enter.register
    def _step_taken(self, event: ev.EscalationStepTaken) -> None:
        for number, agent in zip(event.tasks, event.agents, strict=True):
            place = self.places[number]
            assert agent == (place.agent if isinstance(place, Held) else "")
            if number in event.reassigned and isinstance(place, Held):
                self._back(number, place)
            if number in event.reassigned:
                self.asked.forget(number)

    @_enter.register
    def _supervised(self, event: ev.TaskReprioritised | ev.TaskDeadlinesChanged | ev.TaskCommented) -> None:
        place = self.places[event.task]
        assert event.agent == (place.agent if isinstance(place, Held) else "")

    def _back(self, number: int, place: Held) -> None:
        self.places[number] = RETURNED
        self.rule_of[number] = place.rule

    @_enter.register
    def _locked(self, event: ev.TaskLocked) -> None:
        place = self._held(event.task, event.agent, event.grant)
        assert not place.offered
        self.places[event.task] = replace(place, locked=event.until)

    @_enter.register
    def _unlocked(self, event: ev.TaskUnlocked) -> None:
        place = self._held(event.task, event.agent, event.grant)
        assert place.locked
        self.places[event.task] = replace(place, locked=0)

    @_enter.register
    def _started(self, event: ev.TaskStarted) -> None:
        place = self._held(event.task, event.agent, event.grant)
        assert not place.started and not place.offered
        self.places[event.task] = replace(place, started=True)

    @_enter.register
    def _completed(self, event: ev.TaskCompleted) -> None:
        held = self._held(event.task, event.agent, event.grant)
        assert held.started and self.package_of[event.task] == event.package
        if not event.closes_at:
            self._end(event.task, event.deliver)
            return
        self._to_be_told(event.deliver, event.task)
        self.places[event.task], self.rule_of[event.task] = COMPLETED, held.rule
        self.completed_by[event.task] = event.agent

    @_enter.register
    def _opinion(self, event: ev.FeedbackGiven) -> None:
        assert self.places[event.task] == COMPLETED and self.completed_by[event.task] == event.agent

    @_enter.register
    def _reopened(self, event: ev.TaskReopened) -> None:
        assert self.places[event.task] == COMPLETED and self.completed_by[event.task] == event.agent
        assert self.package_of[event.task] == event.package
        self.places[event.task] = RETURNED
        self.reopened[event.task] += event.cause == "unsatisfied"

    @_enter.register
    def _closed(self, event: ev.TasksClosed) -> None:
        for number in event.tasks:
            assert self.places[number] == COMPLETED
            self._end(number)

    @_enter.register
    def _cancelled(self, event: ev.TasksCancelled) -> None:
        for number, agent in zip(event.tasks, event.agents, strict=True):
            place = self.places[number]
            assert agent == (place.agent if isinstance(place, Held) else "")
            assert place != COMPLETED and (number in event.again) == (number in self.given and not agent)
            assert self.package_of[number] == event.package
            assert (number in event.calling) == (place == CALLING)
            self._end(number)

    @_enter.register
    def _merged(self, event: ev.TasksMerged) -> None:
        for number, agent in zip(event.tasks, event.agents, strict=True):
            place = self.places[number]
            assert agent == (place.agent if isinstance(place, Held) else "")
            assert (number in event.again) == (number in self.given and not agent)
            assert (number in event.calling) == (place == CALLING)
            self._end(number)
        assert event.packages in ((), tuple(self.package_of[number] or 0 for number in event.tasks))
        survivor = self.places[event.into]
        assert event.agent == (survivor.agent if isinstance(survivor, Held) else "")

    @_enter.register
    def _asked_first(self, event: ev.CallbacksStarted) -> None:
        for number in event.tasks:
            assert self.places[number] == CREATED and number not in self.called, (
                "asked about once, before anything else"
            )
            assert self.package_of[number] == event.package
            self.places[number], self.called[number] = CALLING, self.position

    @_enter.register
    def _done_outside(self, event: ev.CallbackSucceeded) -> None:
        assert self.places[event.task] == CALLING and self.called[event.task] == event.started
        assert self.package_of[event.task] == event.package and event.task not in self.given
        self._end(event.task, event.deliver)

    @_enter.register
    def _not_done_outside(self, event: ev.CallbacksFailed) -> None:
        for number in event.tasks:
            assert self.places[number] == CALLING and self.package_of[number] == event.package
            self.places[number] = CREATED

    @_enter.register
    def _delivered(self, event: ev.ResultDelivered) -> None:
        assert self.to_tell.pop(event.made) == event.task

    @_enter.register
    def _undelivered(self, event: ev.ResultUndelivered) -> None:
        assert self.to_tell.pop(event.made) == event.task

    def _end(self, number: int, deliver: ev.Delivery | None = None) -> None:
        del self.places[number]
        self.ended.add(number)
        self._to_be_told(deliver, number)
        self.asked.forget(number)

    def _to_be_told(self, deliver: ev.Delivery | None, number: int) -> None:
        if deliver is not None:
            self.to_tell[self.position] = number

    def _lane(self, number: int) -> Lane:
        place = self.places[number]
        assert isinstance(place, tuple), f"task {number} does not wait, it is {place}"
        return place

    def _held(self, number: int, agent: str, grant: int) -> Held:
        place = self.places[number]
        assert isinstance(place, Held) and (place.agent, place.grant) == (agent, grant)
        return place

    # --- the state against the books -----------------------------------------------------------------------------------

    def compare(self, state: State) -> None:
        assert {number: place_in(state, number) for number in state.tasks} == self.places
        for agent in state.agents.values():
            assert agent.tasks == {number for number, task in state.tasks.items() if task.agent == agent.id}
        counted = {number: task.marks.reopened for number, task in state.tasks.items() if task.marks}
        assert all(self.reopened[number] == times for number, times in counted.items())
        self.asked.compare(state)
        self._compare_loads(state)
        self._compare_lanes(state)
        self._compare_calls(state)
        for number, package in state.packages.items():
            self._compare_package(number, package)

    def _compare_loads(self, state: State) -> None:
        by_rule = Counter((place.agent, place.rule) for place in self.places.values() if isinstance(place, Held))
        found = {(agent.id, rule): held for agent in state.agents.values() for rule, held in agent.load_by_rule.items()}
        assert found == dict(by_rule)
        loads = Counter(place.agent for place in self.places.values() if isinstance(place, Held))
        assert {agent.id: agent.load for agent in state.agents.values() if agent.load} == dict(loads)

    def _compare_calls(self, state: State) -> None:
        asked = {number: self.called[number] for number, place in self.places.items() if place == CALLING}
        assert {number: call.made for number, call in state.calls.callbacks.items()} == asked
        assert {made: call.task for made, call in state.calls.results.items()} == self.to_tell

    def _compare_lanes(self, state: State) -> None:
        lanes: dict[Lane, list[int]] = {}
        for number, place in self.places.items():
            if isinstance(place, tuple):
                lanes.setdefault(place, []).append(number)
        assert set(state.lanes) == set(lanes), "no lane is empty, none is missing"
        for key, numbers in lanes.items():
            lane = state.lanes[key]
            numbers.sort(key=lambda number: _order(state, key, number))
            assert lane.key == key and list(lane.numbers()) == numbers
            new = (self.package_of[number] for number in numbers if number not in self.given)
            assert lane.packages == Counter(package for package in new if package is not None)

    def _compare_package(self, number: int, package: Package) -> None:
        mine = [task for task, owner in self.package_of.items() if owner == number]
        never_given = [task for task in mine if task not in self.given]
        created = sum(self.places.get(task) == CREATED for task in never_given)
        waiting = sum(isinstance(self.places.get(task), tuple) for task in never_given)
        calling = sum(self.places.get(task) == CALLING for task in never_given)
        ended = sum(task in self.ended for task in never_given)
        assert package.rows == self.rows[number] == len(mine)
        assert (package.distributed, package.waiting) == (len(mine) - len(never_given), waiting)
        assert package.calling == calling
        assert package.rows == package.distributed + package.waiting + created + calling + ended


def _rule(place: Place) -> str | None:
    assert not isinstance(place, str), f"Expected a task that waits or is held, but it is {place}"
    return place.rule if isinstance(place, Held) else place[0]


def place_in(state: State, number: int) -> Place:
    """Where the state says the task is."""
    task = state.tasks[number]
    assert (task.agent is None) == (task.grant == 0) == (task.status in (*NOWHERE, "pooled"))
    if task.agent is not None:
        locked = task.marks.locked_until if task.marks else 0
        until = task.recycles_at if task.status == "offered" else 0
        return Held(task.agent, task.rule, task.grant, task.status == "in_progress", locked, until)
    return task.status if task.status in NOWHERE else (task.rule, task.stage, task.lane)


def _order(state: State, key: Lane, number: int) -> tuple[int, int]:
    rule, task = state.governing.get(key[0] or ""), state.tasks[number]
    return (task.ages_from - task.priority * (rule.ageing_ms if rule else 3_600_000), number)
