"""What each agent holds while a round is under way: the state's figures plus what the round has given."""

from __future__ import annotations

from engine.state import Agent, State


class Seat:
    """An agent in a round."""

    __slots__ = ("_turns", "agent", "by_rule", "load", "room", "turn", "turn_by_rule")

    def __init__(self, agent: Agent, turns: list[int]) -> None:
        self.agent = agent
        self.load = agent.load
        self.room = agent.spec.capacity - agent.load
        self.turn = agent.turn
        self.by_rule = dict(agent.load_by_rule)
        self.turn_by_rule = dict(agent.turn_by_rule)
        self._turns = turns

    def take(self, rule: str) -> None:
        """The agent takes one task under this rule."""
        self._turns[0] += 1
        self.load += 1
        self.room -= 1
        self.turn = self._turns[0]
        self.by_rule[rule] = self.by_rule.get(rule, 0) + 1
        self.turn_by_rule[rule] = self.turn

    def may_take(self, rule: str, cap: int | None) -> bool:
        """Whether capacity and the rule's cap allow one more."""
        return self.room > 0 and (cap is None or self.by_rule.get(rule, 0) < cap)


class Seats:
    """The seats of a round, made when first asked for: only agents that push may give to have one."""

    def __init__(self, state: State, among: tuple[str, ...] | None) -> None:
        self._among = None if among is None else frozenset(among)
        self._turns = [state.turn]
        self._last_agents = state.last_agents
        self._given: dict[str, str] = {}
        self._seats: dict[str, Seat | None] = {}

    def of(self, agent: Agent) -> Seat | None:
        """The agent's seat, None if it has no room or the round does not look at it."""
        try:
            return self._seats[agent.id]
        except KeyError:
            looked_at = self._among is None or agent.id in self._among
            seat = Seat(agent, self._turns) if looked_at and agent.has_room else None
            self._seats[agent.id] = seat
            return seat

    def last_agent(self, customer: str | None) -> str | None:
        """Who last had work of the customer, picks of this round included."""
        if customer is None:
            return None
        return self._given.get(customer) or self._last_agents.get(customer)

    def give(self, customer: str | None, agent: str) -> None:
        """Work of the customer goes to the agent."""
        if customer is not None:
            self._given[customer] = agent

    def room_of(self, agent: Agent) -> int:
        """Tasks the agent could still take by its capacity, whether or not the round looks at it."""
        seat = self._seats.get(agent.id)
        return seat.room if seat is not None else agent.spec.capacity - agent.load

    def held_of(self, agent: Agent, rule: str) -> int:
        """Open tasks the agent holds under a rule."""
        seat = self._seats.get(agent.id)
        return (seat.by_rule if seat is not None else agent.load_by_rule).get(rule, 0)
