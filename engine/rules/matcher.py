"""The answers of one rule set version: which rule governs a task, and which agents its targets admit.

Pure to its callers: same input, same answer. durable-rules is asked once for each different meaning of the values;
after that an answer is a dictionary lookup.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import cached_property

from engine.rules.governing import Governing
from engine.rules.lanes import targets_of
from engine.rules.model import RuleSet
from engine.rules.policy import escalation_of
from engine.rules.targets import MEMO_LIMIT, AgentFacts, Questions, TargetTest, as_key

__all__ = ["AgentFacts", "Matcher", "TargetTest"]


class Matcher:
    """One rule set; engines open when they are first asked. ``close`` frees them.

    ``task_inputs`` are the names of the task attributes that decide which rule governs, built-in ones included, sorted.
    """

    def __init__(self, rule_set: RuleSet, version: int) -> None:
        self.rule_set, self.version = rule_set, version
        self._governing = Governing(rule_set)
        self.task_inputs: tuple[str, ...] = self._governing.inputs
        self.memo: dict[tuple[object, ...], int | None] = {}
        """Answers of ``govern`` by values. Free to read: ``memo[values]``, and on KeyError ``govern(values)``."""
        self._meanings: dict[Hashable, int | None] = {}
        self._tests: dict[tuple[int, int], TargetTest] = {}

    @cached_property
    def _questions(self) -> Questions:
        """Compiled when they are first asked, apart from what governs: with a thousand rules each takes 0.1 s."""
        return Questions(self.rule_set)

    def govern(self, values: tuple[object, ...]) -> int | None:
        """The index into ``rule_set.rules`` of the rule that governs a task, or None.

        ``values`` are those of ``task_inputs`` in order: None is absent, lists are tuples.
        Raises ``ValueError`` where their number is another one.
        """
        try:
            return self.memo[values]
        except KeyError:
            return self._remember(values)
        except TypeError:
            return self.govern(tuple(as_key(value) for value in values))

    def _remember(self, values: tuple[object, ...]) -> int | None:
        answer = self._by_meaning(values)
        if len(self.memo) >= MEMO_LIMIT:
            self.memo.clear()
        self.memo[values] = answer
        return answer

    def govern_all(self, columns: Sequence[Sequence[object]]) -> list[int | None]:
        """``govern`` of many rows, at least one; ``columns[i]`` holds their values of ``task_inputs[i]``."""
        if not columns:
            raise ValueError("Expected a column for each input, but there is none; ask govern")
        try:
            meanings = list(self._governing.keys(columns))
        except TypeError:
            return [self.govern(values) for values in zip(*columns, strict=True)]
        try:
            return list(map(self._meanings.__getitem__, meanings))
        except KeyError:
            return self._learn_all(meanings, columns)

    def _learn_all(self, meanings: list[Hashable], columns: Sequence[Sequence[object]]) -> list[int | None]:
        places = {meaning: place for place, meaning in enumerate(meanings)}
        answers = {meaning: self._meanings[meaning] for meaning in places if meaning in self._meanings}
        for meaning in places.keys() - answers.keys():
            answers[meaning] = self._learn(meaning, tuple(column[places[meaning]] for column in columns))
        return list(map(answers.__getitem__, meanings))

    def _by_meaning(self, values: tuple[object, ...]) -> int | None:
        meaning = self._governing.key(values)
        return self._meanings[meaning] if meaning in self._meanings else self._learn(meaning, values)

    def _learn(self, meaning: Hashable, values: tuple[object, ...]) -> int | None:
        answer = self._governing.decide(values)
        if len(self._meanings) >= MEMO_LIMIT:
            self._meanings.clear()
        self._meanings[meaning] = answer
        return answer

    def target(self, rule_index: int, stage: int) -> TargetTest:
        """The targets of a rule: stage 0 its own, stage k those of ``relax[k-1]``. Raises ``IndexError``."""
        test = self._tests.get((rule_index, stage))
        if test is None:
            rule = self.rule_set.rules[rule_index]
            test = TargetTest(self._questions, targets_of(rule)[stage], rule.lane_attributes)
            self._tests[(rule_index, stage)] = test
        return test

    def reassign(self, rule_index: int, step: int) -> TargetTest:
        """Whom step ``step`` of a rule's escalation, or its type's, may reassign to; lane values are ``lane_inputs``.

        Raises ``ValueError`` where the step does not reassign.
        """
        text = escalation_of(self.rule_set, self.rule_set.rules[rule_index])[step].reassign
        if text is None:
            raise ValueError(f"Expected step {step} to reassign, but it does not")
        return TargetTest(self._questions, text)

    def is_target(self, rule_index: int, stage: int, lane_values: tuple[object, ...], agent: AgentFacts) -> bool:
        """Whether the agent is a target for a task whose values of ``lane_attributes`` these are."""
        test = self.target(rule_index, stage)
        return test.admits(lane_values, test.values_of(agent))

    def target_inputs(self, rule_index: int, stage: int) -> tuple[str, ...]:
        """The agent attributes its targets look at, sorted."""
        return self.target(rule_index, stage).agent_inputs

    def targets_name_load(self, rule_index: int, stage: int) -> bool:
        """Whether the answer changes with ``agent.load``."""
        return self.target(rule_index, stage).names_load

    def close(self) -> None:
        """Free the engines. What is remembered can still be read; asking anew opens them again."""
        self._governing.close()
        if "_questions" in vars(self):
            self._questions.close()
