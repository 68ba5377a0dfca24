"""Which rule governs a task: the first one, in order, whose type, business type and ``when`` hold."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence

from engine.rules.atoms import Compare
from engine.rules.batches import Numbered
from engine.rules.compiler import Plan, Reading, plans_of
from engine.rules.durable import DurableEngine
from engine.rules.formula import All, Formula, Test, formula_of
from engine.rules.language import parsed
from engine.rules.model import AttributeType, Rule, RuleSet
from engine.rules.vocabulary import Vocabulary

_TYPE, _BUSINESS_TYPE = "task.type", "task.business_type"


class Engines:
    """The engines of a family of rules, opened when they are first asked."""

    def __init__(self, plans: tuple[Plan, ...]) -> None:
        self.plans = plans
        self._open: dict[int, DurableEngine] = {}

    def ask(self, number: int, message: Mapping[str, int]) -> int | None:
        """What engine ``number`` answers."""
        engine = self._open.get(number)
        if engine is None:
            engine = self._open[number] = DurableEngine(self.plans[number].definition)
        return engine.ask(message)

    def close(self) -> None:
        for engine in self._open.values():
            engine.close()
        self._open.clear()


class Governing:
    """``inputs`` are the names of the task attributes that decide, sorted, built-in ones included."""

    def __init__(self, rule_set: RuleSet) -> None:
        heads = [_head(rule) for rule in rule_set.rules]
        conditions = [formula_of(parsed(rule.when)) for rule in rule_set.rules]
        family: list[Formula] = [All((*head, when)) for head, when in zip(heads, conditions, strict=True)]
        self._reading = Reading(family, kinds_of(rule_set))
        self._names = tuple(self._reading.kinds)
        self.inputs = tuple(name.removeprefix("task.") for name in self._names)
        self._engines = Engines(plans_of(self._numbered(heads, conditions)))

    def _numbered(self, heads: list[tuple[Test, ...]], conditions: list[Formula]) -> list[Numbered]:
        return [
            Numbered(number, self._reading.chains(tuple(map(self._reading.condition, head)), when))
            for number, (head, when) in enumerate(zip(heads, conditions, strict=True))
        ]

    def key(self, values: tuple[object, ...]) -> Hashable:
        """Equal keys of values of ``inputs`` have equal answers."""
        return self._reading.key(self._names, values)

    def keys(self, columns: Sequence[Sequence[object]]) -> Iterator[Hashable]:
        """``key`` of many rows; ``columns`` hold their values of ``inputs``."""
        return self._reading.keys(self._names, columns)

    def decide(self, values: tuple[object, ...]) -> int | None:
        """Ask the engines in order of precedence."""
        admitted = self._reading.admit(self._names, values)
        for number, plan in enumerate(self._engines.plans):
            answer = self._engines.ask(number, self._reading.message(plan.names, admitted))
            if answer is not None:
                return answer
        return None

    def close(self) -> None:
        self._engines.close()


def kinds_of(rule_set: RuleSet) -> dict[str, AttributeType]:
    """The type of every attribute a condition may name, by full name."""
    words = Vocabulary.of_targets(rule_set.task_attributes, rule_set.agent_attributes)
    kinds = {f"task.{name}": kind for name, kind in words.task.items()}
    return kinds | {f"agent.{name}": kind for name, kind in (words.agent or {}).items()}


def _head(rule: Rule) -> tuple[Test, ...]:
    head = (Test(Compare(_TYPE, "==", rule.task_type), True),)
    if rule.business_type is None:
        return head
    return (*head, Test(Compare(_BUSINESS_TYPE, "==", rule.business_type), True))
