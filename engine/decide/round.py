"""One allocation round: which agent takes which task, pick by pick, in the order of urgency over all pools.

The state stays as it is; what the round gives away is kept in seats (``engine.decide.seats``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from heapq import heapify, heappop, heapreplace
from typing import TypeVar

from engine.decide.context import Context
from engine.decide.seats import Seat, Seats
from engine.decide.strategies import Queue
from engine.events import Pick, TasksAllocated
from engine.rules.model import Rule
from engine.state import Lane, LaneKey, State, Task

_STEP = 1_000_000
"""Resolution of urgency: millionths of a priority step."""

Turn = tuple[int, int, "Walk"]
"""(urgency, task number, the lane it waits in)"""
Item = TypeVar("Item")


class Walk:
    """A lane from its first task on."""

    def __init__(self, lane: Lane, rule: Rule, now: int) -> None:
        self.key, self.rule = lane.key, rule
        self.queue: Queue | None = None
        """Of its agents, once it has a turn."""
        self.turns = self._turns(lane, now)

    def _turns(self, lane: Lane, now: int) -> Iterator[Turn]:
        for start, numbers in lane.order.rows():
            urgency = urgency_of(start, now, self.rule)
            for number in numbers:
                yield urgency, number, self


class Round:
    """Picks made so far, and the lanes still able to give."""

    def __init__(self, state: State, context: Context, among: tuple[str, ...] | None = None) -> None:
        self.state = state
        self.context = context
        self.among = among
        self.seats = Seats(state, among)
        context.judge.round_begins(state)
        self.exhausted: dict[LaneKey, Callable[[], str]] = {}
        """Lanes that nobody may take from any more, each with the question why."""
        self._made: list[tuple[int, Seat, str, Pick]] = []
        """Task, its agent's seat, rule and how the agent was found, pick by pick."""

    def run(self, lanes: list[Lane], limit: int) -> None:
        """Give away tasks, most urgent first, until ``limit`` or until no lane can give."""
        heads = [next(walk.turns) for walk in self._open(lanes)]
        heapify(heads)
        tasks, made = self.state.tasks, self._made
        while heads and len(made) < limit:
            _, number, walk = heads[0]
            if walk.queue is None:
                walk.queue = self._queue(walk.key, walk.rule)
            turn = next(walk.turns, None) if self._give(tasks[number], walk.queue) else None
            if turn is None:
                heappop(heads)
            else:
                heapreplace(heads, turn)

    def give(self, task: Task, key: LaneKey, rule: Rule) -> bool:
        """Find an agent for the task; False: nobody may take it."""
        return self._give(task, self._queue(key, rule))

    def _queue(self, key: LaneKey, rule: Rule) -> Queue:
        return Queue(self.state, self.context.judge, self.seats, key, rule)

    def _give(self, task: Task, queue: Queue) -> bool:
        found = queue.pick(task)
        if found is None:
            self.exhausted[queue.key] = queue.why_nobody
            return False
        seat, pick = found
        rule = queue.rule.id
        self.seats.give(seat, rule, task.customer)
        self._made.append((task.number, seat, rule, pick))
        return True

    def event(self) -> TasksAllocated | None:
        """The round as a fact, None if it gave nothing."""
        self.context.judge.round_ends(self.state, bool(self._made))
        if not self._made:
            return None
        tasks, at, named, found = zip(*self._made, strict=True)
        (seats, who), (rules, under), (picks, how) = _table(at), _table(named), _table(found)
        agents = tuple(seat.agent.id for seat in seats)
        number, version = self.state.rounds + 1, self.state.version
        again = tuple([task for task in tasks if self.state.tasks[task].given])
        return TasksAllocated(number, version, agents, rules, picks, tasks, who, under, how, self.among, again)

    def _open(self, lanes: list[Lane]) -> Iterator[Walk]:
        for lane in lanes:
            rule = self.state.governing.get(lane.key[0] or "")
            if rule is not None and rule.method == "push":
                yield Walk(lane, rule, self.context.now)


def urgency_of(start: int, now: int, rule: Rule) -> int:
    """Negative priority with ageing, so that the most urgent is the least; comparable between pools."""
    return (start - now) * _STEP // rule.ageing_ms


def _table(items: Sequence[Item]) -> tuple[tuple[Item, ...], tuple[int, ...]]:
    """Each different item once, as they first come, and for each item its place there."""
    places = {item: place for place, item in enumerate(dict.fromkeys(items))}
    return tuple(places), tuple(map(places.__getitem__, items))
