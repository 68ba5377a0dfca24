"""What events call for: freed capacity, a new pool, new rules and a parsed package put work in motion at once.

The agenda is a memory of what has still to be looked at, not state: a restart looks at everything once. Its commands
are taken one at a time, so that what people ask for goes in between.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

from engine import commands as cmd
from engine import events as ev
from engine.rules.lanes import questions_of
from engine.rules.model import BY_ROUNDS, Rule
from engine.state import LaneKey, State
from engine.state.package import OVER

ROUND = 500
"""Picks a round, and tasks a step: a few milliseconds of work."""
REPOOL = 2_000
"""Waiting tasks asked about in one step under new rules."""
_POOLING = ("parsed", "distributing")
_CLOSES_WITH_LOAD = re.compile(r"agent\.load\s*<")


class Agenda:
    """Follow-up commands of one workspace."""

    def __init__(self) -> None:
        self._freed: dict[str, None] = {}
        self._lanes: dict[LaneKey, None] = {}
        self._sweeping: dict[int, None] = {}
        self._pooling: dict[int, None] = {}
        self._repooling: Iterator[int] | None = None
        self._settling: dict[int, None] = {}
        self._by_load: frozenset[str] = frozenset()
        self._load_version = 0

    def everything(self, state: State) -> None:
        """After a restart: look at all there is."""
        self._lanes.update(dict.fromkeys(state.lanes))
        self._repooling = iter(_waiting(state)) if state.version else None
        for number, package in state.packages.items():
            if package.status in OVER and package.swept_through < package.last_task:
                self._sweeping[number] = None
            elif package.status in _POOLING:
                self._pooling[number] = None
            elif package.status == "partly_distributed":
                self._settling[number] = None

    def note(self, state: State, event: ev.Event) -> None:
        """An event was written into the state."""
        noted = _NOTED.get(type(event))
        if noted is not None:
            noted(self, state, event)

    def _people_changed(self, state: State, _event: ev.Event) -> None:
        """Who may come within targets, or have room again."""
        self._stir(state.lanes)

    def _completed(self, _state: State, event: ev.TaskCompleted) -> None:
        self._free(event.agent)

    def _cancelled(self, _state: State, event: ev.TasksCancelled) -> None:
        for agent in event.agents:
            self._free(agent)
        self._settle(event.package)

    def _called(self, _state: State, event: ev.CallbackSucceeded) -> None:
        self._settle(event.package)

    def _merged(self, _state: State, event: ev.TasksMerged) -> None:
        for agent in event.agents:
            self._free(agent)
        for package in event.packages:
            self._settle(package or None)

    def _recycled(self, _state: State, event: ev.TasksRecycled | ev.OffersReturned) -> None:
        for agent in event.agents:
            self._free(agent)

    def _step_taken(self, _state: State, event: ev.EscalationStepTaken) -> None:
        reassigned = set(event.reassigned)
        for task, agent in zip(event.tasks, event.agents, strict=True):
            if task in reassigned:
                self._free(agent)

    def _handed_over(self, _state: State, event: ev.TasksHandedOver) -> None:
        self._free(event.agent)

    def _reassigned(self, state: State, event: ev.TaskReassigned) -> None:
        self._free(event.held_by)
        self._taken(state, event)

    def _taken(self, state: State, event: ev.TaskClaimed | ev.TaskReassigned) -> None:
        self._stir_by_load(state)
        self._settle(event.package)

    def _allocated(self, state: State, event: ev.TasksAllocated) -> None:
        self._stir_by_load(state)
        self._settle_those_of(state, event.tasks)

    def _pooled(self, state: State, event: ev.TasksPooled) -> None:
        """What waits anew."""
        self._stir((placement.rule, placement.stage, placement.lane) for placement in event.placements)
        self._keep_on(state, event.package)

    def _relaxed(self, state: State, event: ev.TasksRelaxed) -> None:
        """What waits for other agents than before."""
        self._stir(key for key in state.lanes if key[0] == event.rule and key[1] == event.stage)

    def _ruled_anew(self, state: State, _event: ev.RuleSetApplied) -> None:
        self._repooling = iter(_waiting(state))
        self._stir(state.lanes)

    def _stepped_on(self, state: State, event: ev.PackageParsed | ev.PackageDistributing) -> None:
        self._keep_on(state, event.package)

    def _over(self, _state: State, event: ev.PackageFailed | ev.PackageWithdrawn) -> None:
        self._sweeping[event.package] = None

    def next(self, state: State, most: int | None = None) -> cmd.Command | None:
        """The next follow-up, of ``most`` tasks or a round; None when everything is at rest."""
        steps = (
            self._next_freed, self._next_sweep, self._next_repool, self._next_pooling, self._next_round,
            self._next_settling,
        )  # fmt: skip
        for step in steps:
            command = step(state, most or ROUND)
            if command is not None:
                return command
        return None

    def _next_freed(self, state: State, limit: int) -> cmd.Command | None:
        """Only lanes at rest: nobody else has room for those. The others wait for a round that asks everybody.

        Where that can come at once it takes all lanes, or the freed would be given less urgent work first. While rows
        are on their way into pools, they do not stand idle until all are there.
        """
        if self._lanes and not (self._sweeping or self._repooling or self._pooling):
            return self._next_round(state, limit)
        among = tuple(agent for agent in self._freed if agent in state.agents and state.agents[agent].has_room)
        self._freed.clear()
        lanes = tuple(key for key in state.lanes if key not in self._lanes) if self._lanes else None
        return cmd.AllocateTasks(limit, lanes, among) if among and lanes != () else None

    def _next_sweep(self, state: State, limit: int) -> cmd.Command | None:
        for number in list(self._sweeping):
            package = state.packages[number]
            if package.swept_through < package.last_task:
                return cmd.SweepPackage(number, limit)
            del self._sweeping[number]
        return None

    def _next_repool(self, _state: State, _limit: int) -> cmd.Command | None:
        numbers = tuple(islice(self._repooling, REPOOL)) if self._repooling else ()
        if numbers:
            return cmd.RepoolTasks(numbers)
        self._repooling = None
        return None

    def _next_pooling(self, state: State, limit: int) -> cmd.Command | None:
        for number in list(self._pooling):
            package = state.packages[number]
            pooled = package.pooled_through >= package.last_task and package.status != "parsed"
            if package.status in _POOLING and not pooled:
                return cmd.PoolPackage(number, limit)
            del self._pooling[number]
            self._settle(number)
        return None

    def _next_round(self, state: State, limit: int) -> cmd.Command | None:
        lanes = tuple(key for key in self._lanes if key in state.lanes and _by_rounds(state, key))
        self._lanes.clear()
        if not lanes:
            return self._next_freed(state, limit) if self._freed else None
        freed = any(agent in state.agents and state.agents[agent].has_room for agent in self._freed)
        at_rest = frozenset(state.lanes).difference(lanes) if freed else frozenset[LaneKey]()
        self._freed.clear()
        return cmd.AllocateTasks(limit, (*lanes, *(key for key in state.lanes if key in at_rest)), None, at_rest)

    def _next_settling(self, _state: State, _limit: int) -> cmd.Command | None:
        packages = tuple(self._settling)
        self._settling.clear()
        return cmd.SettlePackages(packages) if packages else None

    def again(self, command: cmd.Command, events: Sequence[ev.Event]) -> None:
        """A round that stopped at its limit goes on."""
        if not isinstance(command, cmd.AllocateTasks):
            return
        picked = sum(len(event.tasks) for event in events if isinstance(event, ev.TasksAllocated))
        if picked < command.limit:
            return
        if command.among is None:
            self._stir(command.lanes or ())
        else:
            self._freed.update(dict.fromkeys(command.among))

    def _free(self, agent: str) -> None:
        if agent:
            self._freed[agent] = None

    def _stir(self, lanes: object) -> None:
        self._lanes.update(dict.fromkeys(lanes))  # type: ignore[call-overload]

    def _stir_by_load(self, state: State) -> None:
        """Who holds more than before may have come within targets that ask for that."""
        if self._load_version != state.version:
            self._load_version = state.version
            self._by_load = frozenset(rule.id for rule in state.governing.values() if _opens_with_load(state, rule))
        if self._by_load:
            self._stir(key for key in state.lanes if key[0] in self._by_load)

    def _keep_on(self, state: State, package: int | None) -> None:
        if package is not None and state.packages[package].status in _POOLING:
            self._pooling[package] = None

    def _settle(self, package: int | None) -> None:
        if package is not None:
            self._settling[package] = None

    def _settle_those_of(self, state: State, tasks: Sequence[int]) -> None:
        packages = {state.tasks[number].package for number in tasks if number in state.tasks}
        self._settling.update((number, None) for number in packages if number is not None)


_NOTED: dict[type[ev.Event], Callable[[Agenda, State, Any], None]] = {
    ev.AgentsRegistered: Agenda._people_changed,
    ev.AgentsRemoved: Agenda._people_changed,
    ev.AgentPresenceChanged: Agenda._people_changed,
    ev.TaskCompleted: Agenda._completed,
    ev.TasksCancelled: Agenda._cancelled,
    ev.CallbackSucceeded: Agenda._called,
    ev.TasksMerged: Agenda._merged,
    ev.TaskReassigned: Agenda._reassigned,
    ev.TasksRecycled: Agenda._recycled,
    ev.OffersReturned: Agenda._recycled,
    ev.TasksHandedOver: Agenda._handed_over,
    ev.EscalationStepTaken: Agenda._step_taken,
    ev.TaskClaimed: Agenda._taken,
    ev.TasksAllocated: Agenda._allocated,
    ev.TasksPooled: Agenda._pooled,
    ev.TasksRelaxed: Agenda._relaxed,
    ev.RuleSetApplied: Agenda._ruled_anew,
    ev.PackageParsed: Agenda._stepped_on,
    ev.PackageDistributing: Agenda._stepped_on,
    ev.PackageFailed: Agenda._over,
    ev.PackageWithdrawn: Agenda._over,
}
"""What an event puts on the agenda; the others put nothing there."""


def _by_rounds(state: State, key: LaneKey) -> bool:
    rule = state.governing.get(key[0] or "")
    return rule is not None and rule.method in BY_ROUNDS


def _opens_with_load(state: State, rule: Rule) -> bool:
    """Whether who holds more may come within its targets; when in doubt yes, a round too many does no harm."""
    return state.rule_set is not None and any(_may_open(text) for text in questions_of(state.rule_set, rule))


def _may_open(text: str) -> bool:
    if "load" not in text:
        return False
    return "not" in text or "!" in text or "load" in _CLOSES_WITH_LOAD.sub("", text)


def _waiting(state: State) -> list[int]:
    return [number for lane in state.lanes.values() for number in lane.numbers()]
