"""Which facts an event of the log holds, in an order that never changes: a fact's index is part of its address.

Pure. A bulk event holds a fact a row, a task or an agent; a reassignment holds two, one for each agent it concerns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import count, repeat
from typing import Any

from adapters.nats_bus import facts
from adapters.nats_bus.facts import Fact, MaskedPerson
from adapters.nats_bus.times import time_of
from engine import events as ev
from engine.events import Recorded
from projections.masking import masked, masked_columns, masked_text

PackageOf = Callable[[int], int | None]
"""Task number -> the package it came in; None: it came alone."""
FanOut = Callable[[Any, Recorded, PackageOf], Iterable[Fact]]


def facts_of(recorded: Recorded, package_of: PackageOf) -> Iterator[Fact]:
    """The facts of an event; the first has index 0."""
    return iter(FAN_OUT[type(recorded.event)](recorded.event, recorded, package_of))


def _rule_set(event: ev.RuleSetApplied, *_: object) -> Iterable[Fact]:
    yield facts.RuleSetApplied(
        event.version, tuple(rule.id for rule in event.rule_set.rules), masked_text(event.reason)
    )


def _agents(event: ev.AgentsRegistered, *_: object) -> Iterable[Fact]:
    for who in event.agents:
        yield facts.AgentRegistered(
            who.id, who.name, who.team, who.capacity, who.weight, who.presence, who.attributes
        )  # fmt: skip


def _removed(event: ev.AgentsRemoved, *_: object) -> Iterable[Fact]:
    return map(facts.AgentRemoved, event.agents)


def _presence(event: ev.AgentPresenceChanged, *_: object) -> Iterable[Fact]:
    yield facts.AgentPresenceChanged(event.agent, event.presence, masked_text(event.reason))


def _registered(event: ev.PackageRegistered, *_: object) -> Iterable[Fact]:
    """Without the address it was fetched from, which may hold a password."""
    yield facts.PackageRegistered(
        event.package, event.segment, event.digest, event.size, event.task_type, event.business_type, event.priority
    )


def _parsing(event: ev.PackageParsingStarted, *_: object) -> Iterable[Fact]:
    yield facts.PackageParsingStarted(event.package)


def _imported(event: ev.TasksImported, *_: object) -> Iterable[Fact]:
    persons = map(_shown, *masked_columns(event.persons, 0)) if event.persons else repeat(None)
    for task, row, person in zip(count(event.first_task), event.rows, persons, strict=False):
        yield _task(task, event, row, person, event.package)
    for rejected in event.rejected:
        yield facts.PackageRowRejected(event.package, rejected.line, rejected.column, masked_text(rejected.reason))


def _created(event: ev.TaskCreated, *_: object) -> Iterable[Fact]:
    person = _shown(*masked(event.person)) if event.person is not None else None
    yield _task(event.task, event, event.row, person, None)


def _shown(name: str, mobile: str, id_card: str) -> MaskedPerson:
    return MaskedPerson(name or None, mobile or None, id_card or None)


def _task(
    task: int,
    event: ev.TaskCreated | ev.TasksImported,
    row: ev.TaskRow,
    person: MaskedPerson | None,
    package: int | None,
) -> Fact:
    present: dict[str, ev.AttributeValue] = {
        name: value for name, value in zip(event.columns, row.attributes, strict=True) if value is not None
    }
    return facts.TaskCreated(
        task, event.task_type, event.business_type, row.priority, present, package, row.line or None,
        row.customer, row.owner, row.region, person,
    )  # fmt: skip


def _parsed(event: ev.PackageParsed, *_: object) -> Iterable[Fact]:
    yield facts.PackageParsed(event.package, event.rows, event.rejected)


def _distributing(event: ev.PackageDistributing, *_: object) -> Iterable[Fact]:
    yield facts.PackageDistributing(event.package, event.rule_set_version)


def _distributed(event: ev.PackageDistributed, *_: object) -> Iterable[Fact]:
    yield facts.PackageDistributed(event.package, event.distributed, event.waiting)


def _failed(event: ev.PackageFailed, *_: object) -> Iterable[Fact]:
    yield facts.PackageFailed(event.package, masked_text(event.reason))


def _withdrawn(event: ev.PackageWithdrawn, *_: object) -> Iterable[Fact]:
    yield facts.PackageWithdrawn(event.package, masked_text(event.reason))


def _pooled(event: ev.TasksPooled, _recorded: Recorded, package_of: PackageOf) -> Iterable[Fact]:
    for placement in event.placements:
        for task in placement.tasks:
            yield facts.TaskPooled(task, event.rule_set_version, placement.rule, package_of(task))


def _relaxed(event: ev.TasksRelaxed, _recorded: Recorded, package_of: PackageOf) -> Iterable[Fact]:
    for task in event.tasks:
        yield facts.TaskRelaxed(task, event.rule, event.stage, package_of(task))


def _allocated(event: ev.TasksAllocated, recorded: Recorded, package_of: PackageOf) -> Iterable[Fact]:
    grant, version = recorded.position, event.rule_set_version
    until = tuple(time_of(at) if at else "" for at in event.until)
    for task, who, under, how in zip(event.tasks, event.who, event.under, event.how, strict=True):
        pick = event.picks[how]
        if until and until[under]:
            yield facts.TaskOffered(
                task, event.agents[who], grant, until[under], version, event.rules[under], package_of(task),
                event.round, pick.by, pick.passed,
            )  # fmt: skip
            continue
        yield facts.TaskAssigned(
            task, event.agents[who], grant, "push", version, event.rules[under], package_of(task),
            event.round, pick.by, pick.passed,
        )  # fmt: skip


def _claimed(event: ev.TaskClaimed, recorded: Recorded, package_of: PackageOf) -> Iterable[Fact]:
    yield facts.TaskAssigned(
        event.task, event.agent, recorded.position, "claim", event.rule_set_version, event.rule, package_of(event.task)
    )


def _reassigned(event: ev.TaskReassigned, recorded: Recorded, package_of: PackageOf) -> Iterable[Fact]:
    package, reason = package_of(event.task), masked_text(event.reason)
    if event.held_by:
        yield facts.TaskTakenAway(event.task, event.held_by, event.agent, package, reason)
    yield facts.TaskAssigned(
        event.task, event.agent, recorded.position, "manual", event.rule_set_version, event.rule, package, reason=reason
    )


def _accepted(event: ev.OfferAccepted, _recorded: Recorded, package_of: PackageOf) -> Iterable[Fact]:
    yield facts.TaskOfferAccepted(event.task, event.agent, event.grant, package_of(event.task))


def _offers_returned(event: ev.OffersReturned, _recorded: Recorded, package_of: PackageOf) -> Iterable[Fact]:
    note = masked_text(event.note)
    for task, agent in zip(event.tasks, event.agents, strict=True):
        yield facts.TaskOfferReturned(task, agent, event.cause, note, package_of(task))


def _started(event: ev.TaskStarted, _recorded: Recorded, package_of: PackageOf) -> Iterable[Fact]:
    yield facts.TaskStarted(event.task, event.agent, event.grant, package_of(event.task))


def _completed(event: ev.TaskCompleted, _recorded: Recorded, package_of: PackageOf) -> Iterable[Fact]:
    wrap_up = {name: masked_text(text) for name, text in event.wrap_up.items()}
    closes_at = time_of(event.closes_at) if event.closes_at else None
    yield facts.TaskCompleted(event.task, event.agent, event.grant, package_of(event.task), wrap_up, closes_at)


def _cancelled(event: ev.TasksCancelled, _recorded: Recorded, package_of: PackageOf) -> Iterable[Fact]:
    reason = masked_text(event.reason)
    for task, agent in zip(event.tasks, event.agents, strict=True):
        yield facts.TaskCancelled(task, agent or None, package_of(task), reason)


def _recycled(event: ev.TasksRecycled, _recorded: Recorded, package_of: PackageOf) -> Iterable[Fact]:
    for task, agent in zip(event.tasks, event.agents, strict=True):
        yield facts.TaskRecycled(task, agent, event.cause, package_of(task))


def _handed_over(event: ev.TasksHandedOver, _recorded: Recorded, package_of: PackageOf) -> Iterable[Fact]:
    note, to_agent, to_rule = masked_text(event.note), event.to_agent or None, event.to_rule or None
    for task, priority in zip(event.tasks, event.priorities, strict=True):
        yield facts.TaskHandedOver(task, event.agent, priority, to_agent, to_rule, note, package_of(task))


def _escalated(event: ev.TasksEscalated, _recorded: Recorded, package_of: PackageOf) -> Iterable[Fact]:
    for task in event.tasks:
        yield facts.TaskEscalated(task, event.reason, package_of(task))


def _deadlines(event: ev.DeadlinesSet, _recorded: Recorded, package_of: PackageOf) -> Iterable[Fact]:
    respond_by, resolve_by = (time_of(at) if at else None for at in (event.respond_by, event.resolve_by))
    for task in event.tasks:
        yield facts.TaskDeadlinesSet(task, respond_by, resolve_by, package_of(task))


def _step_taken(event: ev.EscalationStepTaken, _recorded: Recorded, package_of: PackageOf) -> Iterable[Fact]:
    step, reassigned = event.step, set(event.reassigned)
    priorities = event.priorities or (None,) * len(event.tasks)
    for task, agent, priority in zip(event.tasks, event.agents, priorities, strict=True):
        yield facts.TaskEscalationStepTaken(
            task, event.place, agent or None, step.notify, priority, step.mark_overdue, task in reassigned,
            package_of(task),
        )  # fmt: skip


def _reprioritised(event: ev.TaskReprioritised, _recorded: Recorded, package_of: PackageOf) -> Iterable[Fact]:
    yield facts.TaskReprioritised(
        event.task, event.priority, event.before, event.agent or None, masked_text(event.reason),
        package_of(event.task),
    )  # fmt: skip


def _deadlines_changed(event: ev.TaskDeadlinesChanged, _recorded: Recorded, package_of: PackageOf) -> Iterable[Fact]:
    respond_by, resolve_by = (time_of(at) if at else None for at in (event.respond_by, event.resolve_by))
    agent, reason = event.agent or None, masked_text(event.reason)
    yield facts.TaskDeadlinesChanged(event.task, respond_by, resolve_by, agent, reason, package_of(event.task))


def _commented(event: ev.TaskCommented, _recorded: Recorded, package_of: PackageOf) -> Iterable[Fact]:
    yield facts.TaskCommented(event.task, masked_text(event.text), event.agent or None, package_of(event.task))


def _merged(event: ev.TasksMerged, _recorded: Recorded, package_of: PackageOf) -> Iterable[Fact]:
    reason = masked_text(event.reason)
    for task, agent in zip(event.tasks, event.agents, strict=True):
        yield facts.TaskMerged(task, event.into, agent or None, package_of(task), reason)
    yield facts.TaskDuplicatesMerged(
        event.into, event.tasks, event.priority, event.agent or None, package_of(event.into), reason
    )


def _locked(event: ev.TaskLocked, _recorded: Recorded, package_of: PackageOf) -> Iterable[Fact]:
    until, note = time_of(event.until), masked_text(event.note)
    yield facts.TaskLocked(event.task, event.agent, event.grant, until, note, package_of(event.task))


def _unlocked(event: ev.TaskUnlocked, _recorded: Recorded, package_of: PackageOf) -> Iterable[Fact]:
    yield facts.TaskUnlocked(event.task, event.agent, event.grant, event.cause, package_of(event.task))


def _feedback(event: ev.FeedbackGiven, _recorded: Recorded, package_of: PackageOf) -> Iterable[Fact]:
    score, note = event.score or None, masked_text(event.note)
    yield facts.TaskFeedbackGiven(event.task, event.agent, event.satisfied, score, note, package_of(event.task))


def _reopened(event: ev.TaskReopened, _recorded: Recorded, package_of: PackageOf) -> Iterable[Fact]:
    package, kept_from = package_of(event.task), event.kept_from or None
    yield facts.TaskReopened(event.task, event.agent, event.priority, event.cause, kept_from, package)


def _closed(event: ev.TasksClosed, _recorded: Recorded, package_of: PackageOf) -> Iterable[Fact]:
    for task in event.tasks:
        yield facts.TaskClosed(task, event.why, package_of(task))


def _asked(event: ev.CallbacksStarted, _recorded: Recorded, package_of: PackageOf) -> Iterable[Fact]:
    address, due = event.callback.origin, time_of(event.due)
    for task in event.tasks:
        yield facts.TaskCallbackStarted(task, address, due, package_of(task))


def _done_outside(event: ev.CallbackSucceeded, recorded: Recorded, package_of: PackageOf) -> Iterable[Fact]:
    result = {name: masked_text(text) for name, text in event.result.items()}
    in_time = recorded.at <= event.resolve_by if event.resolve_by else None
    yield facts.TaskCallbackSucceeded(event.task, result, event.attempts, in_time, package_of(event.task))


def _not_done_outside(event: ev.CallbacksFailed, _recorded: Recorded, package_of: PackageOf) -> Iterable[Fact]:
    reason = masked_text(event.reason)
    for task in event.tasks:
        yield facts.TaskCallbackFailed(task, event.cause, reason, event.attempts, package_of(task))


def _delivered(event: ev.ResultDelivered, _recorded: Recorded, package_of: PackageOf) -> Iterable[Fact]:
    yield facts.TaskResultDelivered(event.task, event.attempts, package_of(event.task))


def _undelivered(event: ev.ResultUndelivered, _recorded: Recorded, package_of: PackageOf) -> Iterable[Fact]:
    reason = masked_text(event.reason)
    yield facts.TaskResultUndelivered(event.task, reason, event.attempts, package_of(event.task))


def _stalled(event: ev.PoolStalled, *_: object) -> Iterable[Fact]:
    yield facts.PoolStalled(event.rule, event.stage, event.reason, event.waiting, event.lane)


def _refused(event: ev.CommandRefused, _recorded: Recorded, package_of: PackageOf) -> Iterable[Fact]:
    package = None if event.task is None else package_of(event.task)
    yield facts.CommandRefused(
        event.command, event.kind, event.reason, masked_text(event.message), event.task, event.agent, package
    )


def _no_effect(event: ev.CommandHadNoEffect, *_: object) -> Iterable[Fact]:
    yield facts.CommandHadNoEffect(event.command, event.number, event.agent)


FAN_OUT: dict[type[ev.Event], FanOut] = {
    ev.RuleSetApplied: _rule_set,
    ev.AgentsRegistered: _agents,
    ev.AgentsRemoved: _removed,
    ev.AgentPresenceChanged: _presence,
    ev.PackageRegistered: _registered,
    ev.PackageParsingStarted: _parsing,
    ev.TasksImported: _imported,
    ev.PackageParsed: _parsed,
    ev.PackageDistributing: _distributing,
    ev.PackageDistributed: _distributed,
    ev.PackageFailed: _failed,
    ev.PackageWithdrawn: _withdrawn,
    ev.TaskCreated: _created,
    ev.TasksPooled: _pooled,
    ev.TasksRelaxed: _relaxed,
    ev.TasksAllocated: _allocated,
    ev.PoolStalled: _stalled,
    ev.TaskClaimed: _claimed,
    ev.OfferAccepted: _accepted,
    ev.OffersReturned: _offers_returned,
    ev.TaskStarted: _started,
    ev.TaskCompleted: _completed,
    ev.TasksCancelled: _cancelled,
    ev.TaskReassigned: _reassigned,
    ev.TasksRecycled: _recycled,
    ev.TasksHandedOver: _handed_over,
    ev.TasksEscalated: _escalated,
    ev.DeadlinesSet: _deadlines,
    ev.EscalationStepTaken: _step_taken,
    ev.TaskReprioritised: _reprioritised,
    ev.TaskDeadlinesChanged: _deadlines_changed,
    ev.TaskCommented: _commented,
    ev.TasksMerged: _merged,
    ev.TaskLocked: _locked,
    ev.TaskUnlocked: _unlocked,
    ev.FeedbackGiven: _feedback,
    ev.TaskReopened: _reopened,
    ev.TasksClosed: _closed,
    ev.CallbacksStarted: _asked,
    ev.CallbackSucceeded: _done_outside,
    ev.CallbacksFailed: _not_done_outside,
    ev.ResultDelivered: _delivered,
    ev.ResultUndelivered: _undelivered,
    ev.CommandRefused: _refused,
    ev.CommandHadNoEffect: _no_effect,
}
"""Event -> its facts. A test fails for an event that is not here."""
