"""ClaimTask: who may take what of its own accord."""

from __future__ import annotations

from typing import Any

import pytest

from engine import events as ev
from engine.commands import ClaimTask, SetPresence
from engine.refusals import Refusal
from tests.engine.given import agent, package, roster, row, rule, rules, task
from tests.engine.scenario import MINUTE, REST, After, Refused, Scenario, Step, expect

_CLAIM = rules(rule(method="claim", targets="agent.level >= 2", cap_per_agent=2))
_PEOPLE = roster(agent("ann", level=2), agent("low", level=1))


def test_a_named_task() -> None:
    scenario = expect([_CLAIM, _PEOPLE, task()], ClaimTask("ann", 1), [ev.TaskClaimed(1, "ann", "r", 1)])
    one = scenario.state.tasks[1]
    assert (one.agent, one.grant, one.status, one.given) == ("ann", scenario.state.position, "assigned", True)
    assert scenario.state.lanes == {}


def test_a_row_of_a_package_tells_its_package() -> None:
    expect([_CLAIM, _PEOPLE, *package([row(2)]), REST], ClaimTask("ann", 1), [ev.TaskClaimed(1, "ann", "r", 1, 1)])


@pytest.mark.parametrize("presence", ["available", "busy"])
def test_who_is_there_may_claim(presence: str) -> None:
    given = [_CLAIM, _PEOPLE, SetPresence("ann", presence), task()]
    expect(given, ClaimTask("ann"), [ev.TaskClaimed(1, "ann", "r", 1)])


@pytest.mark.parametrize("presence", ["away", "offline"])
def test_who_is_not_there_may_not(presence: str) -> None:
    given = [_CLAIM, _PEOPLE, SetPresence("ann", presence), task()]
    for command in (ClaimTask("ann"), ClaimTask("ann", 1)):
        expect(given, command, Refused("precondition", "AGENT_NOT_THERE"))


def test_outside_the_targets() -> None:
    expect([_CLAIM, _PEOPLE, task()], ClaimTask("low", 1), Refused("precondition", "OUTSIDE_TARGETS"))


def test_at_capacity() -> None:
    given = [_CLAIM, roster(agent("ann", level=2, capacity=1)), task(), task(), ClaimTask("ann")]
    expect(given, ClaimTask("ann", 2), Refused("precondition", "AGENT_AT_CAPACITY"))


def test_at_the_cap_of_the_rule() -> None:
    given = [_CLAIM, _PEOPLE, task(), task(), task(), ClaimTask("ann"), ClaimTask("ann")]
    expect(given, ClaimTask("ann", 3), Refused("precondition", "RULE_CAP_REACHED"))


def test_nothing_to_claim() -> None:
    expect([_CLAIM, _PEOPLE], ClaimTask("ann"), Refused("precondition", "NOTHING_TO_CLAIM"))


def test_nothing_to_claim_says_what_stands_in_the_way() -> None:
    told = Scenario(_CLAIM, _PEOPLE, task()).answer(ClaimTask("low"))
    assert isinstance(told, Refusal) and told.reason == "NOTHING_TO_CLAIM"
    assert "low within the targets of r" in told.message


def test_the_first_is_the_most_urgent_over_all_claim_pools() -> None:
    pools = rules(
        rule("slow", method="claim", when='task.zone == "s"', ageing="10m"),
        rule("quick", method="claim", when='task.zone == "q"', ageing="1m"),
        rule("push", targets='agent.team == "west"'),
    )
    given: list[Step] = [pools, roster("ann"), task(zone="s", priority=3), task(zone="q"), task(priority=100), REST]
    assert _order(Scenario(*given, After(2 * MINUTE))) == [1, 2]  # 3 + 2/10 steps against 2
    assert _order(Scenario(*given, After(4 * MINUTE))) == [2, 1]  # 3 + 4/10 against 4


def test_the_first_of_equals_is_the_older_number() -> None:
    pools = rules(rule("a", method="claim", when='task.zone == "a"'), rule("b", method="claim"))
    assert _order(Scenario(pools, roster("ann"), task(), task(zone="a"), task(), REST)) == [1, 2, 3]


def test_the_first_passes_over_pools_closed_to_the_agent() -> None:
    pools = rules(
        rule("a", method="claim", when='task.zone == "a"', targets="agent.level >= 2"), rule("b", method="claim")
    )
    scenario = Scenario(pools, roster(agent("low", level=1)), task(zone="a", priority=50), task(), REST)
    assert _order(scenario) == [2]


def test_a_claim_counts_against_push_and_push_against_a_claim() -> None:
    pools = rules(rule("a", method="claim", task_type="mail"), rule("b"))
    scenario = Scenario(pools, roster(agent("ann", capacity=1)), task(), REST, task("mail"))
    assert scenario.do(ClaimTask("ann", 2)) == Refused("precondition", "AGENT_AT_CAPACITY")
    scenario = Scenario(pools, roster(agent("ann", capacity=1)), task("mail"), ClaimTask("ann"), task(), REST)
    assert scenario.state.tasks[2].agent is None


@pytest.mark.parametrize("number", [1, None])
@pytest.mark.parametrize(
    "now",
    [
        rule(method="claim", targets="task.zone in agent.skills"),
        rule(method="claim", targets="agent.level >= 3"),
        rule("other", method="claim"),
    ],
)
def test_a_claim_waits_for_new_rules_to_take_effect(now: dict[str, Any], number: int | None) -> None:
    people = roster(agent("ann", level=3, skills=("n",)))
    scenario = Scenario(_CLAIM, people, task(zone="n"), REST, rules(now))
    refused = scenario.do(ClaimTask("ann", number))
    assert refused == Refused("precondition", "RULES_JUST_CHANGED" if number else "NOTHING_TO_CLAIM")
    scenario.rest()
    assert scenario.do(ClaimTask("ann", number)) == [ev.TaskClaimed(1, "ann", now["id"], 2)]


def test_rules_that_leave_the_pool_as_it_is_do_not_hold_up_a_claim() -> None:
    other = rules(rule(method="claim", targets="agent.level >= 2", cap_per_agent=9))
    expect([_CLAIM, _PEOPLE, task(), REST, other], ClaimTask("ann"), [ev.TaskClaimed(1, "ann", "r", 2)])


def _order(scenario: Scenario) -> list[int]:
    taken: list[int] = []
    while isinstance(told := scenario.do(ClaimTask(next(iter(scenario.state.agents)))), list):
        event = told[0]
        assert isinstance(event, ev.TaskClaimed)
        taken.append(event.task)
    return taken
