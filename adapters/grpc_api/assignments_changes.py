"""What an event means for the agents it names: work that came to them, moved on, or is theirs no longer.

A new kind is one line in ``CHANGES``. Pure; whom nobody watches costs nothing but a look.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator
from typing import Any

import msgspec

from engine import events as ev
from engine.events import Recorded
from projections.masking import masked_text


class Change(msgspec.Struct, frozen=True, gc=False):
    """One thing that happened to one task, as one agent sees it."""

    agent: str
    kind: str
    """A stable word of the contract."""
    task: int
    position: int
    at: int
    held: bool
    """Whether the agent has the task in hand after it."""
    grant: int = 0
    method: str = ""
    rule: str = ""
    version: int = 0
    picked_by: str = ""
    passed: tuple[str, ...] = ()
    given_to: str = ""
    reason: str = ""
    until: int = 0
    """Of an offer: by when it has to be accepted, in milliseconds since 1970 UTC."""


Watched = Container[str]
"""Ids of the agents that somebody watches."""
Changes = Callable[[Any, Recorded, Watched], Iterable[Change]]

ASSIGNED, OFFERED = "assigned", "offered"
SHOWN = frozenset({ASSIGNED, OFFERED})
"""Kinds that come with the task itself."""


def changes_of(recorded: Recorded, watched: Watched) -> Iterable[Change]:
    """What an event changed for agents that are watched."""
    find = CHANGES.get(type(recorded.event))
    return find(recorded.event, recorded, watched) if find is not None else ()


def _as(kind: str, *, held: bool) -> Changes:
    """For an event that names ``task`` and ``agent``, or ``tasks`` and ``agents`` side by side, or one agent of all."""

    def changes(event: Any, recorded: Recorded, watched: Watched) -> Iterator[Change]:
        for task, agent in _named(event):
            if agent in watched:
                grant, reason = getattr(event, "grant", 0), masked_text(getattr(event, "reason", ""))
                yield Change(agent, kind, task, recorded.position, recorded.at, held, grant, reason=reason)

    return changes


def _named(event: Any) -> Iterable[tuple[int, str]]:
    if hasattr(event, "agents"):
        return zip(event.tasks, event.agents, strict=True)
    return [(task, event.agent) for task in getattr(event, "tasks", None) or (event.task,)]


def _allocated(event: ev.TasksAllocated, recorded: Recorded, watched: Watched) -> Iterator[Change]:
    whose = {place for place, agent in enumerate(event.agents) if agent in watched}
    if not whose:
        return
    for task, who, under, how in zip(event.tasks, event.who, event.under, event.how, strict=True):
        if who in whose:
            pick, until = event.picks[how], event.until[under] if event.until else 0
            kind, method = (OFFERED, "offer") if until else (ASSIGNED, "push")
            yield Change(
                event.agents[who], kind, task, recorded.position, recorded.at, True, recorded.position, method,
                event.rules[under], event.rule_set_version, pick.by, pick.passed, until=until,
            )  # fmt: skip


def _offers_returned(event: ev.OffersReturned, recorded: Recorded, watched: Watched) -> Iterator[Change]:
    for task, agent in zip(event.tasks, event.agents, strict=True):
        if agent in watched:
            yield Change(agent, "offer_returned", task, recorded.position, recorded.at, False, reason=event.cause)


def _claimed(event: ev.TaskClaimed, recorded: Recorded, watched: Watched) -> Iterator[Change]:
    if event.agent in watched:
        yield _given(event, recorded, "claim")


def _reassigned(event: ev.TaskReassigned, recorded: Recorded, watched: Watched) -> Iterator[Change]:
    reason = masked_text(event.reason)
    if event.held_by in watched:
        position, at = recorded.position, recorded.at
        yield Change(event.held_by, "taken_away", event.task, position, at, False, given_to=event.agent, reason=reason)
    if event.agent in watched:
        yield _given(event, recorded, "manual", reason)


def _given(event: ev.TaskClaimed | ev.TaskReassigned, recorded: Recorded, method: str, reason: str = "") -> Change:
    """By a person, whose word for it is both the method and how the agent was found."""
    return Change(
        event.agent, ASSIGNED, event.task, recorded.position, recorded.at, True, recorded.position, method,
        event.rule or "", event.rule_set_version, method, reason=reason,
    )  # fmt: skip


def _step_taken(event: ev.EscalationStepTaken, recorded: Recorded, watched: Watched) -> Iterator[Change]:
    reassigned = set(event.reassigned)
    for task, agent in zip(event.tasks, event.agents, strict=True):
        if agent in watched:
            away = task in reassigned
            yield Change(
                agent, "escalated_away" if away else "escalated", task, recorded.position, recorded.at, not away
            )


def _commented(event: ev.TaskCommented, recorded: Recorded, watched: Watched) -> Iterator[Change]:
    if event.agent in watched:
        text = masked_text(event.text)
        yield Change(event.agent, "commented", event.task, recorded.position, recorded.at, True, reason=text)


def _merged(event: ev.TasksMerged, recorded: Recorded, watched: Watched) -> Iterator[Change]:
    """Who held a duplicate has it no longer; who holds the task that goes on may find it more urgent."""
    position, at, reason = recorded.position, recorded.at, masked_text(event.reason)
    for task, agent in zip(event.tasks, event.agents, strict=True):
        if agent in watched:
            yield Change(agent, "merged", task, position, at, False, reason=reason)
    if event.agent in watched:
        yield Change(event.agent, "duplicates_merged", event.into, position, at, True, reason=reason)


CHANGES: dict[type[ev.Event], Changes] = {
    ev.TasksAllocated: _allocated,
    ev.TaskClaimed: _claimed,
    ev.TaskReassigned: _reassigned,
    ev.OfferAccepted: _as("accepted", held=True),
    ev.OffersReturned: _offers_returned,
    ev.TaskStarted: _as("started", held=True),
    ev.TaskCompleted: _as("completed", held=False),
    ev.TasksCancelled: _as("cancelled", held=False),
    ev.TasksRecycled: _as("recycled", held=False),
    ev.TasksHandedOver: _as("handed_over", held=False),
    ev.EscalationStepTaken: _step_taken,
    ev.TaskReprioritised: _as("reprioritised", held=True),
    ev.TaskDeadlinesChanged: _as("deadlines_changed", held=True),
    ev.TaskCommented: _commented,
    ev.TasksMerged: _merged,
    ev.TaskLocked: _as("locked", held=True),
    ev.TaskUnlocked: _as("unlocked", held=True),
}
"""Event -> what it changes for agents."""

WITHOUT = frozenset({
    ev.TasksEscalated, ev.DeadlinesSet, ev.FeedbackGiven, ev.TaskReopened, ev.TasksClosed,
    ev.RuleSetApplied, ev.AgentsRegistered, ev.AgentsRemoved, ev.AgentPresenceChanged, ev.PackageRegistered,
    ev.PackageParsingStarted, ev.TasksImported, ev.PackageParsed, ev.PackageDistributing, ev.PackageDistributed,
    ev.PackageFailed, ev.PackageWithdrawn, ev.TaskCreated, ev.TasksPooled, ev.TasksRelaxed, ev.PoolStalled,
    ev.CallbacksStarted, ev.CallbackSucceeded, ev.CallbacksFailed, ev.ResultDelivered, ev.ResultUndelivered,
    ev.CommandRefused, ev.CommandHadNoEffect,
})  # fmt: skip
"""Events that change nothing in anybody's hands. A test fails for an event that is neither here nor above."""

TOPICS = tuple(str(event.__struct_config__.tag) for event in CHANGES)
"""Names of the events in the log that have to be read for it."""
