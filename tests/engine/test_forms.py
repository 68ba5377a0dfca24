"""Forms and templates at work: what CreateTask and CompleteTask have to bring."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine import events as ev
from engine.commands import ApplyRules, CompleteTask, StartTask
from engine.decide.forms import made_to_fit, read_text, wrap_up_made_to_fit
from engine.refusals import Refusal
from engine.rules.model import Form, FormField
from engine.rules.policy import WrapUpTerms
from engine.simulation import Simulation
from tests.engine.given import ATTRIBUTES, roster, rule, task
from tests.engine.scenario import REST, Scenario, Step

_FORM = {
    "level": {"type": "int", "required": True},
    "product": {"type": "string", "values": ["car", "house"], "max_length": 4},
    "tags": {"type": "list(string)", "values": ["a", "b"]},
    "region": {"type": "string", "required": True},
}
_TEMPLATE = {
    "result": {"type": "string", "values": ["paid", "refused"], "required": True},
    "note": {"type": "string", "max_length": 5},
    "amount": {"type": "int"},
    "rate": {"type": "float"},
    "again": {"type": "bool"},
    "reasons": {"type": "list(string)", "values": ["x", "y"]},
    "days": {"type": "list(int)"},
}


def _document(**changes: Any) -> str:
    kind = {"form": _FORM, "priority": 30, "wrap_up": {"template": "loan"}}
    content = {
        "workspace": "bank", "attributes": ATTRIBUTES, "templates": {"loan": _TEMPLATE}, "task_types": {"call": kind},
        "rules": [rule(), rule("other", "mail")],
    }  # fmt: skip
    return json.dumps({**content, **changes})


_RULES = ApplyRules(_document())
_GIVEN: dict[str, Any] = {"level": 3, "region": "JS"}
_GRANT = 5
_STARTED: list[Step] = [_RULES, roster("ann"), task(**_GIVEN), REST, StartTask(1, "ann", _GRANT)]


def _violations(told: object) -> dict[str, str]:
    assert isinstance(told, Refusal) and told.kind == "invalid"
    return {violation.field: violation.description for violation in told.violations}


@pytest.mark.parametrize(
    ("changed", "field", "message"),
    [
        ({"level": None}, "attributes.level", "Expected a value, but it is missing"),
        ({"level": "3"}, "attributes.level", "Expected int, but got '3'"),
        ({"product": "boat"}, "attributes.product", "Expected one of car, house, but got 'boat'"),
        ({"product": 1}, "attributes.product", "Expected string, but got 1"),
        ({"tags": ("a", "c")}, "attributes.tags", "Expected one of a, b, but got 'c'"),
        ({"region": None}, "region", "Expected a value, but it is missing, as the form of call says"),
        ({"colour": "red"}, "attributes.colour", "Expected an attribute that the rules declare"),
    ],
)
def test_a_task_that_does_not_fit_its_form(changed: dict[str, Any], field: str, message: str) -> None:
    found = _violations(Scenario(_RULES).answer(task(**{**_GIVEN, **changed})))
    assert list(found) == [field] and message in found[field]


def test_every_problem_is_told() -> None:
    assert list(_violations(Scenario(_RULES).answer(task(product="boat")))) == [
        "attributes.level", "attributes.product", "region",
    ]  # fmt: skip


def test_a_form_is_that_of_its_type_only() -> None:
    scenario = Scenario(_RULES, task("mail"), task(**_GIVEN, product="car", tags=("a",)))
    assert len(scenario.state.tasks) == 2
    assert list(_violations(scenario.answer(task("mail", product="car")))) == ["attributes.product"]


@pytest.mark.parametrize(
    ("kind", "given", "expected"), [("call", None, 30), ("call", 0, 0), ("call", 7, 7), ("mail", None, 0)]
)
def test_the_type_says_the_priority_where_the_command_does_not(kind: str, given: int | None, expected: int) -> None:
    scenario = Scenario(_RULES, task(kind, priority=given, **_GIVEN))
    assert scenario.state.tasks[1].priority == expected


@pytest.mark.parametrize(
    ("changed", "field", "message"),
    [
        ({"result": "lost"}, "result", "Expected one of paid, refused, but got 'lost'"),
        ({"note": "too long"}, "note", "Expected at most 5 characters, but there are 8"),
        ({"amount": "12.5"}, "amount", "Expected a whole number of 64 bits, but got '12.5'"),
        ({"amount": "9" * 19 + "9"}, "amount", "Expected a whole number"),
        ({"amount": "٣"}, "amount", "Expected a whole number"),
        ({"rate": "nan"}, "rate", "Expected a number such as 12.5, but got 'nan'"),
        ({"rate": "1e999"}, "rate", "Expected a number such as"),
        ({"again": "yes"}, "again", "Expected true or false, but got 'yes'"),
        ({"reasons": "x|z"}, "reasons", "Expected one of x, y, but got 'z'"),
        ({"days": "1|two"}, "days", "Expected whole numbers with | between them"),
        ({"amuont": "1"}, "amuont", "did you mean 'amount'?"),
    ],
)
def test_a_wrap_up_that_does_not_fit_its_template(changed: dict[str, str], field: str, message: str) -> None:
    told = Scenario(*_STARTED).answer(CompleteTask(1, "ann", _GRANT, {"result": "paid", **changed}))
    found = _violations(told)
    assert isinstance(told, Refusal) and told.reason == "WRAP_UP_INVALID"
    assert list(found) == [f"wrap_up.{field}"] and message in found[f"wrap_up.{field}"]


def test_a_wrap_up_that_lacks_what_the_template_requires() -> None:
    told = Scenario(*_STARTED).answer(CompleteTask(1, "ann", _GRANT, {"amount": "1", "result": ""}))
    assert isinstance(told, Refusal) and told.reason == "WRAP_UP_INCOMPLETE"
    assert list(_violations(told)) == ["wrap_up.result"]


def test_a_wrap_up_that_fits_is_kept_as_it_was_written() -> None:
    given = {
        "result": "paid",
        "amount": "+12",
        "rate": ".5",
        "again": "true",
        "reasons": "x | y",
        "days": "1|2",
        "note": "",
    }
    scenario = Scenario(*_STARTED, CompleteTask(1, "ann", _GRANT, given))
    (done,) = [one.event for one in scenario.log if isinstance(one.event, ev.TaskCompleted)]
    assert done.wrap_up == given


def test_texts_of_lists() -> None:
    assert read_text("list(int)", "1 | 2") == (1, 2) and read_text("list(string)", "a|b") == ("a", "b")


def test_values_made_to_fit() -> None:
    form: Form = {"n": FormField("int", True), "s": FormField("string", True, ("x", "y")), "b": FormField("bool")}
    assert made_to_fit(form, {"n": "3", "s": "y", "b": 1, "other": 2}) == {"n": 0, "s": "y", "other": 2}
    assert wrap_up_made_to_fit(WrapUpTerms("t", ("n", "s"), form), {"n": "3", "s": "q", "b": ""}) == {
        "n": "3",
        "s": "x",
    }
    assert wrap_up_made_to_fit(WrapUpTerms("t", ("n",)), {"s": "q"}) == {"n": "-", "s": "q"}


def test_a_log_is_lived_through_again_under_stricter_forms() -> None:
    plain = _document(task_types={}, templates={"loan": {}})
    lived = Scenario(ApplyRules(plain), roster("ann"), task(level=1), REST, StartTask(1, "ann", _GRANT))
    lived = Scenario(*[one.event for one in lived.log], CompleteTask(1, "ann", _GRANT, {"note": "far too long"}))
    simulation = Simulation("bank", _document())
    assert simulation.begin() is None
    for recorded in lived.log:
        simulation.feed(recorded)
    report = simulation.report()
    assert (report.refused, report.agents_after) == ({}, {"ann": 1})
