"""The log as the publisher reads it: from any position on, in bounded batches, cut into batches of messages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from adapters.log.codec import decode
from adapters.log.event_log import EventLog
from adapters.log.listening import LogListener
from adapters.nats_bus.batches import MAX_BYTES, MAX_MESSAGES
from adapters.nats_bus.cloud_events import Message, Messages
from adapters.nats_bus.packages import TaskPackages
from adapters.nats_bus.stream import Cursor
from engine.events import Recorded

READ_BYTES = 4_000_000
"""Of the log at a time, about: bulk events carry some hundreds of rows each."""
_FIRST_READ, _MOST = 64, 1_024


class Tail:
    """One workspace's log. Synchronous; one thread at a time. Raises LogUnavailableError, UnknownEventError."""

    def __init__(self, dsn: str, workspace: str) -> None:
        self._events = EventLog(dsn, workspace)
        self._listener = LogListener(dsn, "paidan-publisher-listen")
        self.packages = TaskPackages()
        self._learned = 0
        self._limit = _FIRST_READ

    def open(self) -> None:
        """Make the log's table where it is missing."""
        self._events.create()

    def read(self, after: int) -> list[Recorded]:
        """The next events above a position."""
        rows = self._events.read_stored(after, self._limit)
        if rows:
            mean = sum(len(row.state) for row in rows) // len(rows) + 1
            self._limit = max(1, min(READ_BYTES // mean, self._limit * 4, _MOST))
        return [decode(row) for row in rows]

    def learn(self, position: int) -> None:
        """In which packages tasks came, from the events up to a position, which are published already."""
        while self._learned < position:
            rows = self._events.read_stored(self._learned, min(_FIRST_READ, position - self._learned))
            if not rows:
                return
            for row in rows:
                self.packages.note_stored(row)
            self._learned = rows[-1].position

    def forget(self) -> None:
        """What was learnt: the log is not what it was."""
        self.packages, self._learned = TaskPackages(), 0

    def note(self, recorded: Recorded) -> None:
        """An event about to be published."""
        if recorded.position > self._learned:
            self.packages.note(recorded.event)
            self._learned = recorded.position

    def at(self, position: int) -> Recorded | None:
        """One event; None: the log ends before it."""
        found = self._events.read(position - 1, 1)
        return found[0] if found and found[0].position == position else None

    def wait(self, seconds: float) -> None:
        """Until the log has grown, or the time is over."""
        self._listener.wait(seconds)

    def close(self) -> None:
        """Give the connections back."""
        self._listener.close()
        self._events.close()


class Batch(NamedTuple):
    """Messages to be published together, and how far the log is published then."""

    messages: list[Message]
    cursor: Cursor


def batches(recorded: Iterable[Recorded], after: Cursor, tail: Tail, make: Messages) -> Iterator[Batch]:
    """Events above a cursor as batches. The last one ends with the last event, and may be empty."""
    messages: list[Message] = []
    size, cursor = 0, after
    for event in recorded:
        tail.note(event)
        part = after.part if event.position == after.position + 1 else 0
        for message in make.of(event, tail.packages.of, part):
            if messages and (len(messages) == MAX_MESSAGES or size + len(message.payload) > MAX_BYTES):
                yield Batch(messages, Cursor(messages[-1].position - 1, messages[-1].place + 1))
                messages, size = [], 0
            messages.append(message)
            size += len(message.payload)
        cursor = Cursor(event.position)
    yield Batch(messages, cursor)
