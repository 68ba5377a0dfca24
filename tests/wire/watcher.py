"""A desktop: one agent's stream, read in a thread, and what it came to know."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import grpc
from paidan.v1 import tasks_pb2 as pb
from paidan.v1.tasks_pb2_grpc import TaskServiceStub

from tests.acceptance.serving import until


class Desktop:
    """Keeps the snapshot, all changes, the last position, and how the stream ended."""

    def __init__(self, channel: grpc.Channel, parent: str, agent: str, after: int = 0) -> None:
        self.snapshot: dict[int, pb.Task] | None = None
        self.changes: list[pb.AssignmentChange] = []
        self.position = after
        self.messages = 0
        self.error: Any = None
        request = pb.WatchAssignmentsRequest(parent=parent, agent=agent, from_position=after)
        self._call: Any = TaskServiceStub(channel).WatchAssignments(request)
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    @property
    def held(self) -> set[int]:
        """What the agent has in hand, as the stream told it."""
        found = set(self.snapshot or ())
        for change in self.changes:
            (found.add if change.held else found.discard)(change.number)
        return found

    @property
    def told(self) -> list[tuple[str, int]]:
        """Kind and task of each change."""
        return [(change.kind, change.number) for change in self.changes]

    def sees(self, holds: Callable[[Desktop], object], what: str) -> Desktop:
        """Wait until it is so."""
        until(lambda: self.error is not None or holds(self), what, 20, lambda: f"{self.told} {self.error}")
        assert holds(self), f"Expected {what}, but the stream ended: {self.error}"
        return self

    def reaches(self, position: int) -> Desktop:
        """Wait until everything up to the position has been told."""
        return self.sees(lambda one: one.position >= position, f"position {position}")

    def ends(self) -> Any:
        """Wait for the stream's end; gives the error."""
        self._reading.join(30)
        assert not self._reading.is_alive(), "Expected the stream to end, but it goes on"
        return self.error

    def close(self) -> int:
        """Leave; gives the position to go on from."""
        self._call.cancel()
        self._reading.join(30)
        return self.position

    def _read(self) -> None:
        try:
            for message in self._call:
                self._take(message)
        except grpc.RpcError as error:
            self.error = error

    def _take(self, message: pb.WatchAssignmentsResponse) -> None:
        self.messages += 1
        if message.HasField("snapshot"):
            self.snapshot = (self.snapshot or {}) | {task.number: task for task in message.snapshot.tasks}
        self.changes += message.changes
        assert not message.position or message.position >= self.position, "a position never goes back"
        self.position = message.position or self.position
