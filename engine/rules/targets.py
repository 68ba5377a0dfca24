"""Who may get a task: the ``targets`` of a rule, and those of its relax stages, as yes-or-no questions."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

import msgspec

from engine.rules.batches import Chain, Condition, Numbered, Property
from engine.rules.compiler import Reading, plans_of
from engine.rules.formula import Formula, formula_of
from engine.rules.governing import Engines, kinds_of
from engine.rules.lanes import questions_of
from engine.rules.language import names_of, parsed
from engine.rules.model import RuleSet

MEMO_LIMIT = 131_072
"""Answers remembered by one memo; a full memo is emptied, which costs a repeat and never an answer."""
_GATE = Property("gate", "question")


class AgentFacts(msgspec.Struct, frozen=True):
    """An agent as conditions see it; ``attributes`` are the declared ones, lists as tuples."""

    id: str
    team: str | None
    attributes: Mapping[str, object]
    weight: int
    capacity: int
    load: int

    def value(self, name: str) -> object:
        """The value of ``agent.<name>``, hashable; None is absent. Built-in names win over declared ones."""
        if name in _BUILT_IN:
            return getattr(self, name)
        return as_key(self.attributes.get(name))


_BUILT_IN = frozenset({"id", "team", "load", "capacity", "weight"})


def as_key(value: object) -> object:
    """The value as it can be a key of a memo: a list as a tuple, and what no attribute can be as None."""
    if isinstance(value, list | tuple | set | frozenset):
        return tuple(item for item in value if isinstance(item, str | int | float))
    return value if isinstance(value, str | int | float) else None


class Questions:
    """Every different ``targets`` of a rule set, with the engines that answer it."""

    def __init__(self, rule_set: RuleSet) -> None:
        texts = dict.fromkeys(text for rule in rule_set.rules for text in questions_of(rule_set, rule))
        self._formulas = {text: formula_of(parsed(text)) for text in texts}
        self.reading = Reading(self._formulas.values(), kinds_of(rule_set))
        self._numbers = {formula: number for number, formula in enumerate(dict.fromkeys(self._formulas.values()))}
        chains = {number: self._chains(number, formula) for formula, number in self._numbers.items()}
        self._engines = Engines(plans_of(Numbered(number, chains[number]) for number in chains))
        self._places = {n: place for place, plan in enumerate(self._engines.plans) for n in plan.numbers}
        self._properties = {number: _properties(chains[number]) for number in chains}
        self._memo: dict[Hashable, bool] = {}

    def _chains(self, number: int, formula: Formula) -> tuple[Chain, ...]:
        return self.reading.chains((Condition(_GATE, "$eq", number),), formula)

    def number(self, text: str) -> int:
        """The number of the question that a ``targets`` text asks."""
        return self._numbers[self._formulas[text]]

    def names(self, text: str) -> tuple[str, ...]:
        """Full names of the attributes it looks at, sorted."""
        named = names_of(text)
        return tuple(name for name in self.reading.kinds if name in named)

    def answer(self, number: int, names: tuple[str, ...], values: Sequence[object]) -> bool:
        """Whether the targets hold for these values of ``names``; remembered by what the values mean."""
        key = (number, self.reading.key(names, values))
        answer = self._memo.get(key)
        if answer is None:
            answer = self._asked(number, self.reading.admit(names, values))
            if len(self._memo) >= MEMO_LIMIT:
                self._memo.clear()
            self._memo[key] = answer
        return answer

    def _asked(self, number: int, admitted: dict[str, object]) -> bool:
        place = self._places.get(number)
        if place is None:
            return False  # targets that nothing can satisfy have no chain, so no engine knows them
        names = self._engines.plans[place].names
        # The gate comes first in every chain, so properties of other questions need not be stated.
        mine = {stated: names[stated] for stated in self._properties[number]}
        message = {names[_GATE]: number, **self.reading.message(mine, admitted)}
        return self._engines.ask(place, message) is not None

    def close(self) -> None:
        self._engines.close()


class TargetTest:
    """The targets of one rule at one stage, or those of a reassignment; ``lane`` names the task attributes at hand.

    ``agent_inputs`` and ``lane_inputs`` name the agent's and the task's attributes it looks at (without ``agent.``
    and ``task.``); ``names_load`` tells that the answer changes with ``agent.load``.
    """

    def __init__(self, questions: Questions, text: str, lane: tuple[str, ...] | None = None) -> None:
        names = questions.names(text)
        self.agent_inputs = tuple(name[6:] for name in names if name.startswith("agent."))
        self.lane_inputs = tuple(name[5:] for name in names if name.startswith("task."))
        self.names_load = "load" in self.agent_inputs
        self.memo: dict[tuple[tuple[object, ...], tuple[object, ...]], bool] = {}
        self._questions, self._names, self._number = questions, names, questions.number(text)
        known = self.lane_inputs if lane is None else lane
        self._lanes = tuple(known.index(name) for name in self.lane_inputs)

    def values_of(self, agent: AgentFacts) -> tuple[object, ...]:
        """The agent's values of ``agent_inputs``; keep them while the agent does not change."""
        return tuple(agent.value(name) for name in self.agent_inputs)

    def admits(self, lane_values: tuple[object, ...], agent_values: tuple[object, ...]) -> bool:
        """Whether such an agent is a target for a task of this lane; one dictionary lookup when remembered.

        ``lane_values`` are those of the rule's ``lane_attributes`` (of ``lane_inputs`` for a reassignment), and
        ``agent_values`` come from ``values_of``; both hold hashable values, None is absent. ``memo`` may be read
        directly by ``(lane_values, agent_values)``.
        """
        answer = self.memo.get((lane_values, agent_values))
        if answer is None:
            answer = self._ask(lane_values, agent_values)
            if len(self.memo) >= MEMO_LIMIT:
                self.memo.clear()
            self.memo[(lane_values, agent_values)] = answer
        return answer

    def _ask(self, lane_values: tuple[object, ...], agent_values: tuple[object, ...]) -> bool:
        # Names are sorted, so agent.* stand before task.*.
        values = (*agent_values, *(lane_values[place] for place in self._lanes))
        return self._questions.answer(self._number, self._names, values)


def _properties(chains: tuple[Chain, ...]) -> tuple[Property, ...]:
    named = (condition.property for chain in chains for condition in chain)
    return tuple(dict.fromkeys(stated for stated in named if stated != _GATE))
