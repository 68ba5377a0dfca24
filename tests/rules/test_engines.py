"""The parts around durable-rules: the model of its tree, the adapter, what is remembered, what is freed."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.rules.batches import MAX_PROPERTIES, MAX_WAITING, Batch, Condition, Numbered, Property, dealt
from engine.rules.compiler import PROPERTY_NAMES, plans_of
from engine.rules.document import load
from engine.rules.durable import DurableEngine, EngineError
from engine.rules.matcher import Matcher
from tests.rules.asking import agent, document, govern, rule_set, targets

ROOT = Path(__file__).parents[2]
ONE = {"0x7": {"all": [{"m": {"$and": [{"p0": 1}]}}], "pri": 0}}


def test_an_engine_answers_the_number_in_the_name() -> None:
    engine = DurableEngine(ONE)
    assert [engine.ask({"p0": 1}), engine.ask({"p0": 2}), engine.ask({"p0": 1})] == [7, None, 7]
    engine.close()


def test_an_engine_that_is_closed_refuses() -> None:
    engine = DurableEngine(ONE)
    engine.close()
    engine.close()
    with pytest.raises(EngineError, match="Expected an open engine, but it is closed"):
        engine.ask({"p0": 1})


def test_a_definition_that_is_refused() -> None:
    with pytest.raises(EngineError, match="Expected durable-rules to take the rules, but"):
        DurableEngine({"0x0": {"all": [{"m": {"$and": [{"$in": {"p0": 1}}]}}]}})


def test_a_message_beyond_the_limit_is_an_error_and_not_an_answer() -> None:
    engine = DurableEngine(ONE)
    with pytest.raises(EngineError, match=r"Expected durable-rules to answer, but .*302"):
        engine.ask({f"p{number}": 1 for number in range(300)})
    engine.close()


def test_property_names_have_different_hashes() -> None:
    def fnv(name: str) -> int:
        value = 0x811C9DC5
        for byte in name.encode():
            value = ((value ^ byte) * 16777619) & 0xFFFFFFFF
        return value

    names = [*PROPERTY_NAMES, "id", "sid", "$s", "$m"]
    assert len({fnv(name) for name in names}) == len(names)


def _chain(chance: random.Random) -> tuple[Condition, ...]:
    ops = ["$eq", "$neq", "$lt", "$lte", "$gt", "$gte"]
    return tuple(
        Condition(Property("fact", f"p{chance.randint(0, 30)}"), chance.choice(ops), chance.randint(0, 3))  # type: ignore[arg-type]
        for _ in range(chance.randint(1, 6))
    )


@pytest.mark.parametrize("seed", range(20))
def test_no_message_overflows_a_batch(seed: int) -> None:
    """The model of waiting tests bounds the real stack: with every engine full, no message brings error 303."""
    chance = random.Random(seed)
    plans = plans_of(Numbered(number, (_chain(chance),)) for number in range(400))
    assert len(plans) > 1
    for plan in plans:
        engine = DurableEngine(plan.definition)
        for _ in range(50):
            engine.ask({name: chance.randint(0, 3) for name in plan.names.values()})
        engine.close()


def test_a_batch_is_full_before_the_stack_is() -> None:
    chains = [(Condition(Property("place", "p"), "$gt", number),) for number in range(100)]
    batch = Batch()
    taken = [batch.add(Numbered(number, (chain,))) for number, chain in enumerate(chains)]
    assert taken.index(False) == MAX_WAITING
    assert len(dealt(Numbered(number, (chain,)) for number, chain in enumerate(chains))) == 3


def test_a_batch_keeps_messages_small() -> None:
    def chain(number: int) -> tuple[Condition, ...]:
        gate = Condition(Property("place", "task.type"), "$eq", number)  # only one of them holds, so no stack fills up
        return (gate, *(Condition(Property("fact", f"p{number}.{place}"), "$eq", 1) for place in range(10)))

    batches = dealt(Numbered(number, (chain(number),)) for number in range(40))
    assert [len(batch.rules) for batch in batches] == [12, 12, 12, 4]
    assert all(len(batch.properties) <= MAX_PROPERTIES for batch in batches)


def test_a_rule_that_could_never_fire_is_left_out() -> None:
    chain = (Condition(Property("place", "p"), "$eq", 1),)
    (batch,) = dealt([Numbered(0, (chain,)), Numbered(1, (chain,)), Numbered(2, (chain, (*chain, *chain)))])
    assert [(rule.number, len(rule.chains)) for rule in batch.rules] == [(0, 1), (2, 1)]


def test_many_values_of_one_meaning_ask_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    ask = DurableEngine.ask
    monkeypatch.setattr(DurableEngine, "ask", lambda self, message: asked.append(message) or ask(self, message))  # type: ignore[func-returns-value]
    drawn = [
        {"id": "a", "task_type": "call", "when": "task.i > 30 and task.s in ['x', 'y']", "targets": "agent.load < 5"}
    ]
    matcher = Matcher(rule_set(drawn, {"task": {"i": "int", "s": "string"}}), 1)
    for number in range(1000):
        govern(matcher, {"type": "call", "i": number, "s": f"other{number}"})
        targets(matcher, 0, 0, {}, agent(load=number))
    assert len(asked) == 3 + 3  # below, at and above the threshold, each


def test_inputs_name_what_is_looked_at() -> None:
    drawn: list[dict[str, object]] = [
        {"id": "a", "task_type": "call", "when": "task.b or has(task.s)", "targets": "agent.level > task.i"},
        {"id": "c", "task_type": "call", "business_type": "x", "targets": "agent.load < agent.capacity"},
    ]
    drawn[0]["relax"] = [{"after": "1m", "targets": "task.s in agent.skills and task.i > 2"}]
    drawn[0] |= {
        "sla": {"resolve_within": "1h"},
        "escalation": [{"at": "resolve_within", "reassign": "agent.id != task.owner"}],
    }
    names = {"task": {"b": "bool", "s": "string", "i": "int"}, "agent": {"level": "int", "skills": "list(string)"}}
    matcher = Matcher(rule_set(drawn, names), 3)
    assert matcher.version == 3
    assert matcher.task_inputs == ("b", "business_type", "s", "type")
    assert [rule.lane_attributes for rule in matcher.rule_set.rules] == [("i", "owner", "s"), ()]
    assert (matcher.target_inputs(0, 0), matcher.target_inputs(0, 1)) == (("level",), ("skills",))
    assert matcher.target(0, 1).lane_inputs == ("i", "s")
    assert [matcher.targets_name_load(index, 0) for index in (0, 1)] == [False, True]
    step = matcher.target(0, -1)
    assert (step.lane_inputs, step.agent_inputs) == (("owner",), ("id",))
    mine, other = ((1, owner, "x") for owner in ("ann", "bob"))
    assert step.admits(other, step.values_of(agent())) and not step.admits(mine, step.values_of(agent()))
    with pytest.raises(ValueError, match="zip"):
        matcher.govern(("call",))


def test_lists_may_come_as_lists() -> None:
    matcher = Matcher(
        rule_set([{"id": "a", "task_type": "call", "when": "'x' in task.l"}], {"task": {"l": "list(string)"}}), 1
    )
    assert matcher.govern((["x"], "call")) == 0
    assert matcher.govern((("x",), "call")) == 0
    assert matcher.govern(([["x"]], "call")) is None


def test_closing_frees_and_asking_opens_again() -> None:
    matcher = Matcher(rule_set([{"id": "a", "task_type": "call", "when": "task.priority > 5"}]), 1)
    assert matcher.govern((6, "call")) == 0
    matcher.close()
    matcher.close()
    assert matcher.govern((6, "call")) == 0
    assert matcher.govern((5, "call")) is None
    matcher.close()


def test_a_thousand_rules_and_thresholds_compile_in_a_moment(capsys: pytest.CaptureFixture[str]) -> None:
    drawn = [
        {
            "id": f"r{number}",
            "name": f"Rule {number}",
            "task_type": "call",
            "when": f"task.region in ['JS', 'ZJ', 'R{number}'] and task.days > {1000 - number} and task.phone != 'invalid'",
            "targets": f"agent.team == 'east' and agent.level > {number % 9}",
            "sla": {"respond_within": "4h", "resolve_within": "48h"},
        }
        for number in range(1000)
    ]
    text = document(drawn, {"task": {"days": "int", "phone": "string"}, "agent": {"level": "int"}})
    start = time.process_time()
    loaded = load(text)
    middle = time.process_time()
    matcher = Matcher(loaded, 1)
    compiled = time.process_time()
    govern(matcher, {"type": "call", "region": "JS", "days": 0, "phone": "ok"})
    end = time.process_time()
    with capsys.disabled():
        print(
            f"\n1,000 rules: load {middle - start:.2f} s, compile {compiled - middle:.2f} s, first answer {end - compiled:.3f} s"
        )
    assert end - start < 5
    matcher.close()


def test_replay_needs_no_third_party_but_msgspec() -> None:
    code = """
import sys
for name in ("durable_rules_engine", "durable", "lark", "yaml"):
    sys.modules[name] = None
import engine.rules.model
assert not [name for name in sys.modules if name.startswith("engine.rules.") and name != "engine.rules.model"]
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_matcher_loads_without_durable_rules_until_it_is_asked() -> None:
    code = """
import sys
sys.modules["durable_rules_engine"] = None
from tests.rules.asking import rule_set
from engine.rules.matcher import Matcher
matcher = Matcher(rule_set([{"id": "a", "task_type": "call"}]), 1)
try:
    matcher.govern(("call",))
except ImportError:
    sys.exit(0)
sys.exit("Expected an ImportError")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
