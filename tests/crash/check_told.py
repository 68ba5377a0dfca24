"""What clients were told against the log: every acknowledged effect is there once, and as it was told."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

from engine import events as ev
from engine.events import Recorded
from tests.crash.check_log import Ledger, effects
from tests.crash.history import Findings, Package, Told

LEAVES_NO_TRACE = ("INVALID_ARGUMENT", "NOT_FOUND")
"""Wrong in itself: decided again whenever it is asked again."""
Answered = Callable[[Any, Recorded], dict[str, Any]]

ANSWERS: dict[str, tuple[type[ev.Event], Answered]] = {
    "CreateTask": (ev.TaskCreated, lambda event, _: {"number": event.task}),
    "ClaimTask": (ev.TaskClaimed, lambda event, one: {"number": event.task, "grant": one.position}),
    "StartTask": (ev.TaskStarted, lambda event, _: {}),
    "CompleteTask": (ev.TaskCompleted, lambda event, _: {}),
    "CancelTask": (ev.TasksCancelled, lambda event, _: {}),
    "ReassignTask": (ev.TaskReassigned, lambda event, one: {"grant": one.position}),
    "HandOverTasks": (ev.TasksHandedOver, lambda event, _: {}),
    "LockTask": (ev.TaskLocked, lambda event, _: {"locked_until": event.until}),
    "UnlockTask": (ev.TaskUnlocked, lambda event, _: {}),
    "SetPresence": (ev.AgentPresenceChanged, lambda event, _: {"changed": True}),
    "ApplyRules": (ev.RuleSetApplied, lambda event, _: {"version": event.version, "changed": True}),
    "ApplyRoster": (ev.AgentsRegistered, lambda event, _: {"changed": True}),
    "UploadPackage": (ev.PackageRegistered, lambda event, _: {"number": event.package, "changed": True}),
}
"""Method -> the event it leaves, and what the answer says of it."""
ASKED: dict[str, Callable[[Any], dict[str, Any]]] = {
    "CreateTask": lambda event: {"task_type": event.task_type, "customer": event.row.customer},
    "ClaimTask": lambda event: {"agent": event.agent},
    "StartTask": lambda event: {"task": event.task, "agent": event.agent, "grant": event.grant},
    "CompleteTask": lambda event: {"task": event.task, "agent": event.agent, "grant": event.grant},
    "CancelTask": lambda event: {"task": event.tasks[0]},
    "ReassignTask": lambda event: {"task": event.task, "agent": event.agent},
    "HandOverTasks": lambda event: {"agent": event.agent, "tasks": list(event.tasks)},
    "LockTask": lambda event: {"task": event.task, "agent": event.agent, "grant": event.grant},
    "UnlockTask": lambda event: {"task": event.task, "agent": event.agent, "grant": event.grant},
    "SetPresence": lambda event: {"agent": event.agent, "presence": event.presence},
}
"""Method -> what was asked for, as the event has it."""
ENDING_S = 25.0
"""So long a server may take to end: what it accepted is finished first."""


def check_told(told: list[Told], log: list[Recorded]) -> Findings:
    """Each answer against the events of its request; answers to one request against each other."""
    found, by_request = effects(log), defaultdict(list)
    findings: Findings = []
    for one in told:
        by_request[one.request].append(one)
        findings += [f"request {one.request}: told {strange}" for strange in one.strange]
        wrong = _wrong(one, found.get(one.request, []))
        findings += [f"request {one.request} ({one.method}): {wrong}"] if wrong else []
    return findings + [f for several in by_request.values() for f in _alike(several)]


def check_cut(told: list[Told], ends: list[float]) -> Findings:
    """CANCELLED is told by a server at its end, and by no other."""
    return [
        f"request {one.request}: told CANCELLED, and no server was ending"
        for one in told
        for at in one.cut
        if not any(0 <= at - end <= ENDING_S for end in ends)
    ]


def _alike(several: list[Told]) -> Findings:
    answers = [(one.outcome, one.answer) for one in several if one.outcome != "unknown"]
    other = next((answer for answer in answers if answer != answers[0]), None)
    return [f"request {several[0].request}: first told {answers[0]}, then {other}"] if other else []


def _wrong(one: Told, events: list[Recorded]) -> str:
    if one.outcome == "unknown":
        return ""  # there or not; that it is not there twice is the log's own check
    if one.outcome == "refused" and one.answer["code"] in LEAVES_NO_TRACE:
        return f"refused for ever, but it has {len(events)} events" if events else ""
    if not events:
        return f"told {one.outcome} {one.answer}, but the log knows nothing of it"
    first = events[0]
    if one.outcome == "refused":
        return _wrong_refusal(one, first)
    if one.answer["position"] != events[-1].position:
        return f"told position {one.answer['position']}, but its last event is at {events[-1].position}"
    if isinstance(first.event, ev.CommandHadNoEffect):
        return "" if one.answer.get("changed") is False else f"told {one.answer}, but it had no effect"
    return _wrong_effect(one, first)


def _wrong_refusal(one: Told, first: Recorded) -> str:
    event = first.event
    if isinstance(event, ev.CommandRefused) and event.reason == one.answer["reason"]:
        return ""
    return f"told refused {one.answer}, but the log has {event}"


def _wrong_effect(one: Told, first: Recorded) -> str:
    kind, answered = ANSWERS[one.method]
    if not isinstance(first.event, kind):
        return f"told {one.answer}, but the log has {first.event}"
    known = answered(first.event, first)
    if any(one.answer.get(name) != value for name, value in known.items()):
        return f"told {one.answer}, but the log has {known}"
    asked = ASKED[one.method](first.event) if one.method in ASKED else {}
    if any(name in one.asked and one.asked[name] != value for name, value in asked.items()):
        return f"asked {one.asked}, but the log has {asked}"
    return ""


def check_packages(told: list[Told], packages: dict[str, Package], ledger: Ledger) -> Findings:
    """Every row of every list that was taken in is a task once, or was set aside once; and the package came to rest."""
    findings: Findings = []
    for one in told:
        if one.method == "UploadPackage" and one.outcome == "ok":
            wrong = _wrong_package(packages[one.request], one.answer["number"], ledger)
            findings += [f"package {one.answer['number']} ({one.request}): {wrong}"] if wrong else []
    return findings


def _wrong_package(sent: Package, number: int, ledger: Ledger) -> str:
    for name, lines, wanted in (("rows", ledger.lines, sent.good), ("rejected", ledger.rejected, sent.bad)):
        found = lines.get(number, Counter())
        doubled = sorted(line for line, count in found.items() if count > 1)
        if doubled or found.keys() != wanted:
            return f"{name}: lines {sorted(wanted ^ found.keys())[:5]} are missing or too many, {doubled[:5]} doubled"
    if ledger.parsed.get(number) != (len(sent.good), len(sent.bad)):
        return f"sent {len(sent.good)} and {len(sent.bad)}, but the log says {ledger.parsed.get(number)}"
    return "" if ledger.rest[number] == "PackageDistributed" else f"it never came to rest: {ledger.rest[number]}"
