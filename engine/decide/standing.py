"""Agents in the order in which a lane takes them, kept from round to round.

Making the order anew for each round would cost every agent of the roster each time. So it is kept, beside the state,
as a memory of what the state says. An agent's place changes in two ways only: it takes a task, which moves its
``turn`` on and is noticed when it comes first in line; or it is eased (it holds less, it comes or goes), which is read
from ``State.eased`` before a round begins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from heapq import heapify, heappop, heappush, heapreplace

from engine.decide.seats import Seat
from engine.state import Agent

Key = tuple[int, ...]
"""What an ordering compares, smaller first; ends with the agent's turn and its index, so no two are equal."""
Standing = Callable[[Agent], Key | None]
"""The agent's key as the round stands, None where it may not take anything."""

_BITS = 48
_MASK = (1 << _BITS) - 1


def rank_of(key: Key) -> int:
    """A key as one number in the same order: a heap compares numbers several times as fast as tuples."""
    rank = 0
    for value in key:
        rank = rank << _BITS | value
    return rank


class Line:
    """Agents, best first."""

    def __init__(self, agents: Iterable[Agent], standing: Standing) -> None:
        self._agents = {agent.index: agent for agent in agents}
        keys = {index: standing(agent) for index, agent in self._agents.items()}
        self._ranks = {index: rank_of(key) for index, key in keys.items() if key is not None}
        """Index of an agent -> its rank in the heap; its other ranks there are left over."""
        self._heap = list(self._ranks.values())
        heapify(self._heap)

    def best(self, seats: Mapping[str, Seat | None], standing: Standing) -> Agent | None:
        """The first that may take something. ``seats`` are those of the round."""
        heap, ranks = self._heap, self._ranks
        while heap:
            rank = heap[0]
            index = rank & _MASK
            if ranks.get(index) != rank:
                heappop(heap)
                continue
            agent = self._agents[index]
            seat = seats.get(agent.spec.id)
            if rank >> _BITS & _MASK == (agent.turn if seat is None else seat.turn):
                return agent
            self._fall_back(index, standing(agent))
        return None

    def _fall_back(self, index: int, key: Key | None) -> None:
        """The first in line took something since it came there."""
        if key is None:
            heappop(self._heap)
            del self._ranks[index]
        else:
            self._ranks[index] = rank = rank_of(key)
            heapreplace(self._heap, rank)

    def renew(self, agent: Agent, key: Key | None) -> None:
        """The agent was eased: it may stand further in front than before, or not at all."""
        if key is None:
            self._ranks.pop(agent.index, None)
        else:
            self._ranks[agent.index] = rank = rank_of(key)
            heappush(self._heap, rank)
