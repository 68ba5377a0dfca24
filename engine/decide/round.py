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
from engine.rules.model import BY_ROUNDS, Rule
from engine.rules.policy import offer_of
from engine.state import Lane, LaneKey, State, Task

_STEP = 1_000_000
"""Resolution of urgency: millionths of a priority step."""

Turn = tuple[int, int, "Walk"]
"""(urgency, task number, the lane it waits in)"""
Item = TypeVar("Item")


class Walk:
    """A lane from its first task on, but for those that are not offered any more."""

    def __init__(self, lane: Lane, rule: Rule, state: State, now: int) -> None:
        self.key, self.rule = lane.key, rule
        self.queue: Queue | None = None
        """Of its agents, once it has a turn."""
        self.turns = self._turns(lane, state, now)

    def _turns(self, lane: Lane, state: State, now: int) -> Iterator[Turn]:
        offers = self.rule.method == "offer"
        for start, numbers in lane.order.rows():
            urgency = urgency_of(start, now, self.rule)
            for number in numbers:
                if offers and is_set_aside(state.tasks[number], self.rule):
                    continue
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
        heads = [turn for walk in self._open(lanes) if (turn := next(walk.turns, None)) is not None]
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
        self.seats.give(seat, queue.rule, task)
        self._made.append((task.number, seat, queue.rule.id, pick))
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
        until = self._until(rules)
        return TasksAllocated(number, version, agents, rules, picks, tasks, who, under, how, self.among, again, until)

    def _until(self, rules: Sequence[str]) -> tuple[int, ...]:
        """By when what goes out under each of the rules has to be accepted; 0: it is assigned at once."""
        until = tuple(self._accepted_by(self.state.governing[rule]) for rule in rules)
        return until if any(until) else ()

    def _accepted_by(self, rule: Rule) -> int:
        terms = offer_of(self.state.rule_set, rule) if rule.method == "offer" and self.state.rule_set else None
        return self.context.now + terms.accept_within_ms if terms else 0

    def _open(self, lanes: list[Lane]) -> Iterator[Walk]:
        for lane in lanes:
            rule = self.state.governing.get(lane.key[0] or "")
            if rule is not None and rule.method in BY_ROUNDS:
                yield Walk(lane, rule, self.state, self.context.now)


def is_set_aside(task: Task, rule: Rule) -> bool:
    """Whether the rule's agents have let it pass so often that it waits for a supervisor."""
    asking = task.asked_under(rule.id)
    return asking is not None and asking.set_aside and rule.method == "offer"


def urgency_of(start: int, now: int, rule: Rule) -> int:
    """Negative priority with ageing, so that the most urgent is the least; comparable between pools."""
    return (start - now) * _STEP // rule.ageing_ms


def _table(items: Sequence[Item]) -> tuple[tuple[Item, ...], tuple[int, ...]]:
    """Each different item once, as they first come, and for each item its place there."""
    places = {item: place for place, item in enumerate(dict.fromkeys(items))}
    return tuple(places), tuple(map(places.__getitem__, items))
