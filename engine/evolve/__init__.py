"""evolve(state, event): the only writer of state. It holds no business rule, asks nobody and cannot fail.

One function an event; live processing and replay run the very same ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from msgspec.structs import replace

from engine import events as ev
from engine.answers import answer_of
from engine.evolve import agents, allocation, calls, feedback, offering, packages, pools, returning, rules, tasks, terms
from engine.state import REMEMBERED_REQUESTS, State

EVOLVE: dict[type[ev.Event], Callable[[State, Any, ev.Recorded], None]] = {
    ev.RuleSetApplied: rules.rule_set_applied,
    ev.AgentsRegistered: agents.registered,
    ev.AgentsRemoved: agents.removed,
    ev.AgentPresenceChanged: agents.presence_changed,
    ev.PackageRegistered: packages.registered,
    ev.PackageParsingStarted: packages.parsing_started,
    ev.TasksImported: packages.tasks_imported,
    ev.PackageParsed: packages.parsed,
    ev.PackageDistributing: packages.distributing,
    ev.PackageDistributed: packages.settled,
    ev.PackageFailed: packages.failed,
    ev.PackageWithdrawn: packages.withdrawn,
    ev.TaskCreated: tasks.created,
    ev.TasksPooled: pools.pooled,
    ev.TasksRelaxed: pools.relaxed,
    ev.PoolStalled: pools.stalled,
    ev.TasksAllocated: allocation.allocated,
    ev.TaskClaimed: allocation.claimed,
    ev.TaskReassigned: allocation.reassigned,
    ev.OfferAccepted: offering.accepted,
    ev.OffersReturned: offering.returned,
    ev.TaskStarted: tasks.started,
    ev.TaskCompleted: tasks.completed,
    ev.TasksCancelled: tasks.cancelled,
    ev.TasksRecycled: returning.recycled,
    ev.TasksHandedOver: returning.handed_over,
    ev.TasksEscalated: returning.escalated,
    ev.DeadlinesSet: terms.deadlines_set,
    ev.EscalationStepTaken: terms.step_taken,
    ev.TaskReprioritised: tasks.reprioritised,
    ev.TaskDeadlinesChanged: terms.deadlines_changed,
    ev.TaskCommented: lambda _state, _event, _recorded: None,
    ev.TasksMerged: tasks.merged,
    ev.TaskLocked: returning.locked,
    ev.TaskUnlocked: returning.unlocked,
    ev.FeedbackGiven: feedback.given,
    ev.TaskReopened: feedback.reopened,
    ev.TasksClosed: feedback.closed,
    ev.CallbacksStarted: calls.callbacks_started,
    ev.CallbackSucceeded: tasks.done_by_callback,
    ev.CallbacksFailed: calls.callbacks_failed,
    ev.ResultDelivered: calls.delivery_ended,
    ev.ResultUndelivered: calls.delivery_ended,
    ev.CommandRefused: lambda _state, _event, _recorded: None,
    ev.CommandHadNoEffect: lambda _state, _event, _recorded: None,
}


def evolve(state: State, recorded: ev.Recorded) -> None:
    """Write one event into the state."""
    EVOLVE[type(recorded.event)](state, recorded.event, recorded)
    state.position = recorded.position
    state.at = recorded.at
    if recorded.request:
        _remember(state, recorded)


def replay(state: State, log: Iterable[ev.Recorded]) -> State:
    """Write a whole log into the state."""
    for recorded in log:
        evolve(state, recorded)
    return state


def _remember(state: State, recorded: ev.Recorded) -> None:
    first = state.requests.get(recorded.request)
    if first is not None:
        state.requests[recorded.request] = replace(first, position=recorded.position)
        return
    state.requests[recorded.request] = answer_of(recorded)
    if len(state.requests) > REMEMBERED_REQUESTS:
        del state.requests[next(iter(state.requests))]
