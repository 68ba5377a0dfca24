"""Asks the rules: which rule governs a task, and which agents are within a rule's targets.

Answers depend on the rule set version, the values named in conditions, and the roster; they are remembered by exactly
those, so the object is a memory of pure functions, not state.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter, itemgetter

from engine.decide.seats import Seats
from engine.decide.standing import Line, Standing
from engine.events import AttributeValue
from engine.rules.matcher import AgentFacts, Matcher
from engine.rules.model import Rule, RuleSet
from engine.state import Agent, State, Task
from engine.state.agent import regions_of
from engine.state.pool import LaneKey
from engine.state.task import BUILT_IN, attribute

Placing = tuple[str | None, tuple[AttributeValue, ...]]
"""(rule id or None, lane values)"""


class Targets:
    """The agents one lane may go to, by registration."""

    def __init__(self, agents: tuple[Agent, ...], name_load: bool) -> None:
        self.agents = agents
        self.ids = frozenset(agent.id for agent in agents)
        self.name_load = name_load
        """Whether the answer changes with what an agent holds."""
        self._by_region: dict[str, list[Agent]] | None = None
        self.lines: dict[str | None, Line] = {}
        """The order in which the lane takes them, for each region asked for; None: all. Kept from round to round."""
        self._easings = 0

    def serving(self, region: str | None) -> Sequence[Agent]:
        """Those that serve a region; None: all."""
        if region is None:
            return self.agents
        if self._by_region is None:
            self._by_region = defaultdict(list)
            for agent in self.agents:
                for served in regions_of(agent):
                    self._by_region[served].append(agent)
        return self._by_region.get(region, ())

    def have(self, agent: Agent, region: str | None) -> bool:
        """Whether the agent is one of them and serves the region; None: any."""
        return agent.id in self.ids and (region is None or region in regions_of(agent))

    def renew(self, state: State, seats: Seats, standing: Standing) -> None:
        """Agents that came to hold less or came back since the last time have their place in the lines again."""
        for agent_id, eased in reversed(state.eased.items()) if self.lines else ():
            if eased <= self._easings:
                break
            agent = state.agents[agent_id]
            for region, line in self.lines.items():
                if self.have(agent, region):
                    line.renew(agent, standing(seats.of(agent)))
        self._easings = state.easings


class Judge:
    """One a workspace and thread. Holds the matcher of the rule set in force."""

    def __init__(self) -> None:
        self._matcher: Matcher | None = None
        self._rule_set: RuleSet | None = None
        self._index: dict[str, int] = {}
        self._roster = -1
        self._targets: dict[LaneKey, Targets] = {}
        self._stands_at: tuple[State, int] | None = None
        """State and number of rounds that the kept lines speak of."""

    def round_begins(self, state: State) -> None:
        """What lines say of the last round holds only if that round came into this state."""
        if self._stands_at is None or self._stands_at[0] is not state or self._stands_at[1] != state.rounds:
            for targets in self._targets.values():
                targets.lines.clear()
        self._stands_at = None

    def round_ends(self, state: State, given: bool) -> None:
        """Lines speak of the state that the round leads to."""
        self._stands_at = (state, state.rounds + given)

    def placing(self, state: State, tasks: Iterable[Task]) -> list[Placing]:
        """Where each task belongs under the rules in force."""
        rule_set = state.rule_set
        if rule_set is None:
            return [(None, ()) for _ in tasks]
        return place_all(self._matcher_of(state, rule_set), rule_set, tasks)

    def place(self, state: State, task: Task) -> Placing:
        """Where one task belongs under the rules in force."""
        rule_set = state.rule_set
        return (None, ()) if rule_set is None else place(self._matcher_of(state, rule_set), rule_set, task)

    def place_under(self, state: State, task: Task, rule_id: str) -> Placing:
        """Where a task belongs under a rule that a person has named."""
        return _placing(state.governing[rule_id], task)

    def targets(self, state: State, key: LaneKey) -> Targets:
        """Agents within the targets of a lane; whether they have room is not asked here."""
        if self._roster != state.roster_version or self._rule_set is not state.rule_set:
            self._targets.clear()
            self._roster = state.roster_version
        found = self._targets.get(key)
        if found is None or found.name_load:
            agents = (agent for agent in state.agents.values() if self.is_target(state, key, agent, agent.load))
            found = self._targets[key] = Targets(tuple(agents), self.names_load(state, key))
        return found

    def is_target(self, state: State, key: LaneKey, agent: Agent, load: int) -> bool:
        """Whether an agent holding ``load`` tasks is within the targets of a lane."""
        rule_set = state.rule_set
        rule_id, stage, values = key
        if rule_set is None or rule_id is None or rule_id not in state.governing:
            return False
        matcher = self._matcher_of(state, rule_set)
        index = self._index[rule_id]
        return matcher.is_target(index, stage, values, facts_of(agent, load))

    def names_load(self, state: State, key: LaneKey) -> bool:
        """Whether a lane's targets depend on how much an agent holds."""
        rule_set = state.rule_set
        rule_id, stage, _ = key
        if rule_set is None or rule_id is None or rule_id not in state.governing:
            return False
        matcher = self._matcher_of(state, rule_set)
        index = self._index[rule_id]
        return matcher.targets_name_load(index, stage)

    def _matcher_of(self, state: State, rule_set: RuleSet) -> Matcher:
        if self._matcher is None or self._rule_set is not rule_set:
            if self._matcher is not None:
                self._matcher.close()
            self._matcher, self._rule_set = Matcher(rule_set, state.version), rule_set
            self._index = {rule.id: index for index, rule in enumerate(rule_set.rules)}
            self._targets.clear()
        return self._matcher


def place(matcher: Matcher, rule_set: RuleSet, task: Task) -> Placing:
    """Where one task belongs under this rule set."""
    directed = _directed(rule_set, task)
    if directed is not None:
        return directed
    index = matcher.govern(tuple([attribute(task, name) for name in matcher.task_inputs]))
    return (None, ()) if index is None else _placing(rule_set.rules[index], task)


def place_all(matcher: Matcher, rule_set: RuleSet, tasks: Iterable[Task]) -> list[Placing]:
    """Where each task belongs under this rule set."""
    placings: list[Placing] = []
    for columns, alike in groupby(tasks, attrgetter("origin.columns")):
        placings.extend(_place_alike(matcher, rule_set, columns, list(alike)))
    return placings


def _place_alike(matcher: Matcher, rule_set: RuleSet, columns: tuple[str, ...], tasks: list[Task]) -> Iterator[Placing]:
    """Every row of every import passes here."""
    plain = _plain_placings(rule_set)
    for task, index in zip(tasks, governed_by(matcher, columns, tasks), strict=True):
        placing = plain[index]
        if task.marks is not None:
            placing = _directed(rule_set, task) or placing
        if placing is None:
            placing = _placing(rule_set.rules[index or 0], task)
        yield placing


def _directed(rule_set: RuleSet, task: Task) -> Placing | None:
    """Where it was handed over to, as long as that rule is in force."""
    if task.marks is None or task.marks.directed is None:
        return None
    rule = rule_set.rule(task.marks.directed)
    return None if rule is None else _placing(rule, task)


def _placing(rule: Rule, task: Task) -> Placing:
    return (rule.id, tuple([attribute(task, name) for name in rule.lane_attributes]))


def _plain_placings(rule_set: RuleSet) -> dict[int | None, Placing | None]:
    """Index of a rule (None: of no rule) -> where its tasks belong, None where that differs from task to task."""
    placings: dict[int | None, Placing | None] = {None: (None, ())}
    for index, rule in enumerate(rule_set.rules):
        placings[index] = None if rule.lane_attributes else (rule.id, ())
    return placings


def governed_by(matcher: Matcher, columns: tuple[str, ...], tasks: list[Task]) -> list[int | None]:
    """For each of these tasks, all with the same columns, the index of its rule."""
    attributes = [task.attributes for task in tasks]

    def read(name: str) -> list[AttributeValue]:
        if name in BUILT_IN:
            return list(map(BUILT_IN[name], tasks))
        return list(map(itemgetter(columns.index(name)), attributes)) if name in columns else [None] * len(tasks)

    named = list(map(read, matcher.task_inputs))
    return matcher.govern_all(named) if named else [None] * len(tasks)


def facts_of(agent: Agent, load: int) -> AgentFacts:
    """What targets may ask of an agent."""
    spec = agent.spec
    return AgentFacts(spec.id, spec.team, spec.attributes, spec.weight, spec.capacity, load)
