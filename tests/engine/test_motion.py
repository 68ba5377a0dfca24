"""Capacity that frees up, agents who come and rules that change put waiting work in motion, with no tick."""

from __future__ import annotations

import pytest

from engine.commands import CancelTask, CompleteTask, ReassignTask, SetPresence, StartTask
from tests.engine.given import agent, package, roster, row, rule, rules, task
from tests.engine.scenario import REST, RESTART, Scenario, Step, holders

_ONE = roster(agent("ann", capacity=1))
_FULL: list[Step] = [rules(rule()), _ONE, task(), task(), REST]
_AWAY: list[Step] = [rules(rule()), roster(agent("ann", presence="away")), task(), REST]
_GRANT = 7

FREED: dict[str, tuple[list[Step], list[Step]]] = {
    "completed": (_FULL, [StartTask(1, "ann", _GRANT), CompleteTask(1, "ann", _GRANT)]),
    "cancelled": (_FULL, [CancelTask(1, _GRANT)]),
    "reassigned away": ([*_FULL, roster(agent("bob", presence="away"))], [ReassignTask(1, "bob", _GRANT)]),
    "more capacity": (_FULL, [roster(agent("ann", capacity=2))]),
    "a new agent": (_FULL, [roster("bob")]),
    "back again": (_AWAY, [SetPresence("ann", "available")]),
    "rules at last": ([roster("ann"), task(), REST], [rules(rule())]),
    "new data": (
        [rules(rule(targets="agent.level > 1")), roster("ann"), task(), REST],
        [roster(agent("ann", level=2))],
    ),
    "a higher cap": (
        [rules(rule(cap_per_agent=1)), roster("ann"), task(), task(), REST],
        [rules(rule(cap_per_agent=2))],
    ),
    "wider targets": ([rules(rule(targets="agent.level > 1")), roster("ann"), task(), REST], [rules(rule())]),
}


@pytest.mark.parametrize("name", FREED)
def test_waiting_work_moves(name: str) -> None:
    given, then = FREED[name]
    scenario = Scenario(*given)
    last = scenario.state.last_task
    assert holders(scenario)[last] is None
    for step in then:
        scenario.do(step)
    scenario.rest()
    assert holders(scenario)[last] in ("ann", "bob")


@pytest.mark.parametrize("name", FREED)
def test_waiting_work_moves_after_a_restart_in_between(name: str) -> None:
    given, then = FREED[name]
    scenario = Scenario(*given, *then, RESTART, REST)
    assert holders(scenario)[scenario.state.last_task] in ("ann", "bob")


def test_at_rest_there_is_nothing_to_do() -> None:
    scenario = Scenario(*_FULL)
    assert scenario.workspace.follow_up(scenario.now) is None


def test_who_has_no_room_all_the_same_is_no_reason_for_a_round() -> None:
    scenario = Scenario(*_FULL, SetPresence("ann", "busy"), REST, StartTask(1, "ann", _GRANT))
    scenario.do(CompleteTask(1, "ann", _GRANT))
    assert scenario.workspace.follow_up(scenario.now) is None


def test_a_restart_at_rest_finds_nothing_to_do() -> None:
    assert Scenario(*_FULL, RESTART).rest() == []


def test_freed_capacity_goes_to_the_most_urgent_it_fits() -> None:
    west = rule("west", targets='agent.team == "west"', when='task.zone == "w"')
    waiting = [task(priority=1), task(priority=5), task(priority=9, zone="w")]
    scenario = Scenario(rules(west, rule("r")), _ONE, task(), REST, *waiting, REST)
    scenario.do(CancelTask(1, scenario.state.tasks[1].grant))
    scenario.rest()
    assert holders(scenario) == {2: None, 3: "ann", 4: None}


def test_a_package_is_distributed_without_being_asked_twice() -> None:
    scenario = Scenario(rules(rule()), roster("ann"), *package([row(2), row(3)]))
    scenario.rest()
    assert set(holders(scenario).values()) == {"ann"}


def test_a_restart_in_the_middle_of_a_package() -> None:
    scenario = Scenario(rules(rule()), roster(agent("ann", capacity=2_000)), *package([row(2)] * 900))
    for _ in range(2):
        outcome = scenario.workspace.follow_up(scenario.now)
        assert outcome is not None
        scenario.log.extend(outcome[0])
    scenario.do(RESTART)
    scenario.rest()
    assert set(holders(scenario).values()) == {"ann"} and scenario.state.packages[1].status == "distributed"


def test_a_restart_in_the_middle_of_new_rules() -> None:
    scenario = Scenario(rules(rule("a")), task(), REST, rules(rule("b")), RESTART, REST)
    assert scenario.state.tasks[1].rule == "b"


def test_a_restart_in_the_middle_of_a_sweep() -> None:
    from engine.commands import WithdrawPackage

    scenario = Scenario(rules(rule()), *package([row(2)] * 3), REST, WithdrawPackage(1), RESTART, REST)
    assert scenario.state.tasks == {}
