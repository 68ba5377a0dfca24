"""One rule, or one agent, held against one task: yes or no, and in words why."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from engine.decide.claiming import CLAIMING
from engine.decide.judge import Judge, place_all
from engine.decide.seats import Seat, Seats
from engine.decide.strategies import ORDERINGS, Queue
from engine.rules.language import names_of
from engine.rules.matcher import Matcher
from engine.rules.model import NARROWING, Rule, RuleSet
from engine.state import Agent, State, Task, lane_key
from engine.state.agent import regions_of
from engine.state.task import attribute


class RuleVerdict(msgspec.Struct, frozen=True):
    rule: str
    matches: bool
    reason: str


class AgentVerdict(msgspec.Struct, frozen=True):
    """``eligible``: it could have had the task, whether or not another was ranked before it."""

    agent: str
    chosen: bool
    eligible: bool
    reason: str
    load: int
    """Open tasks it held at that moment."""


def rule_verdicts(state: State, task: Task) -> tuple[RuleVerdict, ...]:
    """Rules in force in the order they are asked, down to the one that governs the task."""
    rule_set = state.rule_set
    if rule_set is None:
        return ()
    matcher = Matcher(rule_set, state.version)
    try:
        governing = place_all(matcher, rule_set, [task])[0][0]
    finally:
        matcher.close()
    if task.marks is not None and governing is not None and task.marks.directed == governing:
        return (RuleVerdict(governing, True, "it was handed over to this rule"),)
    return tuple(_rule_verdicts(rule_set, governing, task))


def _rule_verdicts(rule_set: RuleSet, governing: str | None, task: Task) -> list[RuleVerdict]:
    verdicts: list[RuleVerdict] = []
    for rule in rule_set.rules:
        if rule.id == governing:
            return [*verdicts, RuleVerdict(rule.id, True, f"the first whose condition holds: {rule.when}")]
        verdicts.append(RuleVerdict(rule.id, False, _why_not(rule, task)))
    return verdicts


def _why_not(rule: Rule, task: Task) -> str:
    if rule.task_type != task.type:
        return f"it is for tasks of type {rule.task_type}, and this is a {task.type}"
    if rule.business_type is not None and rule.business_type != task.business_type:
        return f"it is for business type {rule.business_type}, and this is {task.business_type or 'without one'}"
    names = sorted(name.removeprefix("task.") for name in names_of(rule.when))
    values = ", ".join(f"{name} is {_shown(attribute(task, name))}" for name in names)
    return f"its condition does not hold: {rule.when}" + (f" ({values})" if values else "")


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_shown, value)) + "]"
    return "absent" if value is None else repr(value).replace("'", '"') if isinstance(value, str) else str(value)


class Hindrances:
    """Why an agent may not take a task of a lane, as things stand in a round."""

    def __init__(self, state: State, judge: Judge, task: Task, rule: Rule, seats: Seats) -> None:
        self._state, self._judge, self._task, self._rule, self._seats = state, judge, task, rule, seats
        self._key = lane_key(task)
        self._targets = judge.targets(state, self._key).ids
        self.may_come = CLAIMING if rule.method == "claim" else ("available",)

    def load_of(self, agent: Agent) -> int:
        """Open tasks it holds, those the round has given it included."""
        return agent.spec.capacity - self._seats.room_of(agent)

    def of(self, agent: Agent) -> str:
        """The first thing in the way, empty where there is none."""
        load, cap = self.load_of(agent), self._rule.cap_per_agent
        if agent.id not in self._targets or not self._judge.is_target(self._state, self._key, agent, load):
            return "outside the targets"
        if agent.presence not in self.may_come:
            return agent.presence
        if load >= agent.spec.capacity:
            return f"at capacity: {load} of {agent.spec.capacity}"
        held = self._seats.held_of(agent, self._rule.id)
        return f"at rule cap: {held} of {cap}" if cap is not None and held >= cap else ""


class Ranking:
    """Why of those who could have the task this one got it."""

    def __init__(self, queue: Queue, rule: Rule, task: Task, chosen: Seat, by: str) -> None:
        self._queue, self._chosen, self._by = queue, chosen, by
        self._avoid = task.marks.avoid if task.marks is not None else None
        asking = task.asked_under(rule.id)
        let_pass = asking.let_pass if asking is not None else ()
        self._let_pass = () if chosen.agent.id in let_pass else let_pass
        self._region = task.region if by.startswith("region+") else None
        names = [name for name in rule.strategy if name not in NARROWING] or ["least_loaded"]
        self._names = [*(name for name in names if name in ORDERINGS), "last picked", "registered"]

    def behind(self, agent: Agent, seat: Seat) -> str:
        """Why the agent stands behind the chosen one."""
        if agent.id in self._let_pass:
            return "let it pass; others come first"
        if agent.id == self._avoid:
            return "gave it back; others come first"
        if self._by in NARROWING:
            return f"{self._chosen.agent.id} came first as {self._by}"
        if self._region is not None and self._region not in regions_of(agent):
            return f"outside the region {self._region}"
        pairs = zip(self._names, self._queue.key_of(seat), self._queue.key_of(self._chosen), strict=True)
        for name, mine, best in pairs:
            if mine != best:
                return f"behind {self._chosen.agent.id}: {name} {mine}, against {best}"
        return f"behind {self._chosen.agent.id}"


def agent_verdicts(
    state: State, hindrance: Callable[[Agent], str], load: Callable[[Agent], int], chosen: str = "", free: str = ""
) -> tuple[AgentVerdict, ...]:
    """A verdict for every agent of the roster; ``free`` is said of those with nothing in the way."""
    verdicts: Sequence[AgentVerdict] = [
        _verdict(agent, agent.id == chosen, hindrance(agent), load(agent), free) for agent in state.agents.values()
    ]
    return tuple(verdicts)


def _verdict(agent: Agent, chosen: bool, hindrance: str, load: int, free: str) -> AgentVerdict:
    if chosen:
        return AgentVerdict(agent.id, True, True, "chosen", load)
    return AgentVerdict(agent.id, False, not hindrance, hindrance or free, load)
