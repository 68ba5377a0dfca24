"""Agents in the order in which a lane takes them, kept from round to round.

Making the order anew for each round would cost every agent of the roster each time. So it is kept, beside the state,
as a memory of what the state says. An agent's place changes in two ways only: it takes a task, which moves its
``turn`` on and is noticed when it comes first in line; or it is eased (it holds less, it comes or goes), which is read
from ``State.eased`` before a round begins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from heapq import heapify, heappop, heappush, heapreplace

from engine.decide.seats import Seat, Seats
from engine.state import Agent

Key = tuple[int, ...]
"""What an ordering compares, smaller first; ends with the agent's turn and its index, so no two are equal."""
Standing = Callable[[Seat | None], Key | None]
"""The key of an agent that sits there, as the round stands; None where it may not take anything."""


class Line:
    """Agents, best first."""

    def __init__(self, agents: Iterable[Agent], seats: Seats, standing: Standing) -> None:
        self._agents = {agent.index: agent for agent in agents}
        keys = {index: standing(seats.of(agent)) for index, agent in self._agents.items()}
        self._keys = {index: key for index, key in keys.items() if key is not None}
        """Index of an agent -> its key in the heap; its other keys there are left over."""
        self._heap = list(self._keys.values())
        heapify(self._heap)

    def best(self, seats: Seats, standing: Standing) -> Seat | None:
        """The first that may take something, as it sits in this round."""
        heap, keys, taken = self._heap, self._keys, seats.taken
        while heap:
            key = heap[0]
            index = key[-1]
            if keys.get(index) is not key:
                heappop(heap)
                continue
            seat = taken.get(index) or seats.of(self._agents[index])
            if seat is not None and key[-2] == seat.turn:
                return seat
            self._fall_back(index, standing(seat))  # it took something since it came there
        return None

    def _fall_back(self, index: int, key: Key | None) -> None:
        if key is None:
            heappop(self._heap)
            del self._keys[index]
        else:
            self._keys[index] = key
            heapreplace(self._heap, key)

    def renew(self, agent: Agent, key: Key | None) -> None:
        """The agent was eased: it may stand further in front than before, or not at all."""
        if key is None:
            self._keys.pop(agent.index, None)
        else:
            self._keys[agent.index] = key
            heappush(self._heap, key)
