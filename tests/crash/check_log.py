"""The log alone: one request has one effect, a task one holder, an agent never too much, a row one task.

Kept apart from ``engine/evolve``: a checker that shares the code it checks finds what that code thinks of.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import msgspec

from engine import events as ev
from engine.events import Recorded
from tests.crash import check_escalating, check_returning
from tests.crash.check_returning import BETWEEN
from tests.crash.history import Findings

OVER = ("completed", "cancelled")
ASKED = "is asked about outside"


class Task(msgspec.Struct):
    """A task as the log tells of it."""

    agent: str = ""
    grant: int = 0
    rule: str | None = None
    status: str = "waits"
    locked_until: int = 0
    escalated: bool = False
    begun: bool = False
    limited: bool = False
    steps: tuple[ev.DueStep, ...] = ()
    """Of the escalation, still to be taken."""


class Ledger:
    """Follows the log and notes what cannot be."""

    def __init__(self) -> None:
        self.findings: Findings = []
        self.tasks: dict[int, Task] = {}
        self.capacity: dict[str, int] = {}
        self.presence: dict[str, str] = {}
        self.caps: dict[str, int | None] = {}
        self.load: Counter[str] = Counter()
        self.load_by_rule: Counter[tuple[str, str | None]] = Counter()
        self.lines: dict[int, Counter[int]] = defaultdict(Counter)
        self.rejected: dict[int, Counter[int]] = defaultdict(Counter)
        self.parsed: dict[int, tuple[int, int]] = {}
        self.rest: dict[int, str] = {}
        """Package -> the last thing that was said of it."""
        self._at = self.now = 0

    def follow(self, log: list[Recorded]) -> None:
        """Take every event."""
        for recorded in log:
            self._at, self.now = recorded.position, recorded.at
            take = TAKE.get(type(recorded.event))
            if take is not None:
                take(self, recorded.event)
        between = [number for number, task in self.tasks.items() if task.status == BETWEEN]
        if between:
            self.wrong(f"tasks {between[:5]} are in nobody's hands and in no pool at the end")
        check_escalating.left_untaken(self)

    def wrong(self, told: str) -> None:
        """Note what cannot be."""
        self.findings.append(f"position {self._at}: {told}")

    def rules(self, event: ev.RuleSetApplied) -> None:
        self.caps = {rule.id: rule.cap_per_agent for rule in event.rule_set.rules}

    def agents(self, event: ev.AgentsRegistered) -> None:
        for spec in event.agents:
            self.capacity[spec.id] = spec.capacity
            self.presence.setdefault(spec.id, spec.presence)

    def presence_changed(self, event: ev.AgentPresenceChanged) -> None:
        self.presence[event.agent] = event.presence

    def created(self, event: ev.TaskCreated) -> None:
        self._new(event.task)

    def imported(self, event: ev.TasksImported) -> None:
        for place, row in enumerate(event.rows):
            self._new(event.first_task + place)
            self.lines[event.package][row.line] += 1
        self.rejected[event.package].update(row.line for row in event.rejected)

    def _new(self, number: int) -> None:
        if number != len(self.tasks) + 1:
            self.wrong(f"task {number} comes after task {len(self.tasks)}")
        self.tasks[number] = Task()

    def pooled(self, event: ev.TasksPooled) -> None:
        for placement in event.placements:
            for number in placement.tasks:
                task = self.task(number)
                if task.status not in ("waits", BETWEEN):
                    self.wrong(f"task {number} goes into a pool, but it {task.status}")
                task.rule, task.status = placement.rule, "waits"

    def allocated(self, event: ev.TasksAllocated) -> None:
        for number, who, under in zip(event.tasks, event.who, event.under, strict=True):
            agent = event.agents[who]
            if self.presence.get(agent) != "available":
                self.wrong(f"task {number} is pushed to {agent}, who is {self.presence.get(agent)}")
            self._from_a_pool(number, agent)
            self._grant(number, agent, event.rules[under], "")

    def asked_outside(self, event: ev.CallbacksStarted) -> None:
        for number in event.tasks:
            task = self.task(number)
            if task.status != "waits" or task.rule is not None:
                self.wrong(f"task {number} is asked about outside, but {task}")
            task.status = ASKED

    def not_done_outside(self, event: ev.CallbacksFailed) -> None:
        for number in event.tasks:
            if self.task(number).status != ASKED:
                self.wrong(f"nobody outside does task {number}, but {self.task(number)}")
            self.task(number).status = BETWEEN

    def done_outside(self, event: ev.CallbackSucceeded) -> None:
        if self.task(event.task).status != ASKED:
            self.wrong(f"task {event.task} is done outside, but {self.task(event.task)}")
        self.task(event.task).status = "completed"

    def claimed(self, event: ev.TaskClaimed) -> None:
        self._from_a_pool(event.task, event.agent)
        self._grant(event.task, event.agent, event.rule, "")

    def _from_a_pool(self, number: int, agent: str) -> None:
        if self.task(number).status in (BETWEEN, ASKED):
            self.wrong(f"task {number} goes to {agent}, but it {self.task(number).status} and is in no pool")

    def reassigned(self, event: ev.TaskReassigned) -> None:
        if self.task(event.task).locked_until:
            self.wrong(f"task {event.task} goes to {event.agent}, but {event.held_by} keeps it")
        self._grant(event.task, event.agent, event.rule, event.held_by)

    def _grant(self, number: int, agent: str, rule: str | None, held_by: str) -> None:
        task = self.task(number)
        if task.agent != held_by or task.status in OVER:
            self.wrong(
                f"task {number} goes to {agent} from {held_by!r}, but {task.agent!r} has it and it {task.status}"
            )
        self.release(task)
        self.load[agent] += 1
        self.load_by_rule[agent, rule] += 1
        cap = self.caps.get(rule or "")
        if self.load[agent] > self.capacity.get(agent, 0):
            self.wrong(f"{agent} holds {self.load[agent]} of {self.capacity.get(agent, 0)}")
        if cap is not None and self.load_by_rule[agent, rule] > cap:
            self.wrong(f"{agent} holds {self.load_by_rule[agent, rule]} under {rule}, whose cap is {cap}")
        task.agent, task.grant, task.rule, task.status = agent, self._at, rule, "is assigned"

    def release(self, task: Task) -> None:
        if task.agent:
            self.load[task.agent] -= 1
            self.load_by_rule[task.agent, task.rule] -= 1
        task.agent, task.locked_until = "", 0

    def started(self, event: ev.TaskStarted) -> None:
        self._held(event, "is assigned")
        task = self.task(event.task)
        task.status, task.begun = "is in progress", True

    def completed(self, event: ev.TaskCompleted) -> None:
        self._held(event, "is in progress")
        self.release(self.task(event.task))
        self.task(event.task).status = "completed"

    def _held(self, event: ev.TaskStarted | ev.TaskCompleted, status: str) -> None:
        task = self.task(event.task)
        if (task.agent, task.grant, task.status) != (event.agent, event.grant, status):
            self.wrong(f"{event.agent} acts on task {event.task} under grant {event.grant}, but {task}")

    def cancelled(self, event: ev.TasksCancelled) -> None:
        for number, agent in zip(event.tasks, event.agents, strict=True):
            task = self.task(number)
            if task.agent != agent or task.status in OVER:
                self.wrong(f"task {number} is cancelled from {agent!r}, but {task}")
            self.release(task)
            task.status = "cancelled"

    def package(self, event: Any) -> None:
        self.rest[event.package] = type(event).__name__
        if isinstance(event, ev.PackageParsed):
            self.parsed[event.package] = (event.rows, event.rejected)

    def task(self, number: int) -> Task:
        if number not in self.tasks:
            self.wrong(f"task {number} was never created")
            self.tasks[number] = Task()
        return self.tasks[number]


TAKE: dict[type[ev.Event], Callable[[Ledger, Any], None]] = {
    ev.RuleSetApplied: Ledger.rules,
    ev.AgentsRegistered: Ledger.agents,
    ev.AgentPresenceChanged: Ledger.presence_changed,
    ev.TaskCreated: Ledger.created,
    ev.TasksImported: Ledger.imported,
    ev.TasksPooled: Ledger.pooled,
    ev.TasksAllocated: Ledger.allocated,
    ev.TaskClaimed: Ledger.claimed,
    ev.TaskReassigned: Ledger.reassigned,
    ev.TaskStarted: Ledger.started,
    ev.TaskCompleted: Ledger.completed,
    ev.TasksCancelled: Ledger.cancelled,
    ev.TasksRecycled: check_returning.recycled,
    ev.TasksHandedOver: check_returning.handed_over,
    ev.TasksEscalated: check_returning.escalated,
    ev.DeadlinesSet: check_escalating.deadlines_set,
    ev.EscalationStepTaken: check_escalating.step_taken,
    ev.TaskLocked: check_returning.locked,
    ev.CallbacksStarted: Ledger.asked_outside,
    ev.CallbacksFailed: Ledger.not_done_outside,
    ev.CallbackSucceeded: Ledger.done_outside,
    ev.TaskUnlocked: check_returning.unlocked,
    ev.PackageRegistered: Ledger.package,
    ev.PackageParsed: Ledger.package,
    ev.PackageDistributed: Ledger.package,
    ev.PackageFailed: Ledger.package,
}


def check_log(log: list[Recorded], ledger: Ledger) -> Findings:
    """Positions, time, requests, and what the ledger finds."""
    findings = []
    for place, recorded in enumerate(log, 1):
        if recorded.position != place:
            findings.append(f"position {place}: the next event is at {recorded.position}")
            break
    findings += [f"position {b.position}: it is older than the one before" for a, b in pairwise(log) if b.at < a.at]
    findings += _requests(log)
    ledger.follow(log)
    return findings + ledger.findings


def effects(log: list[Recorded]) -> dict[str, list[Recorded]]:
    """Request id -> its events."""
    found: dict[str, list[Recorded]] = defaultdict(list)
    for recorded in log:
        if recorded.request:
            found[recorded.request].append(recorded)
    return found


def _requests(log: list[Recorded]) -> Findings:
    """Events of one command stand together and were decided at one moment."""
    return [
        f"request {request}: {len(events)} events from position {events[0].position} to {events[-1].position}"
        for request, events in effects(log).items()
        if events[-1].position - events[0].position != len(events) - 1 or len({one.at for one in events}) > 1
    ]
