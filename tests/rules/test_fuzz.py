"""Random rule sets and random values: durable-rules and the plain evaluator agree, and ``load`` never breaks."""

from __future__ import annotations

import json
import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.rules.document import DocumentError, load
from engine.rules.matcher import Matcher
from engine.rules.model import RuleSet
from tests.rules.asking import agent, document, govern, targets
from tests.rules.chance import Chance
from tests.rules.drawing import AGENT, ON_TASK, TASK, agents, conditions, rules, tasks

quiet = settings(deadline=None, suppress_health_check=list(HealthCheck), derandomize=False)


def loaded(drawn: list[dict[str, Any]]) -> RuleSet:
    written = [
        {
            **rule,
            "id": f"r{place}",
            "relax": [{"after": f"{1 + at}m", "targets": text} for at, text in enumerate(rule["relax"])],
        }
        for place, rule in enumerate(drawn)
    ]
    return load(document(written, {"task": TASK, "agent": AGENT}))


@settings(quiet, max_examples=90)
@given(
    st.lists(rules, min_size=1, max_size=10),
    st.lists(tasks, min_size=1, max_size=12),
    st.lists(agents, min_size=1, max_size=4),
)
def test_durable_rules_agrees_with_the_plain_evaluator(drawn: Any, asked: Any, staff: Any) -> None:
    matcher = Matcher(loaded(drawn), 1)
    try:
        for task in asked:
            govern(matcher, task)
        for index, rule in enumerate(matcher.rule_set.rules):
            for stage in range(1 + len(rule.relax)):
                for facts in staff:
                    targets(matcher, index, stage, asked[index % len(asked)], facts)
    finally:
        matcher.close()


@settings(quiet, max_examples=40)
@given(st.integers(0, 2**32))
def test_large_rule_sets_agree(seed: int) -> None:
    # Drawn by seed: Hypothesis needs a second to draw a hundred conditions, and shrinking them tells nothing.
    chance = Chance(seed)
    drawn = [chance.rule(place) for place in range(chance.choice([20, 100, 200]))]
    matcher = Matcher(load(document(drawn, {"task": chance.TASK, "agent": chance.AGENT})), 1)
    try:
        for _ in range(40):
            task = chance.task()
            index = govern(matcher, task)
            targets(matcher, index or 0, 0, task, agent(**chance.agent()))
    finally:
        matcher.close()


@settings(quiet, max_examples=25)
@given(st.lists(rules, min_size=1, max_size=6), st.lists(tasks, min_size=2, max_size=10))
def test_same_input_same_answer_in_any_order(drawn: Any, asked: Any) -> None:
    rule_set = loaded(drawn)
    forward, backward = Matcher(rule_set, 1), Matcher(rule_set, 1)

    def answers(matcher: Matcher, order: Any) -> list[int | None]:
        return [matcher.govern(tuple(task.get(name) for name in matcher.task_inputs)) for task in order]

    assert answers(forward, asked) == answers(backward, asked[::-1])[::-1]
    assert answers(forward, asked) == answers(forward, asked)
    forward.close()
    backward.close()


def loads_or_refuses(text: str) -> None:
    try:
        assert isinstance(load(text), RuleSet)
    except DocumentError as error:
        assert 1 <= len(error.problems) <= 50
        lines = text.count("\n") + text.count("\r") + 2
        assert all(1 <= problem.line <= lines and problem.column >= 1 for problem in error.problems)


@settings(quiet, max_examples=400)
@given(
    st.one_of(
        st.text(),
        st.binary().map(lambda raw: raw.decode("utf-8", "surrogateescape")),
        st.text("[]{}:,-\"'&*!|>#%@ \n\ta1"),
    )
)
def test_garbage_is_refused_and_nothing_else(text: str) -> None:
    loads_or_refuses(text)


EXAMPLE = (Path(__file__).parents[2] / "examples/rules/retail-bank.yaml").read_text(encoding="utf-8")
pieces = st.one_of(
    st.text(max_size=4),
    st.sampled_from(["\n", "  ", ": ", "- ", "{", "[", "]", '"', "'", "&a ", "*a", "|\n", " and ", "\x00", "9" * 30]),
)


@settings(quiet, max_examples=500)
@given(st.lists(st.tuples(st.integers(0, len(EXAMPLE)), st.integers(0, 20), pieces), min_size=1, max_size=4))
def test_damaged_documents_are_refused_and_nothing_else(damage: list[tuple[int, int, str]]) -> None:
    text = EXAMPLE
    for at, length, piece in damage:
        text = text[:at] + piece + text[at + length :]
    loads_or_refuses(text)


@settings(quiet, max_examples=500)
@given(st.text(alphabet=string.printable + "中\u2028\x85é", max_size=60), st.sampled_from(["json", "|", "plain"]))
def test_any_condition_is_taken_or_refused(text: str, style: str) -> None:
    written = {"json": json.dumps(text), "|": "|\n    " + text.replace("\n", "\n    "), "plain": text}[style]
    loads_or_refuses(f"workspace: w\nrules:\n- id: a\n  task_type: x\n  when: {written}\n")


@settings(quiet, max_examples=150)
@given(conditions(ON_TASK), st.integers(0, 200), st.sampled_from(list("()[].,\"'!=<>&|\\ x9é")))
def test_damaged_conditions_are_taken_or_refused(text: str, at: int, piece: str) -> None:
    when = text[: at % (len(text) + 1)] + piece + text[at % (len(text) + 1) :]
    try:
        load(document([{"id": "r", "task_type": "call", "when": when}], {"task": TASK}))
    except DocumentError as error:
        assert all(problem.line == 1 for problem in error.problems)


@pytest.mark.parametrize("size", [1, 7, 100])
def test_memos_never_change_an_answer(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.rules.matcher.MEMO_LIMIT", size)
    monkeypatch.setattr("engine.rules.targets.MEMO_LIMIT", size)
    monkeypatch.setattr("engine.rules.scales.CACHED", size)
    drawn = [
        {"id": f"r{n}", "task_type": "call", "when": f"task.i > {90 - n} and task.s.contains('{n % 7}')"}
        for n in range(50)
    ]
    matcher = Matcher(
        load(document([{**rule, "targets": "agent.i > task.j"} for rule in drawn], {"task": TASK, "agent": AGENT})), 1
    )
    for i in range(120):
        task = {"type": "call", "i": i % 97, "s": str(i % 13), "j": i}
        govern(matcher, task)
        targets(matcher, 0, 0, task, agent(i=i % 11))
    assert len(matcher.memo) <= size
    matcher.close()
