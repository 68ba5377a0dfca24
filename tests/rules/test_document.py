"""What a document means: fields, units, defaults, order, the examples, and the difference of two."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import msgspec
import pytest

from engine.rules.diff import AttributeChange, FieldChange
from engine.rules.document import diff, load
from engine.rules.matcher import Matcher
from engine.rules.model import DEFAULT_AGEING_MS, EscalationStep, Feedback, Handover, Relax, RuleSet, Sla, WrapUp
from tests.rules.asking import agent, govern, rule_set, targets

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples/rules"
UCI = ROOT.parent / "shared/data/bank-additional-full.csv.gz"
HOUR = 3_600_000


def example(name: str) -> RuleSet:
    return load((EXAMPLES / name).read_text(encoding="utf-8"))


def test_the_example_in_full() -> None:
    rule = example("retail-bank.yaml").rule("overdue-east")
    assert rule is not None
    assert rule.strategy == ("owner", "region", "least_loaded")
    assert rule.relax[0] == Relax(600_000, 'agent.team in ["east", "north"]')
    assert (rule.cap_per_agent, rule.recycle_after_ms, rule.recycle_limit) == (50, 48 * HOUR, 3)
    assert (rule.ageing_ms, rule.lock_max_ms) == (900_000, 2 * HOUR)
    assert rule.sla == Sla(4 * HOUR, 48 * HOUR)
    assert rule.escalation == (
        EscalationStep("resolve_within", 80, raise_priority=10),
        EscalationStep("resolve_within", reassign="agent.level >= 3"),
    )
    assert rule.handover == Handover(5, 3)
    assert rule.wrap_up == WrapUp("loan_followup", ("disposition", "note"))
    assert rule.feedback == Feedback("reopen", 20, 72 * HOUR)


def test_defaults() -> None:
    (rule,) = rule_set([{"id": "a", "task_type": "call"}]).rules
    assert (rule.name, rule.when, rule.targets, rule.precedence, rule.method) == ("a", "true", "true", 0, "push")
    assert (rule.ageing_ms, rule.strategy, rule.relax) == (DEFAULT_AGEING_MS, ("least_loaded",), ())


@pytest.mark.parametrize(
    ("text", "ms"),
    [("90s", 90_000), ("10m", 600_000), ("1h30m", 5_400_000), ("3d", 259_200_000), ("1d2h3m4s", 93_784_000)],
)
def test_durations(text: str, ms: int) -> None:
    assert rule_set([{"id": "a", "task_type": "call", "ageing": text}]).rules[0].ageing_ms == ms


def test_order_is_precedence_then_place() -> None:
    drawn = [
        {"id": name, "task_type": "call", "precedence": value}
        for name, value in [("a", 1), ("b", 5), ("c", 1), ("d", -1)]
    ]
    assert [rule.id for rule in rule_set(drawn).rules] == ["b", "a", "c", "d"]


def test_a_document_without_rules() -> None:
    for text in ("workspace: w", "workspace: w\nrules:", "workspace: w\nrules: []\nattributes: {}"):
        assert load(text) == RuleSet("w", {}, {}, ())


def test_attributes_may_stand_below_the_rules() -> None:
    text = "workspace: w\nrules: [{id: a, task_type: x, when: task.days > 3}]\nattributes: {task: {days: int}}\n"
    assert load(text).task_attributes == {"days": "int"}


def test_a_rule_set_survives_the_log() -> None:
    for name in ("retail-bank.yaml", "bank-campaign.yaml", "service-desk.yaml"):
        loaded = example(name)
        assert msgspec.json.decode(msgspec.json.encode(loaded), type=RuleSet) == loaded


def test_the_retail_example_decides() -> None:
    matcher = Matcher(example("retail-bank.yaml"), 1)
    ids = [rule.id for rule in matcher.rule_set.rules]

    def governed(**task: object) -> str | None:
        index = govern(matcher, task)
        return None if index is None else ids[index]

    overdue = {"type": "follow_up", "business_type": "consumer_loan", "region": "JS", "overdue_days": 31}
    assert governed(**overdue, phone_status="ok") == "overdue-east"
    assert governed(**overdue) == "phone-screening"
    assert governed(**overdue, segment="private") == "private-banking"
    assert governed(type="complaint") == "complaint"
    assert governed(type="order") is None
    east = agent(skills=("loan",), level=1)
    assert targets(matcher, ids.index("overdue-east"), 0, {}, east)
    matcher.close()


@pytest.mark.skipif(not UCI.exists(), reason=f"needs the UCI bank data at {UCI}")
def test_the_campaign_example_governs_every_real_row() -> None:
    matcher = Matcher(example("bank-campaign.yaml"), 1)
    seen: dict[str, int] = {}
    with gzip.open(UCI, "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter=";"):
            index = govern(matcher, _task(row))
            assert index is not None
            rule_id = matcher.rule_set.rules[index].id
            seen[rule_id] = seen.get(rule_id, 0) + 1
    assert sum(seen.values()) == 41_188
    assert seen.keys() == {rule.id for rule in matcher.rule_set.rules}
    matcher.close()


def _task(row: dict[str, str]) -> dict[str, object]:
    numbers = {name: int(row[name]) for name in ("age", "campaign", "pdays", "previous")}
    head = {"type": "outbound_call", "business_type": "term_deposit", "euribor3m": float(row["euribor3m"])}
    return {**row, **numbers, **head}


def test_diff_of_nothing_and_something() -> None:
    new = rule_set([{"id": "a", "task_type": "call"}], {"task": {"x": "int"}})
    first = diff(None, new)
    assert (first.added, first.attributes) == (("a",), (AttributeChange("task", "x", None, "int"),))
    assert diff(new, new).empty and not first.empty


def test_diff_names_every_change() -> None:
    old = rule_set(
        [{"id": name, "task_type": "call"} for name in "abc"],
        {"task": {"x": "int", "y": "int"}, "agent": {"z": "bool"}},
    )
    new = rule_set(
        [
            {"id": "d", "task_type": "call"},
            {"id": "c", "task_type": "call", "precedence": 1, "ageing": "1m"},
            {"id": "a", "task_type": "call"},
        ],
        {"task": {"x": "string", "y": "int"}},
    )
    found = diff(old, new)
    assert (found.added, found.removed, found.order_changed) == (("d",), ("b",), True)
    (change,) = found.changed
    assert change.rule_id == "c"
    assert change.fields == (FieldChange("precedence", 0, 1), FieldChange("ageing_ms", DEFAULT_AGEING_MS, 60_000))
    assert found.attributes == (
        AttributeChange("task", "x", "int", "string"),
        AttributeChange("agent", "z", "bool", None),
    )


def test_adding_a_rule_is_no_change_of_order() -> None:
    old = rule_set([{"id": name, "task_type": "call"} for name in "ab"])
    new = rule_set([{"id": name, "task_type": "call"} for name in "cab"])
    assert not diff(old, new).order_changed
