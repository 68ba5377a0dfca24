"""In which package a task came. Numbers are given in the order tasks come, so a few steps say it for all of them."""

from __future__ import annotations

from bisect import bisect_right

import msgspec

from adapters.log.codec import Envelope, Stored
from engine import events as ev

_ALONE = 0


class TaskPackages:
    """Learns from the log, in its order; ``of`` answers for every task it has seen."""

    def __init__(self) -> None:
        self._firsts: list[int] = [0]
        self._packages: list[int] = [_ALONE]

    def of(self, task: int) -> int | None:
        """Its package; None: it came alone."""
        return self._packages[bisect_right(self._firsts, task) - 1] or None

    def note(self, event: ev.Event) -> None:
        """An event about to be published."""
        match event:
            case ev.TasksImported(first_task=first, package=package):
                self._step(first, package)
            case ev.TaskCreated(task=first):
                self._step(first, _ALONE)

    def note_stored(self, stored: Stored) -> None:
        """A row of the log that was published before: only what is wanted of it is decoded."""
        kind = _ARRIVALS.get(stored.topic)
        if kind is None:
            return
        arrival = kind(_envelope(stored.state).data)
        self._step(arrival.first_task or arrival.task, arrival.package)

    def _step(self, first: int, package: int) -> None:
        if first == self._firsts[-1]:
            self._packages[-1] = package  # the event before brought no task
        elif package != self._packages[-1]:
            self._firsts.append(first)
            self._packages.append(package)


class _Arrival(msgspec.Struct):
    first_task: int = 0
    task: int = 0
    package: int = _ALONE


_envelope = msgspec.json.Decoder(Envelope).decode
_arrival = msgspec.json.Decoder(_Arrival).decode
_ARRIVALS = {cls.__struct_config__.tag: _arrival for cls in (ev.TasksImported, ev.TaskCreated)}
