"""Events as messages: personal data masked, and for one task's history cut down to what they say of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec
from msgspec.structs import replace
from paidan.v1.values_pb2 import Event

from adapters.grpc_api.words import timestamp
from engine import events as ev
from projections.masking import masked

_encode = msgspec.json.Encoder().encode


def event_message(recorded: ev.Recorded) -> Event:
    """A whole event."""
    return _message(recorded, _encode(without_personal_data(recorded.event)))


def history_message(recorded: ev.Recorded, task: int) -> Event:
    """What an event says of one task."""
    return _message(recorded, _encode(about_task(recorded.event, task)))


def in_batches(messages: Iterable[Event], most: int) -> Iterator[list[Event]]:
    """Messages of a stream, each of at most so many bytes, or of one event."""
    batch: list[Event] = []
    size = 0
    for message in messages:
        if batch and size + len(message.data_json) > most:
            yield batch
            batch, size = [], 0
        batch.append(message)
        size += len(message.data_json)
    if batch:
        yield batch


def _message(recorded: ev.Recorded, data: bytes) -> Event:
    return Event(
        position=recorded.position,
        type=ev.topic_of(recorded.event),
        event_time=timestamp(recorded.at),
        actor=recorded.actor,
        request_id=recorded.request,
        correlation_id=recorded.correlation,
        data_json=data.decode(),
    )


def without_personal_data(event: ev.Event) -> ev.Event:
    """The event with persons masked and without the text of rows set aside."""
    match event:
        case ev.TasksImported(persons=persons, rejected=rejected) if persons or rejected:
            shown = tuple(ev.RejectedRow(row.line, row.column, row.reason, "") for row in rejected)
            return replace(event, persons=tuple(map(_masked, persons)), rejected=shown)
        case ev.TaskCreated(person=person) if person is not None:
            return replace(event, person=_masked(person))
    return event


def _masked(person: ev.Person) -> ev.Person:
    name, mobile, id_card = masked(person)
    return ev.Person(name or None, mobile or None, id_card or None)


def about_task(event: ev.Event, task: int) -> ev.Event | dict[str, Any]:
    """A chunked event cut down to one of its tasks; any other as it is, masked."""
    cut = _CUT.get(type(event))
    return without_personal_data(event) if cut is None else cut(event, task)


def _imported(event: ev.TasksImported, task: int) -> dict[str, Any]:
    index = task - event.first_task
    row = event.rows[index]
    found: dict[str, Any] = {"task": task, "package": event.package, "line": row.line, "task_type": event.task_type}
    found |= {"business_type": event.business_type, "customer": row.customer, "owner": row.owner, "region": row.region}
    found |= {"priority": row.priority, "attributes": dict(zip(event.columns, row.attributes, strict=True))}
    if event.persons:
        found["person"] = _masked(event.persons[index])
    return found


def _pooled(event: ev.TasksPooled, task: int) -> dict[str, Any]:
    placement = next(item for item in event.placements if task in item.tasks)
    version = event.rule_set_version
    return {"task": task, "rule": placement.rule, "lane": placement.lane, "rule_set_version": version}


def _allocated(event: ev.TasksAllocated, task: int) -> dict[str, Any]:
    index = event.tasks.index(task)
    pick = event.picks[event.how[index]]
    return {
        "task": task,
        "agent": event.agents[event.who[index]],
        "rule": event.rules[event.under[index]],
        "rule_set_version": event.rule_set_version,
        "round": event.round,
        "picked_by": pick.by,
        "passed": pick.passed,
        **({"offered_until": event.until[event.under[index]]} if event.until else {}),
    }


def _offers_returned(event: ev.OffersReturned, task: int) -> dict[str, Any]:
    agent = event.agents[event.tasks.index(task)]
    return {"task": task, "agent": agent, "cause": event.cause, "note": event.note}


def _relaxed(event: ev.TasksRelaxed, task: int) -> dict[str, Any]:
    return {"task": task, "rule": event.rule, "stage": event.stage}


def _cancelled(event: ev.TasksCancelled, task: int) -> dict[str, Any]:
    return {"task": task, "agent": event.agents[event.tasks.index(task)], "reason": event.reason}


def _recycled(event: ev.TasksRecycled, task: int) -> dict[str, Any]:
    return {"task": task, "agent": event.agents[event.tasks.index(task)], "cause": event.cause}


def _handed_over(event: ev.TasksHandedOver, task: int) -> dict[str, Any]:
    priority = event.priorities[event.tasks.index(task)]
    found: dict[str, Any] = {"task": task, "agent": event.agent, "priority": priority, "note": event.note}
    return found | {"to_agent": event.to_agent, "to_rule": event.to_rule}


def _escalated(event: ev.TasksEscalated, task: int) -> dict[str, Any]:
    return {"task": task, "reason": event.reason}


def _deadlines(event: ev.DeadlinesSet, task: int) -> dict[str, Any]:
    return {"task": task, "respond_by": event.respond_by, "resolve_by": event.resolve_by, "steps": event.steps}


def _step_taken(event: ev.EscalationStepTaken, task: int) -> dict[str, Any]:
    at, step = event.tasks.index(task), event.step
    found: dict[str, Any] = {"task": task, "agent": event.agents[at], "place": event.place, "step": step}
    return found | {
        "priority": event.priorities[at] if event.priorities else None,
        "reassigned": task in event.reassigned,
    }


def _closed(event: ev.TasksClosed, task: int) -> dict[str, Any]:
    return {"task": task, "why": event.why}


def _merged(event: ev.TasksMerged, task: int) -> dict[str, Any]:
    """Of a duplicate: into which; of the task that goes on: which, and how urgent it is now."""
    if task == event.into:
        names = ("into", "tasks", "priority", "before", "agent", "reason")
        return {name: getattr(event, name) for name in names}
    return {
        "task": task, "into": event.into, "agent": event.agents[event.tasks.index(task)], "reason": event.reason,
    }  # fmt: skip


def _asked(event: ev.CallbacksStarted, task: int) -> dict[str, Any]:
    return {"task": task, "callback": event.callback, "due": event.due}


def _not_done_outside(event: ev.CallbacksFailed, task: int) -> dict[str, Any]:
    return {"task": task, "cause": event.cause, "reason": event.reason, "attempts": event.attempts}


_CUT: dict[type[ev.Event], Callable[[Any, int], dict[str, Any]]] = {
    ev.TasksImported: _imported,
    ev.TasksPooled: _pooled,
    ev.TasksAllocated: _allocated,
    ev.TasksRelaxed: _relaxed,
    ev.TasksCancelled: _cancelled,
    ev.OffersReturned: _offers_returned,
    ev.TasksRecycled: _recycled,
    ev.TasksHandedOver: _handed_over,
    ev.TasksEscalated: _escalated,
    ev.DeadlinesSet: _deadlines,
    ev.EscalationStepTaken: _step_taken,
    ev.TasksClosed: _closed,
    ev.TasksMerged: _merged,
    ev.CallbacksStarted: _asked,
    ev.CallbacksFailed: _not_done_outside,
}
"""Events of several tasks -> what they say of one of them."""
