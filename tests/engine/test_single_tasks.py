"""CreateTask, StartTask, CompleteTask, CancelTask, ReassignTask."""

from __future__ import annotations

from typing import Any

import pytest

from engine import events as ev
from engine.commands import (
    CancelTask,
    ClaimTask,
    Command,
    CompleteTask,
    CreateTask,
    ReassignTask,
    SetPresence,
    StartTask,
)
from engine.refusals import Refusal
from tests.engine.given import agent, roster, rule, rules, task
from tests.engine.scenario import REST, Refused, Scenario, Step, expect, holders

_RULES = rules(rule(wrap_up={"template": "form", "required": ["note", "cause"]}))
_HELD: list[Step] = [_RULES, roster("ann", agent("bob", presence="away")), task(), REST]
_GRANT = 5
_STARTED: list[Step] = [*_HELD, StartTask(1, "ann", _GRANT)]
_UNKNOWN = Refused("not_found", "TASK_UNKNOWN")
_STALE = Refused("stale", "STALE_GRANT")
_WRAP_UP = {"note": "paid", "cause": "none"}


def test_a_task_is_created_and_pooled() -> None:
    person = ev.Person("Li Lei", "138")
    asked = CreateTask("call", "loan", {"zone": "n", "level": 3}, "c1", "ann", "JS", 7, person)
    created = ev.TaskCreated(
        1, "call", "loan", ("zone", "level"), ev.TaskRow(0, "c1", "ann", "JS", 7, ("n", 3)), person
    )
    expect([_RULES], asked, [created, ev.TasksPooled(1, (ev.Placement("r", (1,)),))])


def test_a_task_that_no_rule_governs_waits_for_one() -> None:
    scenario = Scenario(_RULES, task("mail"))
    assert scenario.events[-1] == ev.TasksPooled(1, (ev.Placement(None, (1,)),))
    assert scenario.rest() == []


def test_a_task_may_come_before_any_rules() -> None:
    scenario = Scenario(CreateTask("call", "loan", {"whatever": 1}))
    assert scenario.events[-1] == ev.TasksPooled(0, (ev.Placement(None, (1,)),))


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"lvl": 3}, ["attributes.lvl"]),
        ({"level": "3"}, ["attributes.level"]),
        ({"level": 2**63}, ["attributes.level"]),
        ({"zone": "x" * 4_097}, ["attributes.zone"]),
        ({"attributes": {"owner": "ann"}}, ["attributes.owner", "attributes.owner"]),
        ({"priority": 101}, ["priority"]),
        ({"priority": -1}, ["priority"]),
        ({"task_type": ""}, ["task_type"]),
        ({"priority": -1, "level": "x"}, ["attributes.level", "priority"]),
    ],
)
def test_a_task_that_is_not_valid(fields: dict[str, Any], wrong: list[str]) -> None:
    told = Scenario(_RULES).answer(task(**fields))
    assert isinstance(told, Refusal) and (told.kind, told.reason) == ("invalid", "TASK_INVALID")
    assert [violation.field for violation in told.violations] == wrong


def test_start() -> None:
    scenario = expect(_HELD, StartTask(1, "ann", _GRANT), [ev.TaskStarted(1, "ann", _GRANT)])
    assert scenario.state.tasks[1].status == "in_progress" and scenario.state.agents["ann"].load == 1


def test_start_twice() -> None:
    expect(_STARTED, StartTask(1, "ann", _GRANT), Refused("precondition", "ALREADY_STARTED"))


def test_complete() -> None:
    done = ev.TaskCompleted(1, "ann", _GRANT, _WRAP_UP)
    scenario = expect(_STARTED, CompleteTask(1, "ann", _GRANT, _WRAP_UP), [done])
    assert scenario.state.tasks == {} and scenario.state.agents["ann"].load == 0
    assert scenario.state.agents["ann"].load_by_rule == {}


def test_complete_without_a_start() -> None:
    expect(_HELD, CompleteTask(1, "ann", _GRANT, _WRAP_UP), Refused("precondition", "NOT_STARTED"))


@pytest.mark.parametrize(
    ("given", "missing"), [({}, ["note", "cause"]), ({"note": "x"}, ["cause"]), ({"note": "", "cause": "y"}, ["note"])]
)
def test_complete_without_the_required_wrap_up(given: dict[str, str], missing: list[str]) -> None:
    told = Scenario(*_STARTED).answer(CompleteTask(1, "ann", _GRANT, given), "req-1")
    assert isinstance(told, Refusal) and (told.kind, told.reason) == ("invalid", "WRAP_UP_INCOMPLETE")
    assert [violation.field for violation in told.violations] == [f"wrap_up.{name}" for name in missing]


def test_wrap_up_is_that_of_the_rule_the_task_came_by_when_the_rule_is_gone() -> None:
    given = [*_STARTED, rules(rule("other")), REST]
    expect(given, CompleteTask(1, "ann", _GRANT), Refused("invalid", "WRAP_UP_INCOMPLETE"))


def test_wrap_up_is_that_of_the_rule_as_in_force() -> None:
    given = [*_STARTED, rules(rule()), REST]
    expect(given, CompleteTask(1, "ann", _GRANT), [ev.TaskCompleted(1, "ann", _GRANT)])


@pytest.mark.parametrize("command", [StartTask, CompleteTask])
def test_who_acts_must_hold_the_task_under_this_grant(command: Any) -> None:
    expect(_HELD, command(1, "ann", _GRANT - 1), _STALE)
    expect(_HELD, command(1, "bob", _GRANT), _STALE)
    expect([_RULES, task(), REST], command(1, "ann", 0), _STALE)
    expect(_HELD, command(2, "ann", _GRANT), _UNKNOWN)


@pytest.mark.parametrize("number", [0, -1, 2])
def test_a_task_nobody_knows(number: int) -> None:
    for command in _each(number, 0):
        expect(_HELD, command, _UNKNOWN)


def test_a_task_that_ended() -> None:
    given = [*_STARTED, CompleteTask(1, "ann", _GRANT, _WRAP_UP)]
    for command in _each(1, _GRANT):
        expect(given, command, Refused("precondition", "TASK_ENDED"))


def test_cancel_a_held_task() -> None:
    scenario = expect(_HELD, CancelTask(1, _GRANT, "moved"), [ev.TasksCancelled((1,), ("ann",), "moved")])
    assert scenario.state.tasks == {} and scenario.state.agents["ann"].load == 0


def test_cancel_a_waiting_task() -> None:
    scenario = expect([_RULES, task(), REST], CancelTask(1, reason="moved"), [ev.TasksCancelled((1,), ("",), "moved")])
    assert scenario.state.lanes == {}


def test_cancel_names_the_grant() -> None:
    expect(_HELD, CancelTask(1), _STALE)
    expect(_STARTED, CancelTask(1, _GRANT + 1), _STALE)


def test_reassign_a_held_task_to_whom_push_would_not_ask() -> None:
    moved = ev.TaskReassigned(1, "bob", "ann", "r", 1, "ill", again=True)
    scenario = expect(_STARTED, ReassignTask(1, "bob", _GRANT, "ill"), [moved])
    one = scenario.state.tasks[1]
    assert (one.agent, one.status, one.grant) == ("bob", "assigned", scenario.state.position)
    assert {agent_id: who.load for agent_id, who in scenario.state.agents.items()} == {"ann": 0, "bob": 1}


def test_reassign_makes_the_former_grant_stale() -> None:
    given: list[Step] = [*_STARTED, ReassignTask(1, "bob", _GRANT)]
    expect(given, CompleteTask(1, "ann", _GRANT, _WRAP_UP), _STALE)
    expect(given, StartTask(1, "bob", 7), [ev.TaskStarted(1, "bob", 7)])


def test_reassign_a_waiting_task() -> None:
    given: list[Step] = [rules(rule(method="manual")), roster("ann"), task(customer="c1"), REST]
    assert holders(Scenario(*given)) == {1: None}
    scenario = expect(given, ReassignTask(1, "ann"), [ev.TaskReassigned(1, "ann", "", "r", 1)])
    assert scenario.state.lanes == {} and scenario.state.last_agents == {"c1": "ann"}


def test_reassign_to_the_same_agent() -> None:
    expect(_HELD, ReassignTask(1, "ann", _GRANT), Refused("precondition", "SAME_AGENT"))


def test_reassign_to_nobody_known() -> None:
    expect(_HELD, ReassignTask(1, "zoe", _GRANT), Refused("not_found", "AGENT_UNKNOWN"))


def test_reassign_with_a_stale_grant() -> None:
    expect(_HELD, ReassignTask(1, "bob"), _STALE)


def test_claim_by_nobody_known() -> None:
    expect(_HELD, ClaimTask("zoe"), Refused("not_found", "AGENT_UNKNOWN"))


def test_presence_does_not_matter_to_who_holds_a_task() -> None:
    expect([*_HELD, SetPresence("ann", "away")], StartTask(1, "ann", _GRANT), [ev.TaskStarted(1, "ann", _GRANT)])


def _each(number: int, grant: int) -> list[Command]:
    return [
        ClaimTask("ann", number),
        StartTask(number, "ann", grant),
        CompleteTask(number, "ann", grant),
        CancelTask(number, grant),
        ReassignTask(number, "bob", grant),
    ]
