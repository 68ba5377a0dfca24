"""A workspace's state as it is built from the log: bit by bit while standing by, the rest when it is needed."""

from __future__ import annotations

from math import inf
from time import perf_counter

from adapters.log.event_log import EventLog
from engine.workspace import Workspace

BATCH = 200
"""Events read at a time."""


class Ahead:
    """For one thread at a time. Raises LogUnavailableError; the next call goes on from where it came to."""

    def __init__(self, log: EventLog, workspace: str) -> None:
        self._log, self._name = log, workspace
        self._built = Workspace(workspace)

    def follow(self, seconds: float) -> None:
        """Build on, for so long at most."""
        end = perf_counter() + seconds
        while found := self._log.read(self._built.state.position, BATCH):
            self._built.restore(found)
            if perf_counter() > end:
                return

    def take(self) -> Workspace:
        """The workspace as the log has it now, ready to decide. The next one is built from the beginning."""
        self.follow(inf)
        taken, self._built = self._built, Workspace(self._name)
        taken.wake()
        return taken
