"""One allocation round: which agent takes which task, pick by pick, in the order of urgency over all pools.

The state stays as it is; what the round gives away is kept in seats (``engine.decide.seats``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from heapq import heapify, heappop, heapreplace

from engine.decide.context import Context
from engine.decide.seats import Seats
from engine.decide.strategies import Queue
from engine.events import Pick, TasksAllocated
from engine.rules.model import Rule
from engine.state import Lane, LaneKey, State, Task
from engine.state.pool import number_of, start_of

_STEP = 1_000_000
"""Resolution of urgency: millionths of a priority step."""


class Round:
    """Picks made so far, and the lanes still able to give."""

    def __init__(self, state: State, context: Context, among: tuple[str, ...] | None = None) -> None:
        self.state = state
        self.context = context
        self.among = among
        self.seats = Seats(state, among)
        self.exhausted: dict[LaneKey, Callable[[], str]] = {}
        """Lanes that nobody may take from any more, each with the question why."""
        self._queues: dict[LaneKey, Queue] = {}
        self._agents: dict[str, int] = {}
        self._rules: dict[str, int] = {}
        self._picks: dict[Pick, int] = {}
        self._tasks: list[int] = []
        self._who: list[int] = []
        self._under: list[int] = []
        self._how: list[int] = []

    def run(self, lanes: list[Lane], limit: int) -> None:
        """Give away tasks, most urgent first, until ``limit`` or until no lane can give."""
        heads = [self._head(lane, rule, iter(lane.order)) for lane, rule in self._open(lanes)]
        heapify(heads)
        while heads and len(self._tasks) < limit:
            _, number, key, rule, ranks = heads[0]
            if not self.give(self.state.tasks[number], key, rule):
                heappop(heads)
                continue
            following = next(ranks, None)
            if following is None:
                heappop(heads)
            else:
                heapreplace(heads, (self._urgency(following, rule), number_of(following), key, rule, ranks))

    def give(self, task: Task, key: LaneKey, rule: Rule) -> bool:
        """Find an agent for the task; False: nobody may take it."""
        queue = self._queues.get(key)
        if queue is None:
            queue = self._queues[key] = Queue(self.state, self.context.judge, self.seats, key, rule)
        found = queue.pick(task)
        if found is None:
            self.exhausted[key] = queue.why_nobody
            return False
        seat, pick = found
        seat.take(rule.id)
        self.seats.give(task.customer, seat.agent.id)
        self._note(task.number, seat.agent.id, rule.id, pick)
        return True

    def event(self) -> TasksAllocated | None:
        """The round as a fact, None if it gave nothing."""
        if not self._tasks:
            return None
        return TasksAllocated(
            self.state.rounds + 1,
            self.state.version,
            tuple(self._agents),
            tuple(self._rules),
            tuple(self._picks),
            tuple(self._tasks),
            tuple(self._who),
            tuple(self._under),
            tuple(self._how),
            self.among,
        )

    def _open(self, lanes: list[Lane]) -> Iterator[tuple[Lane, Rule]]:
        for lane in lanes:
            rule = self.state.governing.get(lane.key[0] or "")
            if rule is not None and rule.method == "push":
                yield lane, rule

    def _head(self, lane: Lane, rule: Rule, ranks: Iterator[int]) -> tuple[int, int, LaneKey, Rule, Iterator[int]]:
        rank = next(ranks)
        return (self._urgency(rank, rule), number_of(rank), lane.key, rule, ranks)

    def _urgency(self, rank: int, rule: Rule) -> int:
        """Negative priority with ageing, so that the most urgent is the least; comparable between pools."""
        return (start_of(rank) - self.context.now) * _STEP // rule.ageing_ms

    def _note(self, number: int, agent: str, rule: str, pick: Pick) -> None:
        self._tasks.append(number)
        self._who.append(self._agents.setdefault(agent, len(self._agents)))
        self._under.append(self._rules.setdefault(rule, len(self._rules)))
        self._how.append(self._picks.setdefault(pick, len(self._picks)))
