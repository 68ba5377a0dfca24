"""Asks the rules: which rule governs a task, and which agents are within a rule's targets.

Answers depend on the rule set version, the values named in conditions, and the roster; they are remembered by exactly
those, so the object is a memory of pure functions, not state.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter, itemgetter

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


class Judge:
    """One a workspace and thread. Holds the matcher of the rule set in force."""

    def __init__(self) -> None:
        self._matcher: Matcher | None = None
        self._rule_set: RuleSet | None = None
        self._index: dict[str, int] = {}
        self._roster = -1
        self._targets: dict[LaneKey, Targets] = {}

    def placing(self, state: State, tasks: Iterable[Task]) -> list[Placing]:
        """Where each task belongs under the rules in force."""
        rule_set = state.rule_set
        if rule_set is None:
            return [(None, ()) for _ in tasks]
        return place_all(self._matcher_of(state, rule_set), rule_set, tasks)

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
        return matcher.is_target(index, _clamped(rule_set.rules[index], stage), values, facts_of(agent, load))

    def names_load(self, state: State, key: LaneKey) -> bool:
        """Whether a lane's targets depend on how much an agent holds."""
        rule_set = state.rule_set
        rule_id, stage, _ = key
        if rule_set is None or rule_id is None or rule_id not in state.governing:
            return False
        matcher = self._matcher_of(state, rule_set)
        index = self._index[rule_id]
        return matcher.targets_name_load(index, _clamped(rule_set.rules[index], stage))

    def _matcher_of(self, state: State, rule_set: RuleSet) -> Matcher:
        if self._matcher is None or self._rule_set is not rule_set:
            if self._matcher is not None:
                self._matcher.close()
            self._matcher, self._rule_set = Matcher(rule_set, state.version), rule_set
            self._index = {rule.id: index for index, rule in enumerate(rule_set.rules)}
            self._targets.clear()
        return self._matcher


def place_all(matcher: Matcher, rule_set: RuleSet, tasks: Iterable[Task]) -> list[Placing]:
    """Where each task belongs under this rule set."""
    readers: dict[tuple[str, ...], Callable[[Task], tuple[object, ...]]] = {}
    placings: list[Placing] = []
    for task in tasks:
        read = readers.get(task.columns)
        if read is None:
            read = readers[task.columns] = reader(task.columns, matcher.task_inputs)
        values = read(task)
        try:
            index = matcher.memo[values]
        except (KeyError, TypeError):
            index = matcher.govern(values)
        placings.append(_placing(rule_set, index, task))
    return placings


def _placing(rule_set: RuleSet, index: int | None, task: Task) -> Placing:
    if index is None:
        return (None, ())
    rule = rule_set.rules[index]
    if not rule.lane_attributes:
        return (rule.id, ())
    return (rule.id, tuple(attribute(task, name) for name in rule.lane_attributes))


def reader(columns: tuple[str, ...], names: tuple[str, ...]) -> Callable[[Task], tuple[object, ...]]:
    """A function that reads the named attributes of tasks with these columns; nearly all of it runs in C."""
    own = [name for name in names if name in BUILT_IN]
    given = [name for name in names if name in columns and name not in BUILT_IN]
    place = {name: index for index, name in enumerate(own, 1)}
    place |= {name: len(own) + 2 + columns.index(name) for name in given}
    absent = len(own) + 2 + len(columns)
    read_own = attrgetter("number", *own, "number")  # two more, so that it is a tuple however few there are
    pick = itemgetter(*(place.get(name, absent) for name in names), absent)
    return lambda task: pick((*read_own(task), *task.attributes, None))[:-1]


def facts_of(agent: Agent, load: int) -> AgentFacts:
    """What targets may ask of an agent."""
    spec = agent.spec
    return AgentFacts(spec.id, spec.team, spec.attributes, spec.weight, spec.capacity, load)


def _clamped(rule: Rule, stage: int) -> int:
    """A rule applied with fewer relax steps than the task has taken: the widest it has."""
    return min(stage, len(rule.relax))
