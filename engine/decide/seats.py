"""What each agent holds while a round is under way: the state's figures plus what the round has given."""

from __future__ import annotations

from engine.rules.model import Rule
from engine.state import Agent, State, Task


class Seat:
    """An agent in a round."""

    __slots__ = ("_given", "agent", "load", "room", "turn")

    def __init__(self, agent: Agent) -> None:
        self.agent = agent
        self.load = agent.load
        self.room = agent.spec.capacity - agent.load
        self.turn = agent.turn
        self._given: dict[str, tuple[int, int]] = {}
        """Rule -> (tasks held under it, turn of the last), where the round gave some."""

    def take(self, rule: str, turn: int) -> None:
        """The agent takes one task under this rule, as pick number ``turn``."""
        known = self._given.get(rule)
        held = known[0] if known else self.agent.load_by_rule.get(rule, 0)
        self._given[rule] = (held + 1, turn)
        self.load += 1
        self.room -= 1
        self.turn = turn

    def may_take(self, rule: str, cap: int | None) -> bool:
        """Whether capacity and the rule's cap allow one more."""
        return self.room > 0 and (cap is None or self.held(rule) < cap)

    def held(self, rule: str) -> int:
        """Open tasks it holds under a rule."""
        known = self._given.get(rule)
        return known[0] if known else self.agent.load_by_rule.get(rule, 0)

    def turn_under(self, rule: str) -> int:
        """When it was last picked under a rule, counted in picks of the workspace; 0: never."""
        known = self._given.get(rule)
        return known[1] if known else self.agent.turn_by_rule.get(rule, 0)


class Seats:
    """The seats of a round, made when first asked for: only agents that push may give to have one."""

    def __init__(self, state: State, among: tuple[str, ...] | None) -> None:
        self.among = None if among is None else tuple(state.agents[name] for name in among if name in state.agents)
        """The agents the round looks at; None: all."""
        self.taken: dict[int, Seat | None] = {}
        """Those made so far, by the agent's index; None: no room, or not looked at."""
        self._among = None if among is None else frozenset(among)
        self._turn = state.turn
        self._last_agents = state.last_agents
        self._given: dict[str, str] = {}

    def of(self, agent: Agent) -> Seat | None:
        """The agent's seat, None if it has no room or the round does not look at it."""
        try:
            return self.taken[agent.index]
        except KeyError:
            looked_at = self._among is None or agent.id in self._among
            seat = self.taken[agent.index] = Seat(agent) if looked_at and agent.has_room else None
            return seat

    def give(self, seat: Seat, rule: Rule, task: Task) -> None:
        """The task goes to the agent of this seat; an offer does not make him the last to have the customer's work."""
        self._turn += 1
        seat.take(rule.id, self._turn)
        if task.customer is not None and rule.method != "offer":
            self._given[task.customer] = seat.agent.spec.id

    def last_agent(self, customer: str | None) -> str | None:
        """Who last had work of the customer, picks of this round included."""
        if customer is None:
            return None
        return self._given.get(customer) or self._last_agents.get(customer)

    def room_of(self, agent: Agent) -> int:
        """Tasks the agent could still take by its capacity, whether or not the round looks at it."""
        seat = self.taken.get(agent.index)
        return seat.room if seat is not None else agent.spec.capacity - agent.load

    def held_of(self, agent: Agent, rule: str) -> int:
        """Open tasks the agent holds under a rule."""
        seat = self.taken.get(agent.index)
        return seat.held(rule) if seat is not None else agent.load_by_rule.get(rule, 0)
