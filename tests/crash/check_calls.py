"""Calls to the outside: each begins once, ends once, is heard under one key, and the log says of it what was said."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from engine import events as ev
from engine.events import Recorded
from tests.crash.calling import ASKS, DECLINED, DONE, TELLS
from tests.crash.history import Findings, Heard


def under_way(log: list[Recorded]) -> set[str]:
    """``task-position`` of calls that have begun and not ended."""
    follower = Follower("")
    follower.follow(log)
    return {key for calls in follower.open.values() for key in calls}


def check_calls(workspace: str, log: list[Recorded], heard: list[Heard]) -> Findings:
    """What is wrong."""
    follower = Follower(workspace)
    follower.follow(log)
    left = [f"call {key} ({kind}) began and never ended" for kind, calls in follower.open.items() for key in calls]
    return [*follower.findings, *left, *_heard(follower, heard)]


def _heard(follower: Follower, heard: list[Heard]) -> Findings:
    """Against what the callee knows."""
    findings, by_key = [], defaultdict[str, list[Heard]](list)
    for one in heard:
        by_key[one.key].append(one)
    for key, times in by_key.items():
        if key not in follower.begun[times[0].kind]:
            findings.append(f"call {key} ({times[0].kind}) was heard, and the log knows nothing of it")
        if len({(one.kind, one.body) for one in times}) > 1:
            findings.append(f"call {key} was heard with different contents")
    for key, (kind, said) in follower.ended.items():
        if said and said not in {one.said for one in by_key.get(key, ()) if one.kind == kind}:
            findings.append(f"call {key} ({kind}) ended as {said}, and the callee never said so")
    return findings


class Follower:
    """Follows calls through the log."""

    def __init__(self, workspace: str) -> None:
        self.findings: Findings = []
        self.open: dict[str, set[str]] = {ASKS: set(), TELLS: set()}
        self.begun: dict[str, set[str]] = {ASKS: set(), TELLS: set()}
        self.ended: dict[str, tuple[str, str]] = {}
        """Key -> (kind, what the callee must have said; empty: nothing in particular)."""
        self._workspace = workspace
        self._started: dict[int, int] = {}

    def follow(self, log: list[Recorded]) -> None:
        for recorded in log:
            take = TAKE.get(type(recorded.event))
            if take is not None:
                take(self, recorded.event, recorded.position)

    def asked(self, event: ev.CallbacksStarted, position: int) -> None:
        for task in event.tasks:
            if task in self._started:
                self.findings.append(f"position {position}: task {task} is asked about again")
            self._started[task] = position
            self._begin(ASKS, task, position)

    def answered(self, event: ev.CallbackSucceeded, position: int) -> None:
        key = self._key(event.task, event.started)
        self._end(ASKS, event.task, event.started, DONE)
        if self._workspace and event.result != {"done": key}:
            self.findings.append(f"position {position}: call {key} gave {event.result}, which nobody answered")
        self.completed(event, position)

    def not_answered(self, event: ev.CallbacksFailed, _position: int) -> None:
        self._drop(event.tasks, DECLINED if event.cause == "declined" else "")

    def taken_out(self, event: ev.TasksCancelled | ev.TasksMerged, _position: int) -> None:
        self._drop(event.calling, "")

    def completed(self, event: ev.TaskCompleted | ev.CallbackSucceeded, position: int) -> None:
        if event.deliver is not None:
            self._begin(TELLS, event.task, position)

    def told(self, event: ev.ResultDelivered | ev.ResultUndelivered, _position: int) -> None:
        self._end(TELLS, event.task, event.made, DONE if isinstance(event, ev.ResultDelivered) else "")

    def _drop(self, tasks: tuple[int, ...], said: str) -> None:
        for task in tasks:
            self._end(ASKS, task, self._started.get(task, 0), said)

    def _begin(self, kind: str, task: int, position: int) -> None:
        key = self._key(task, position)
        self.open[kind].add(key)
        self.begun[kind].add(key)

    def _end(self, kind: str, task: int, made: int, said: str) -> None:
        key = self._key(task, made)
        if key not in self.open[kind]:
            self.findings.append(f"call {key} ({kind}) ended, but it was not under way")
        self.open[kind].discard(key)
        self.ended[key] = (kind, said)

    def _key(self, task: int, made: int) -> str:
        return f"{self._workspace}-{task}-{made}"


TAKE: dict[type[ev.Event], Callable[[Follower, Any, int], None]] = {
    ev.CallbacksStarted: Follower.asked,
    ev.CallbackSucceeded: Follower.answered,
    ev.CallbacksFailed: Follower.not_answered,
    ev.TasksCancelled: Follower.taken_out,
    ev.TasksMerged: Follower.taken_out,
    ev.TaskCompleted: Follower.completed,
    ev.ResultDelivered: Follower.told,
    ev.ResultUndelivered: Follower.told,
}
