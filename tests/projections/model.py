"""What the views should show, worked out in plain Python, one event after another."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from engine import events as ev
from engine.decide.round import is_set_aside
from engine.decide.settling import reason_of
from engine.events import Recorded
from engine.evolve import evolve
from engine.state import State, lane_key
from projections.masking import NOBODY, masked, masked_row, masked_text
from projections.rows import (
    AgentView,
    AssignmentView,
    CountView,
    PackageView,
    PoolView,
    RejectedView,
    SpreadView,
    TaskView,
)


class Model:
    """Beside the engine's own state it keeps what the state forgets: tasks that ended, and history."""

    def __init__(self, log: Iterable[Recorded], workspace: str = "bank") -> None:
        self.state = State(workspace)
        self._tasks: dict[int, dict[str, Any]] = {}
        self._agents: dict[str, dict[str, Any]] = {}
        self._assigned: list[dict[str, Any]] = []
        self._packages: dict[int, dict[str, Any]] = {}
        self._rejected: list[RejectedView] = []
        self._given: set[int] = set()
        self._to_be_told: dict[int, int] = {}
        """Task -> position of its last completion that is told outside."""
        for recorded in log:
            evolve(self.state, recorded)
            self._note(recorded)

    # --- what it shows -----------------------------------------------------------------------------------------------

    def tasks(self) -> list[TaskView]:
        return [self._task_view(number) for number in sorted(self._tasks)]

    def assignments(self) -> list[AssignmentView]:
        return [AssignmentView(**row) for row in sorted(self._assigned, key=lambda row: (row["grant"], row["task"]))]

    def agents(self) -> list[AgentView]:
        return [self._agent_view(agent) for agent in sorted(self._agents)]

    def rejected(self, package: int) -> list[RejectedView]:
        return [row for row in self._rejected if row.package == package]

    def packages(self) -> list[PackageView]:
        return [self._package_view(number) for number in sorted(self._packages)]

    def pools(self) -> list[PoolView]:
        shown = [
            PoolView(
                lane.key[0] or "", lane.key[1], list(lane.key[2]), len(lane.order), reason_of(self.state, lane),
                min(self.state.tasks[number].created_at for number in lane.numbers()),
            )
            for lane in self.state.lanes.values()
        ]  # fmt: skip
        return sorted(shown, key=str)

    def counts(self) -> list[CountView]:
        counts = Counter((t.type, t.business_type, t.rule, t.status) for t in self.tasks())
        return [CountView(*key, count) for key, count in sorted(counts.items())]

    def spread(self) -> list[SpreadView]:
        held: dict[str, Counter[str]] = defaultdict(Counter)
        for task in self.state.tasks.values():
            if task.agent:
                held[task.rule or ""][task.agent] += 1
        return [
            SpreadView(rule, len(by), sum(by.values()), min(by.values()), max(by.values()))
            for rule, by in sorted(held.items())
        ]

    def _task_view(self, number: int) -> TaskView:
        row, task = dict(self._tasks[number]), self.state.tasks.get(number)
        waits = task is not None and task.status == "pooled"
        row["waiting_for"] = reason_of(self.state, self.state.lanes[lane_key(task)]) if waits else ""
        rule = self.state.governing.get(task.rule or "") if waits else None
        if rule is not None and is_set_aside(task, rule):
            row["waiting_for"] = "to_be_assigned"
        assert task is not None or row["closes_at"] == 0
        assert task is None or (task.status, task.rule or "", task.stage, task.agent or row["agent"]) == (
            row["status"], row["rule"], row["stage"], row["agent"],
        )  # fmt: skip
        return TaskView(**row)

    def _agent_view(self, agent: str) -> AgentView:
        row = dict(self._agents[agent])
        held = [task for task in self.state.tasks.values() if task.agent == agent]
        row["load"], row["load_by_rule"] = len(held), dict(Counter(task.rule or "" for task in held))
        return AgentView(**row)

    def _package_view(self, number: int) -> PackageView:
        row = dict(self._packages[number])
        tasks = [task for task in self.tasks() if task.package == number]
        given = [task for task in tasks if task.number in self._given]
        rest = [task for task in tasks if task.number not in self._given]
        row["rows"], row["distributed"] = len(tasks), len(given)
        row["ended"] = sum(task.status in ("completed", "cancelled", "merged", "closed") for task in tasks)
        row["not_distributed"] = dict(Counter(task.waiting_for or task.status for task in rest))
        assert row["rows"] == row["distributed"] + sum(row["not_distributed"].values())
        return PackageView(**row)

    # --- how it is brought up to date --------------------------------------------------------------------------------

    def _note(self, recorded: Recorded) -> None:
        handler = getattr(self, "_" + type(recorded.event).__name__, None)
        if handler is not None:
            handler(recorded.event, recorded)
        named = (getattr(recorded.event, "package", None), *getattr(recorded.event, "packages", ()))
        for package in named:
            if package in self._packages:
                self._packages[package]["updated_at"] = recorded.at
        self._states(recorded.event)

    def _states(self, event: ev.Event) -> None:
        for number, package in self.state.packages.items():
            self._packages[number]["status"] = package.status
            self._packages[number]["rejected"] = package.rejected

    def _new(self, number: int, event: Any, row: ev.TaskRow, person: Any, package: int, recorded: Recorded) -> None:
        name, mobile, id_card = masked(person) if person else NOBODY
        attributes = {k: v for k, v in zip(event.columns, row.attributes, strict=True) if v is not None}
        self._tasks[number] = {
            "number": number, "type": event.task_type, "business_type": event.business_type, "status": "created",
            "priority": row.priority, "customer": row.customer or "", "owner": row.owner or "",
            "region": row.region or "", "attributes": attributes, "name_masked": name, "mobile_masked": mobile,
            "id_card_masked": id_card, "package": package, "line": row.line, "rule": "", "version": 0, "stage": 0,
            "lane": [], "agent": "", "grant": 0, "picked_by": "", "passed": [], "created_at": recorded.at,
            "pooled_at": 0, "assigned_at": 0, "started_at": 0, "ended_at": 0, "wrap_up": {},
            "positions": [recorded.position], "recycled": 0, "handed_over": 0, "escalated": False, "locked_until": 0,
            "respond_by": 0, "resolve_by": 0, "overdue": False, "merged_into": 0, "offered_until": 0, "let_pass": 0,
            "feedback": "", "score": 0, "feedback_note": "", "feedback_at": 0, "closes_at": 0, "closed_at": 0,
            "closed_why": "", "reopened": 0,
            "callback": "", "callback_attempts": 0, "callback_reason": "", "delivery": "", "delivery_attempts": 0,
            "delivery_reason": "",
        }  # fmt: skip

    def _TaskCreated(self, event: ev.TaskCreated, recorded: Recorded) -> None:
        self._new(event.task, event, event.row, event.person, 0, recorded)

    def _TasksImported(self, event: ev.TasksImported, recorded: Recorded) -> None:
        for place, row in enumerate(event.rows):
            person = event.persons[place] if event.persons else None
            self._new(event.first_task + place, event, row, person, event.package, recorded)
        self._rejected += [
            RejectedView(event.package, r.line, r.column, r.reason, masked_row(r.text, r.name)) for r in event.rejected
        ]

    def _change(self, number: int, recorded: Recorded, **values: Any) -> None:
        self._tasks[number].update(values)
        self._tasks[number]["positions"].append(recorded.position)

    def _TasksPooled(self, event: ev.TasksPooled, recorded: Recorded) -> None:
        for placement in event.placements:
            for number in placement.tasks:
                self._change(
                    number, recorded, status="pooled", rule=placement.rule or "", lane=list(placement.lane), stage=placement.stage,
                    version=event.rule_set_version, pooled_at=recorded.at,
                )  # fmt: skip

    def _TasksRelaxed(self, event: ev.TasksRelaxed, recorded: Recorded) -> None:
        for number in event.tasks:
            self._change(number, recorded, stage=event.stage)

    def _give(
        self, number: int, agent: str, by: str, passed: tuple[str, ...], round_: int, version: int, recorded: Recorded,
        until: int = 0,
    ) -> None:  # fmt: skip
        task = self._tasks[number]
        first = number not in self._given
        self._given.add(number)
        self._agents[agent]["assigned_total"] += not until
        self._change(
            number, recorded, status="offered" if until else "assigned", offered_until=until, agent=agent, grant=recorded.position, picked_by=by, version=version,
            passed=list(passed), assigned_at=recorded.at, started_at=0,
        )  # fmt: skip
        self._assigned.append({
            "grant": recorded.position, "task": number, "agent": agent, "rule": task["rule"], "version": version,
            "package": task["package"], "round": round_, "picked_by": by, "passed": list(passed),
            "assigned_at": recorded.at, "started_at": 0, "ended_at": 0, "outcome": "",
        })  # fmt: skip
        if task["package"] and first:
            self._packages[task["package"]]["updated_at"] = recorded.at

    def _in_force(self, number: int) -> dict[str, Any] | None:
        return next((row for row in self._assigned if row["task"] == number and not row["outcome"]), None)

    def _end(self, number: int, outcome: str, recorded: Recorded) -> None:
        row = self._in_force(number)
        if row is not None:
            row.update(outcome=outcome, ended_at=recorded.at)

    def _TasksAllocated(self, event: ev.TasksAllocated, recorded: Recorded) -> None:
        for number, who, under, how in zip(event.tasks, event.who, event.under, event.how, strict=True):
            pick, until = event.picks[how], event.until[under] if event.until else 0
            round_, version = event.round, event.rule_set_version
            self._give(number, event.agents[who], pick.by, pick.passed, round_, version, recorded, until)

    def _OfferAccepted(self, event: ev.OfferAccepted, recorded: Recorded) -> None:
        self._agents[event.agent]["assigned_total"] += 1
        self._change(event.task, recorded, status="assigned", offered_until=0)

    def _OffersReturned(self, event: ev.OffersReturned, recorded: Recorded) -> None:
        counts = event.cause in ("rejected", "timed_out")
        for number in event.tasks:
            times = self._tasks[number]["let_pass"] + counts
            self._back(number, event.cause if counts else "recycled", recorded, let_pass=times)

    def _TaskClaimed(self, event: ev.TaskClaimed, recorded: Recorded) -> None:
        self._give(event.task, event.agent, "claim", (), 0, event.rule_set_version, recorded)

    def _TaskReassigned(self, event: ev.TaskReassigned, recorded: Recorded) -> None:
        self._end(event.task, "reassigned", recorded)
        self._give(event.task, event.agent, "manual", (), 0, event.rule_set_version, recorded)

    def _TaskStarted(self, event: ev.TaskStarted, recorded: Recorded) -> None:
        self._change(event.task, recorded, status="in_progress", started_at=recorded.at)
        self._in_force(event.task)["started_at"] = recorded.at

    def _TaskCompleted(self, event: ev.TaskCompleted, recorded: Recorded) -> None:
        self._agents[event.agent]["completed_total"] += 1
        self._end(event.task, "completed", recorded)
        self._change(
            event.task, recorded, status="completed", locked_until=0, ended_at=recorded.at, wrap_up=event.wrap_up,
            **self._to_tell(event, recorded),
        )  # fmt: skip
        if event.closes_at:
            self._tasks[event.task].update(
                feedback="awaited", score=0, feedback_note="", feedback_at=0, closes_at=event.closes_at
            )

    def _FeedbackGiven(self, event: ev.FeedbackGiven, recorded: Recorded) -> None:
        self._change(
            event.task, recorded, feedback="satisfied" if event.satisfied else "unsatisfied", score=event.score,
            feedback_note=masked_text(event.note), feedback_at=recorded.at,
            closes_at=event.closes_at or self._tasks[event.task]["closes_at"],
        )  # fmt: skip

    def _TaskReopened(self, event: ev.TaskReopened, recorded: Recorded) -> None:
        task = self._tasks[event.task]
        times = task["reopened"] + (event.cause == "unsatisfied")
        self._back(
            event.task, "completed", recorded, priority=event.priority, reopened=times, closes_at=0, ended_at=0,
            wrap_up={},
        )  # fmt: skip

    def _TasksClosed(self, event: ev.TasksClosed, recorded: Recorded) -> None:
        for number in event.tasks:
            task = self._tasks[number]
            opinion = "" if task["feedback"] == "awaited" else task["feedback"]
            self._change(
                number, recorded, status="closed", feedback=opinion, closes_at=0, closed_at=recorded.at,
                closed_why=event.why,
            )  # fmt: skip

    def _TasksCancelled(self, event: ev.TasksCancelled, recorded: Recorded) -> None:
        for number in event.tasks:
            self._end(number, "cancelled", recorded)
            more = {"callback": "cancelled"} if number in event.calling else {}
            self._change(
                number, recorded, status="cancelled", locked_until=0, offered_until=0, ended_at=recorded.at, **more
            )

    def _back(self, number: int, became: str, recorded: Recorded, **more: Any) -> None:
        self._end(number, became, recorded)
        self._change(
            number, recorded, status="returned", agent="", grant=0, picked_by="", passed=[], assigned_at=0,
            started_at=0, locked_until=0, offered_until=0, **more,
        )  # fmt: skip

    def _TasksRecycled(self, event: ev.TasksRecycled, recorded: Recorded) -> None:
        for number in event.tasks:
            rounds = self._tasks[number]["recycled"] + (event.cause == "not_started")
            self._back(number, "recycled", recorded, recycled=rounds)

    def _TasksHandedOver(self, event: ev.TasksHandedOver, recorded: Recorded) -> None:
        for number, priority in zip(event.tasks, event.priorities, strict=True):
            times = self._tasks[number]["handed_over"] + 1
            self._back(number, "handed_over", recorded, priority=priority, handed_over=times)

    def _TasksEscalated(self, event: ev.TasksEscalated, recorded: Recorded) -> None:
        for number in event.tasks:
            self._change(number, recorded, escalated=True)

    def _DeadlinesSet(self, event: ev.DeadlinesSet, recorded: Recorded) -> None:
        for number in event.tasks:
            self._change(number, recorded, respond_by=event.respond_by, resolve_by=event.resolve_by)

    def _EscalationStepTaken(self, event: ev.EscalationStepTaken, recorded: Recorded) -> None:
        for place, number in enumerate(event.tasks):
            more = {"priority": event.priorities[place]} if event.priorities else {}
            overdue = self._tasks[number]["overdue"] or event.step.mark_overdue
            if number in event.reassigned and event.agents[place]:
                self._back(number, "escalated", recorded, overdue=overdue, **more)
            else:
                self._change(number, recorded, overdue=overdue, **more)

    def _TaskReprioritised(self, event: ev.TaskReprioritised, recorded: Recorded) -> None:
        self._change(event.task, recorded, priority=event.priority)

    def _TaskDeadlinesChanged(self, event: ev.TaskDeadlinesChanged, recorded: Recorded) -> None:
        self._change(event.task, recorded, respond_by=event.respond_by, resolve_by=event.resolve_by)

    def _TaskCommented(self, event: ev.TaskCommented, recorded: Recorded) -> None:
        self._change(event.task, recorded)

    def _TasksMerged(self, event: ev.TasksMerged, recorded: Recorded) -> None:
        for number in event.tasks:
            self._end(number, "merged", recorded)
            more = {"callback": "cancelled"} if number in event.calling else {}
            self._change(
                number,
                recorded,
                status="merged",
                locked_until=0,
                offered_until=0,
                ended_at=recorded.at,
                merged_into=event.into,
                **more,
            )
        self._change(event.into, recorded, priority=event.priority)

    def _TaskLocked(self, event: ev.TaskLocked, recorded: Recorded) -> None:
        self._change(event.task, recorded, locked_until=event.until)

    def _TaskUnlocked(self, event: ev.TaskUnlocked, recorded: Recorded) -> None:
        self._change(event.task, recorded, locked_until=0)

    def _CallbacksStarted(self, event: ev.CallbacksStarted, recorded: Recorded) -> None:
        for number in event.tasks:
            self._change(number, recorded, status="calling", callback="calling")

    def _CallbackSucceeded(self, event: ev.CallbackSucceeded, recorded: Recorded) -> None:
        self._change(
            event.task, recorded, status="completed", ended_at=recorded.at, wrap_up=event.result, callback="succeeded",
            callback_attempts=event.attempts, **self._to_tell(event, recorded),
        )  # fmt: skip

    def _CallbacksFailed(self, event: ev.CallbacksFailed, recorded: Recorded) -> None:
        for number in event.tasks:
            self._change(
                number, recorded, status="created", callback=event.cause, callback_attempts=event.attempts,
                callback_reason=event.reason,
            )  # fmt: skip

    def _to_tell(self, event: ev.TaskCompleted | ev.CallbackSucceeded, recorded: Recorded) -> dict[str, Any]:
        """A task completed twice is told of twice; the last telling is shown."""
        if event.deliver is None:
            return {}
        self._to_be_told[event.task] = recorded.position
        return {"delivery": "sending", "delivery_attempts": 0, "delivery_reason": ""}

    def _ResultDelivered(self, event: ev.ResultDelivered, recorded: Recorded) -> None:
        self._told(event, recorded, delivery="delivered", delivery_attempts=event.attempts)

    def _ResultUndelivered(self, event: ev.ResultUndelivered, recorded: Recorded) -> None:
        told = {"delivery_attempts": event.attempts, "delivery_reason": event.reason}
        self._told(event, recorded, delivery="undelivered", **told)

    def _told(self, event: ev.ResultDelivered | ev.ResultUndelivered, recorded: Recorded, **changes: Any) -> None:
        last = self._to_be_told[event.task] == event.made
        self._change(event.task, recorded, **changes if last else {})

    def _CommandRefused(self, event: ev.CommandRefused, recorded: Recorded) -> None:
        if event.task in self._tasks:
            self._tasks[event.task]["positions"].append(recorded.position)

    def _CommandHadNoEffect(self, event: ev.CommandHadNoEffect, recorded: Recorded) -> None:
        """Nothing to see."""

    def _AgentsRegistered(self, event: ev.AgentsRegistered, recorded: Recorded) -> None:
        for spec in event.agents:
            known = self._agents.setdefault(spec.id, {"assigned_total": 0, "completed_total": 0})
            known.update(
                id=spec.id, name=spec.name, team=spec.team, presence=self.state.agents[spec.id].presence,
                capacity=spec.capacity, weight=spec.weight, attributes=dict(spec.attributes), removed=False,
                changed_at=recorded.at,
            )  # fmt: skip

    def _AgentsRemoved(self, event: ev.AgentsRemoved, recorded: Recorded) -> None:
        for agent in event.agents:
            self._agents[agent].update(removed=True, changed_at=recorded.at)

    def _AgentPresenceChanged(self, event: ev.AgentPresenceChanged, recorded: Recorded) -> None:
        self._agents[event.agent].update(presence=event.presence, changed_at=recorded.at)

    def _PackageRegistered(self, event: ev.PackageRegistered, recorded: Recorded) -> None:
        self._packages[event.package] = {
            "number": event.package, "segment": event.segment, "uri": event.uri, "digest": event.digest,
            "task_type": event.task_type, "business_type": event.business_type, "rule_set_version": 0, "rows": 0,
            "rejected": 0, "failure": "", "created_at": recorded.at, "updated_at": recorded.at,
        }  # fmt: skip

    def _PackageDistributing(self, event: ev.PackageDistributing, _recorded: Recorded) -> None:
        self._packages[event.package]["rule_set_version"] = event.rule_set_version

    def _PackageFailed(self, event: ev.PackageFailed | ev.PackageWithdrawn, _recorded: Recorded) -> None:
        self._packages[event.package]["failure"] = event.reason

    _PackageWithdrawn = _PackageFailed
