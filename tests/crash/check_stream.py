"""The stream against the log: each fact once, in order, as it is in the log; and nothing else."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import msgspec

from adapters.nats_bus.cloud_events import Messages
from adapters.nats_bus.packages import TaskPackages
from engine import events as ev
from engine.events import Recorded
from tests.crash.history import Findings, Message

MOST = 5


def expected(workspace: str, log: list[Recorded]) -> list[Message]:
    """What the stream of this log holds from its start."""
    make, packages, found = Messages(workspace), TaskPackages(), list[Message]()
    for recorded in log:
        packages.note(recorded.event)
        found += [Message(one.id, one.subject, one.payload) for one in make.of(recorded, packages.of)]
    return found


def check_stream(workspace: str, log: list[Recorded], messages: list[Message]) -> Findings:
    """Against the fan-out as the publisher has it, and against a count of our own."""
    findings, wanted = _ids(messages), expected(workspace, log)
    for place, (one, other) in enumerate(zip(wanted, messages, strict=False)):
        if one != other:
            findings.append(
                f"message {place + 1}: expected {one.id} on {one.subject}, but it is {other.id} on {other.subject}"
            )
            break
    if len(wanted) != len(messages):
        findings.append(f"expected {len(wanted)} messages, but there are {len(messages)}")
    return findings + _facts(log, messages)


def _ids(messages: list[Message]) -> Findings:
    doubled = [name for name, count in Counter(one.id for one in messages).items() if count > 1]
    findings = [f"message {name} is there more than once" for name in doubled[:MOST]]
    places = [tuple(map(int, one.id.split("."))) for one in messages]
    findings += [f"message {b} comes after {a}" for a, b in pairwise(places) if b <= a][:MOST]
    return findings


def _facts(log: list[Recorded], messages: list[Message]) -> Findings:
    """Who was created, granted and given back, by our own reading of the log, without the publisher's fan-out."""
    wanted: Counter[tuple[Any, ...]] = Counter()
    for recorded in log:
        wanted.update(_of(recorded))
    found: Counter[tuple[Any, ...]] = Counter()
    for message in messages:
        kind, data = message.subject.split(".")[2:4], msgspec.json.decode(message.payload)["data"]
        if kind == ["task", "created"]:
            found["created", data["task"]] += 1
        elif kind == ["task", "assigned"]:
            found["assigned", data["task"], data["agent"], data["grant"]] += 1
        elif kind in (["task", "recycled"], ["task", "handed_over"]):
            found["lost", data["task"], data["agent"]] += 1
    wrong = {fact: (wanted[fact], found[fact]) for fact in wanted | found if wanted[fact] != found[fact]}
    return [f"fact {fact}: {pair[0]} in the log, {pair[1]} in the stream" for fact, pair in list(wrong.items())[:MOST]]


def _of(recorded: Recorded) -> list[tuple[Any, ...]]:
    match recorded.event:
        case ev.TaskCreated(task=task):
            return [("created", task)]
        case ev.TasksImported(first_task=first, rows=rows):
            return [("created", first + place) for place in range(len(rows))]
        case ev.TasksAllocated(agents=agents, tasks=tasks, who=who):
            pairs = zip(tasks, who, strict=True)
            return [("assigned", task, agents[place], recorded.position) for task, place in pairs]
        case ev.TaskClaimed(task=task, agent=agent) | ev.TaskReassigned(task=task, agent=agent):
            return [("assigned", task, agent, recorded.position)]
        case ev.TasksRecycled(tasks=tasks, agents=agents):
            return [("lost", *pair) for pair in zip(tasks, agents, strict=True)]
        case ev.TasksHandedOver(tasks=tasks, agent=agent):
            return [("lost", task, agent) for task in tasks]
    return []
