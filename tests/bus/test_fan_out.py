"""Which facts an event holds, what they look like, and that nothing personal is in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from cloudevents.core.formats.json import JSONFormat
from hypothesis import HealthCheck, given, settings
from jsonschema import Draft202012Validator

from adapters.log.codec import GENESIS, encode
from adapters.nats_bus.cloud_events import Message, Messages
from adapters.nats_bus.describe import schema_of
from adapters.nats_bus.facts import FACTS, type_of
from adapters.nats_bus.fan_out import FAN_OUT
from adapters.nats_bus.packages import TaskPackages
from engine import events as ev
from engine.events import EVENT_TYPES, Recorded
from tests.bus.bulk import recorded
from tests.engine.samples import SAMPLES
from tests.projections.drawing import draws, opened

VALIDATORS = {
    type_of(fact): Draft202012Validator(schema_of(fact), format_checker=Draft202012Validator.FORMAT_CHECKER)
    for fact in FACTS.values()
}
TOLD = {
    "RuleSetApplied.v1": ["rule_set.applied.-.-"],
    "AgentsRegistered.v1": ["agent.registered.ann.-"],
    "AgentsRemoved.v1": ["agent.removed.ann.-", "agent.removed.bob.-"],
    "AgentPresenceChanged.v1": ["agent.presence_changed.ann.-"],
    "PackageRegistered.v1": ["package.registered.-.3"],
    "PackageParsingStarted.v1": ["package.parsing_started.-.3"],
    "TasksImported.v1": ["task.created.-.3", "package.row_rejected.-.3"],
    "PackageParsed.v1": ["package.parsed.-.3"],
    "PackageDistributing.v1": ["package.distributing.-.3"],
    "PackageDistributed.v1": ["package.distributed.-.3"],
    "PackageFailed.v1": ["package.failed.-.3"],
    "PackageWithdrawn.v1": ["package.withdrawn.-.3"],
    "TaskCreated.v1": ["task.created.-.-"],
    "TasksPooled.v1": ["task.pooled.-.3", "task.pooled.-.-", "task.pooled.-.-"],
    "TasksRelaxed.v1": ["task.relaxed.-.3", "task.relaxed.-.-"],
    "TasksAllocated.v1": ["task.offered.ann.3"],
    "PoolStalled.v1": ["pool.stalled.-.-"],
    "TaskClaimed.v1": ["task.assigned.ann.3"],
    "OfferAccepted.v1": ["task.offer_accepted.ann.3"],
    "OffersReturned.v1": ["task.offer_returned.ann.3", "task.offer_returned.bob.-"],
    "TaskStarted.v1": ["task.started.ann.3"],
    "TaskCompleted.v1": ["task.completed.ann.3"],
    "TasksCancelled.v1": ["task.cancelled.ann.3", "task.cancelled.-.-"],
    "TaskReassigned.v1": ["task.taken_away.ann.3", "task.assigned.bob.3"],
    "TasksRecycled.v1": ["task.recycled.ann.3", "task.recycled.bob.-"],
    "TasksHandedOver.v1": ["task.handed_over.ann.3", "task.handed_over.ann.-"],
    "TasksEscalated.v1": ["task.escalated.-.3"],
    "DeadlinesSet.v1": ["task.deadlines_set.-.3", "task.deadlines_set.-.-"],
    "EscalationStepTaken.v1": ["task.escalation_step_taken.ann.3", "task.escalation_step_taken.-.-"],
    "TaskReprioritised.v1": ["task.reprioritised.ann.3"],
    "TaskDeadlinesChanged.v1": ["task.deadlines_changed.ann.3"],
    "TaskCommented.v1": ["task.commented.ann.3"],
    "TasksMerged.v1": ["task.merged.ann.-", "task.merged.-.-", "task.duplicates_merged.bob.3"],
    "TaskLocked.v1": ["task.locked.ann.3"],
    "TaskUnlocked.v1": ["task.unlocked.ann.3"],
    "FeedbackGiven.v1": ["task.feedback_given.ann.3"],
    "TaskReopened.v1": ["task.reopened.ann.3"],
    "TasksClosed.v1": ["task.closed.-.3", "task.closed.-.-"],
    "CallbacksStarted.v1": ["task.callback_started.-.3", "task.callback_started.-.-"],
    "CallbackSucceeded.v1": ["task.callback_succeeded.-.3"],
    "CallbacksFailed.v1": ["task.callback_failed.-.3", "task.callback_failed.-.-"],
    "ResultDelivered.v1": ["task.result_delivered.-.3"],
    "ResultUndelivered.v1": ["task.result_undelivered.-.3"],
    "CommandRefused.v1": ["command.refused.ann.3"],
    "CommandHadNoEffect.v1": ["command.had_no_effect.ann.-"],
}
"""Of the samples, where task 8 came in package 3 and task 9 alone."""


def told(log: list[Recorded]) -> Iterator[tuple[Recorded, Message]]:
    make, packages = Messages("bank"), TaskPackages()
    for one in log:
        packages.note(one.event)
        for message in make.of(one, packages.of):
            yield one, message


def document(message: Message) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(message.payload)
    return found


def test_every_event_has_its_facts() -> None:
    assert list(FAN_OUT) == list(EVENT_TYPES.values()) and list(TOLD) == list(EVENT_TYPES)


def test_subjects_of_every_event() -> None:
    found: dict[str, list[str]] = {topic: [] for topic in EVENT_TYPES}
    for one, message in told(recorded(list(SAMPLES))):
        found[ev.topic_of(one.event)].append(message.subject.removeprefix("paidan.bank."))
    assert found == TOLD


def test_every_kind_of_fact_is_told_by_some_event() -> None:
    kinds = {".".join(subject.split(".")[:2]) for subjects in TOLD.values() for subject in subjects}
    assert kinds == set(FACTS)


@pytest.mark.parametrize("one", recorded(list(SAMPLES)), ids=lambda one: ev.topic_of(one.event))
def test_messages_are_cloud_events(one: Recorded) -> None:
    """Read back by the SDK, which refuses what the specification does not allow."""
    one = msgspec.structs.replace(one, trace="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
    for place, (_, message) in enumerate(told([one])):
        event = JSONFormat().read(None, message.payload)
        assert event.get_id() == message.id == f"{one.position}.{place}"
        assert event.get_source() == "/workspaces/bank"
        assert event.get_time().timestamp() == one.at / 1_000
        assert event.get_extension("traceparent") == one.trace and event.get_extension("actor") == one.actor
        assert event.get_extension("requestid") == one.request
        assert VALIDATORS[event.get_type()].is_valid(document(message))
        assert event.get_subject() and event.get_data()


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=draws)
def test_messages_of_random_logs(steps) -> None:
    """Each is as its schema says, has its address, and names the package its task came in."""
    story = opened(2, steps)
    places: dict[int, int] = {}
    came: dict[int, int | None] = {}
    for one, message in told(story.log):
        found = document(message)
        VALIDATORS[found["type"]].validate(found)
        data = found["data"]
        assert message.position == one.position and message.place == places.get(one.position, 0)
        places[one.position] = message.place + 1
        if found["type"] == "paidan.task.created.v1":
            came[data["task"]] = data.get("package")
        elif "task" in data and data["task"] in came:
            assert data.get("package") == came[data["task"]]
    held = {event.position: event.event for event in story.log}
    assert {position: facts_in(event) for position, event in held.items() if facts_in(event)} == places


OF_TASKS = (
    ev.TasksRecycled, ev.TasksHandedOver, ev.TasksEscalated, ev.DeadlinesSet, ev.EscalationStepTaken, ev.OffersReturned,
    ev.CallbacksStarted, ev.CallbacksFailed,
)  # fmt: skip
"""A fact a task."""


def facts_in(event: ev.Event) -> int:
    """Counted from the event's own lists."""
    match event:
        case ev.TasksImported(rows=rows, rejected=rejected):
            return len(rows) + len(rejected)
        case ev.TasksPooled(placements=placements):
            return sum(len(placement.tasks) for placement in placements)
        case ev.TasksAllocated(tasks=tasks) | ev.TasksRelaxed(tasks=tasks) | ev.TasksCancelled(tasks=tasks):
            return len(tasks)
        case ev.TasksMerged(tasks=tasks):
            return len(tasks) + 1
        case _ if isinstance(event, OF_TASKS):
            return len(event.tasks)
        case ev.AgentsRegistered(agents=agents) | ev.AgentsRemoved(agents=agents):
            return len(agents)
        case ev.TaskReassigned(held_by=held_by):
            return 2 if held_by else 1
    return 1


def test_a_reader_that_comes_later_knows_the_packages_too() -> None:
    """What is learnt from rows already published is what was learnt from the events."""
    log = opened(2, [(3, 2, 1), (5, 1, 1), (3, 4, 2), (5, 2, 2), (11, 0, 0)] * 3).log
    early, late = TaskPackages(), TaskPackages()
    for one in log:
        early.note(one.event)
        late.note_stored(encode(one, GENESIS))
    assert [early.of(task) for task in range(100)] == [late.of(task) for task in range(100)]
    assert len({early.of(task) for task in range(100)}) > 2


def test_nothing_personal_is_published() -> None:
    secrets = ("王小明", "13898765432", "320102198001011234")
    _, mobile, number = secrets
    text = f"call {mobile} or {number}"
    row = ev.TaskRow(2, "c1", None, None, 5, ())
    log = recorded([
        ev.PackageRegistered(1, "s", f"ftp://u:{mobile}@h/x", "x", "ab", 9, "t", "b", ev.ColumnMapping()),
        ev.TasksImported(
            1, 0, 1, "t", "b", (), (row,), (ev.Person(*secrets),), (ev.RejectedRow(3, "x", text, ";".join(secrets)),)
        ),
        ev.TaskCreated(2, "t", "b", (), row, ev.Person(*secrets)),
        ev.TaskReassigned(1, "bob", "ann", None, 1, text),
        ev.TaskCompleted(1, "bob", 4, {"note": text}),
        ev.TasksHandedOver("bob", (1,), (5,), text, "ann"),
        ev.TaskReprioritised(1, 9, 5, "ann", text),
        ev.TaskDeadlinesChanged(1, 9, 9, ("respond_by",), (), "ann", text),
        ev.TaskLocked(1, "ann", 4, 9, text),
        ev.CallbacksFailed((2,), "declined", text, 1),
        ev.CallbackSucceeded(2, 4, {"note": text}),
        ev.ResultUndelivered(2, 4, text),
        ev.OffersReturned((1,), ("ann",), "rejected", text),
        ev.TasksCancelled((2,), ("",), text),
        ev.AgentPresenceChanged("ann", "away", text),
        ev.PackageFailed(1, text),
        ev.PackageWithdrawn(1, text),
        ev.CommandRefused("StartTask", "stale", "STALE_GRANT", text),
    ])  # fmt: skip
    everything = "".join(message.payload.decode() + message.subject for _, message in told(log))
    assert not any(secret in everything for secret in secrets)
    assert "138****5432" in everything and "王*" in everything
