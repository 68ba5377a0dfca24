"""Capacity and caps count open tasks and hold for push, claim and manual alike; push also honours presence."""

from __future__ import annotations

from typing import Any

import pytest

from engine import events as ev
from engine.commands import ClaimTask, Command, ReassignTask
from tests.engine.given import agent, package, roster, row, rule, rules, task
from tests.engine.scenario import REST, Refused, Scenario, Step, holders

METHODS = ("push", "claim", "manual")


def _hand_out(scenario: Scenario, method: str, agent_id: str = "ann") -> list[Any]:
    """Try every waiting task with the agent, by the method; tells what was refused."""
    refused = []
    for number in list(scenario.state.tasks):
        if scenario.state.tasks[number].agent is None and method != "push":
            asked: Command = ClaimTask(agent_id, number) if method == "claim" else ReassignTask(number, agent_id)
            told = scenario.do(asked)
            refused += [told.reason] if isinstance(told, Refused) else []
    scenario.rest()
    return refused


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("capacity", "cap", "held"), [(3, None, 3), (9, 2, 2), (2, 2, 2), (1, 5, 1), (0, None, 0)])
def test_no_agent_holds_more_than_it_may(method: str, capacity: int, cap: int | None, held: int) -> None:
    fields: dict[str, Any] = {"method": method} | ({"cap_per_agent": cap} if cap else {})
    given: list[Step] = [rules(rule(**fields)), roster(agent("ann", capacity=capacity)), *package([row(2)] * 5), REST]
    scenario = Scenario(*given)
    refused = _hand_out(scenario, method)
    assert scenario.state.agents["ann"].load == held
    expected = "AGENT_AT_CAPACITY" if capacity <= (cap or capacity) else "RULE_CAP_REACHED"
    assert refused == ([] if method == "push" else [expected] * (5 - held))


@pytest.mark.parametrize("first", METHODS)
@pytest.mark.parametrize("second", METHODS)
def test_capacity_is_one_over_all_rules(first: str, second: str) -> None:
    written = rules(rule("a", "mail", method=first), rule("b", method=second))
    scenario = Scenario(written, roster(agent("ann", capacity=2)), task("mail"), REST)
    _hand_out(scenario, first)
    for _ in range(3):
        scenario.do(task())
    scenario.rest()
    _hand_out(scenario, second)
    assert scenario.state.agents["ann"].load_by_rule == {"a": 1, "b": 1}


@pytest.mark.parametrize("method", METHODS)
def test_a_cap_is_one_rule_s_own(method: str) -> None:
    written = rules(rule("a", "mail", method=method, cap_per_agent=1), rule("b", method=method, cap_per_agent=2))
    scenario = Scenario(
        written, roster("ann"), *(task(kind) for kind in ("mail", "mail", "call", "call", "call")), REST
    )
    _hand_out(scenario, method)
    assert scenario.state.agents["ann"].load_by_rule == {"a": 1, "b": 2}


@pytest.mark.parametrize("method", METHODS)
def test_a_lowered_capacity_takes_nothing_away_and_gives_nothing(method: str) -> None:
    scenario = Scenario(rules(rule(method=method)), roster(agent("ann", capacity=3)), *(task() for _ in range(3)), REST)
    _hand_out(scenario, method)
    for step in (roster(agent("ann", capacity=1)), task(), REST):
        scenario.do(step)
    _hand_out(scenario, method)
    assert scenario.state.agents["ann"].load == 3 and holders(scenario)[4] is None


@pytest.mark.parametrize("method", METHODS)
def test_a_lowered_cap_takes_nothing_away_and_gives_nothing(method: str) -> None:
    scenario = Scenario(rules(rule(method=method)), roster("ann"), task(), task(), REST)
    _hand_out(scenario, method)
    for step in (rules(rule(method=method, cap_per_agent=1)), REST, task(), REST):
        scenario.do(step)
    _hand_out(scenario, method)
    assert scenario.state.agents["ann"].load == 2 and holders(scenario)[3] is None


@pytest.mark.parametrize(("presence", "held"), [("available", 1), ("busy", 0), ("away", 0), ("offline", 0)])
def test_push_goes_to_who_is_available(presence: str, held: int) -> None:
    scenario = Scenario(rules(rule()), roster(agent("ann", presence=presence)), task(), REST)
    assert scenario.state.agents["ann"].load == held


def test_targets_that_name_the_load_hold_within_a_round() -> None:
    people = roster(agent("ann"), agent("bob"))
    scenario = Scenario(rules(rule(targets="agent.load < 2")), people, *package([row(2)] * 7), REST)
    assert [one.load for one in scenario.state.agents.values()] == [2, 2]
    assert scenario.state.packages[1].waiting == 3


@pytest.mark.parametrize("targets", ["agent.load >= 1", "1 <= agent.load", "not (agent.load < 1)", "agent.load != 0"])
def test_targets_that_only_a_loaded_agent_meets(targets: str) -> None:
    written = rules(rule("seed", "mail"), rule("more", targets=targets))
    scenario = Scenario(written, roster(agent("ann", capacity=3)), task(), task(), REST)
    assert scenario.state.agents["ann"].load == 0
    scenario.do(task("mail"))
    scenario.rest()
    assert scenario.state.agents["ann"].load == 3


def test_a_load_that_rises_by_hand_may_open_targets_too() -> None:
    written = rules(rule("seed", "mail", method="manual"), rule("more", targets="agent.load >= 1"))
    scenario = Scenario(written, roster(agent("ann", presence="available")), task(), task("mail"), REST)
    scenario.do(ReassignTask(2, "ann"))
    scenario.rest()
    assert holders(scenario) == {1: "ann", 2: "ann"}


def test_stalls_tell_why_and_only_when_it_changes() -> None:
    people = roster(agent("ann", capacity=1, presence="away"))
    scenario = Scenario(rules(rule()), people, task(), task(), REST, task(), REST)
    stalls = [event for event in scenario.events if isinstance(event, ev.PoolStalled)]
    assert stalls == [ev.PoolStalled("r", 0, "nobody_available", 2)]
