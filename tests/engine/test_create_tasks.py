"""CreateTasks: all or none, in one decision."""

from __future__ import annotations

import pytest

from engine import events as ev
from engine.commands import CreateTasks
from engine.decide.batches import MAX_BATCH
from engine.refusals import Refusal
from tests.engine.given import roster, rule, rules, task
from tests.engine.scenario import REST, Scenario, expect, holders

_RULES = rules(rule(), rule("far", "mail"))


def test_tasks_are_created_one_by_one_and_pooled_together() -> None:
    asked = CreateTasks((task(level=3), task("mail", priority=9), task("unruled"), task()))
    rows = [
        ev.TaskRow(0, None, None, None, priority, values) for priority, values in ((0, (3,)), (9, ()), (0, ()), (0, ()))
    ]
    kinds = ("call", "mail", "unruled", "call")
    columns: list[tuple[str, ...]] = [("level",), (), (), ()]
    created = [
        ev.TaskCreated(number, kind, "loan", named, row)
        for number, kind, named, row in zip(range(2, 6), kinds, columns, rows, strict=True)
    ]
    placed = (ev.Placement("r", (2, 5)), ev.Placement("far", (3,)), ev.Placement(None, (4,)))
    expect([_RULES, task()], asked, [*created, ev.TasksPooled(1, placed)])


def test_a_batch_ends_in_the_same_hands_as_tasks_that_came_one_by_one() -> None:
    asked = tuple(task(priority=priority) for priority in (5, 90, 5, 40))
    together = Scenario(_RULES, roster("ann", "bob"), CreateTasks(asked), REST)
    assert holders(together) == holders(Scenario(_RULES, roster("ann", "bob"), *asked, REST))
    assert all(holders(together).values())


def test_one_wrong_task_is_the_end_of_all_and_is_named() -> None:
    scenario = Scenario(_RULES)
    told = scenario.answer(CreateTasks((task(), task(priority=101), task(), task("", level="x"))), "req-1")
    assert isinstance(told, Refusal) and (told.kind, told.reason) == ("invalid", "TASK_INVALID")
    fields = ["requests[1].priority", "requests[3].attributes.level", "requests[3].task_type"]
    assert [violation.field for violation in told.violations] == fields
    assert scenario.state.tasks == {} and scenario.state.last_task == 0 and scenario.state.requests == {}


@pytest.mark.parametrize("number", [0, MAX_BATCH + 1])
def test_a_batch_has_bounds(number: int) -> None:
    told = Scenario(_RULES).answer(CreateTasks((task(),) * number))
    assert isinstance(told, Refusal) and told.reason == "BATCH_INVALID"
    assert [violation.field for violation in told.violations] == ["requests"]


def test_the_largest_batch() -> None:
    scenario = Scenario(_RULES, CreateTasks((task(),) * MAX_BATCH))
    assert scenario.state.last_task == MAX_BATCH == len(scenario.state.tasks)
