"""The table of cases, through durable-rules and through the plain evaluator."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.rules.document import load
from engine.rules.matcher import Matcher
from tests.rules.asking import agent, govern, rule_set, targets

CASES = Path(__file__).parent / "cases"


def _read(name: str) -> Any:
    return yaml.safe_load((CASES / name).read_text(encoding="utf-8"))


CONDITIONS, TARGETS, DOCUMENTS = _read("conditions.yaml"), _read("targets.yaml"), _read("documents.yaml")


@pytest.mark.parametrize("case", CONDITIONS["cases"], ids=lambda case: case["when"])
def test_condition(case: dict[str, Any]) -> None:
    rules = rule_set([{"id": "r", "task_type": "call", "when": case["when"]}], {"task": CONDITIONS["attributes"]})
    matcher = Matcher(rules, 1)
    for task in case["holds"]:
        assert govern(matcher, {"type": "call", **task}) == 0, task
    for task in case["fails"]:
        assert govern(matcher, {"type": "call", **task}) is None, task
    matcher.close()


def test_all_conditions_as_one_rule_set() -> None:
    rules = [
        {"id": f"r{place}", "task_type": f"t{place}", "when": case["when"].replace('"call"', f'"t{place}"')}
        for place, case in enumerate(CONDITIONS["cases"])
    ]
    matcher = Matcher(rule_set(rules, {"task": CONDITIONS["attributes"]}), 1)
    for place, case in enumerate(CONDITIONS["cases"]):
        for task in case["holds"] + case["fails"]:
            assert govern(matcher, {"type": f"t{place}", **task}) == (place if task in case["holds"] else None)
    matcher.close()


@pytest.mark.parametrize("case", TARGETS["cases"], ids=lambda case: case["targets"])
def test_targets(case: dict[str, Any]) -> None:
    rules = rule_set([{"id": "r", "task_type": "call", "targets": case["targets"]}], TARGETS["attributes"])
    matcher = Matcher(rules, 1)
    for pair in case["holds"]:
        assert targets(matcher, 0, 0, pair.get("task", {}), agent(**pair.get("agent", {}))), pair
    for pair in case["fails"]:
        assert not targets(matcher, 0, 0, pair.get("task", {}), agent(**pair.get("agent", {}))), pair
    matcher.close()


@pytest.mark.parametrize("case", DOCUMENTS, ids=lambda case: case["name"])
def test_document(case: dict[str, Any]) -> None:
    matcher = Matcher(load(case["document"]), 1)
    ids = [rule.id for rule in matcher.rule_set.rules]
    for ask in case.get("governs", []):
        index = govern(matcher, ask["task"])
        assert (None if index is None else ids[index]) == ask["rule"], ask
    for ask in case.get("targets", []):
        answer = targets(matcher, ids.index(ask["rule"]), ask["stage"], ask["task"], agent(**ask["agent"]))
        assert answer == ask["answer"], ask
    matcher.close()
