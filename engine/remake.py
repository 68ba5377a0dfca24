"""A round made again from its event, so that what it looked at can be asked about pick by pick."""

from __future__ import annotations

from engine.decide.context import Context
from engine.decide.seats import Seats
from engine.decide.strategies import Queue
from engine.events import Pick
from engine.state import State, Task, lane_key


class Picks:
    """A round made again, pick by pick, with the code that made it."""

    def __init__(self, state: State, context: Context, among: tuple[str, ...] | None) -> None:
        self.state, self.context = state, context
        self.seats = Seats(state, among)
        self._queues: dict[object, Queue] = {}

    def queue(self, task: Task) -> Queue:
        """The agents its lane may go to. One a lane for the whole round, as it was."""
        key = lane_key(task)
        if key not in self._queues:
            rule = self.state.governing[task.rule or ""]
            self._queues[key] = Queue(self.state, self.context.judge, self.seats, key, rule)
        return self._queues[key]

    def take(self, task: Task) -> tuple[str, Pick] | None:
        """Make the pick and count it."""
        found = self.queue(task).pick(task)
        if found is None:
            return None
        seat, pick = found
        self.seats.give(seat, self.state.governing[task.rule or ""], task)
        return seat.agent.id, pick
