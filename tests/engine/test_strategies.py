"""Strategies alone and chained: whom each finds, and what it says when it falls through."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from engine import events as ev
from engine.commands import CompleteTask, Order, SetPresence, StartTask
from engine.commands import CreateTask as Create
from tests.engine.given import agent, package, roster, row, rule, rules, task
from tests.engine.scenario import REST, Scenario, Step, holders, picks

_PEOPLE = roster(
    agent("ann", regions=("JS", "ZJ"), level=1),
    agent("bob", regions=("ZJ",), level=2),
    agent("cat", region="SH", level=3),
)
_ATTRIBUTES = {
    "task": {"zone": "string"},
    "agent": {"regions": "list(string)", "region": "string", "level": "int", "skills": "list(string)"},
}


def _chain(*strategy: str, **fields: Any) -> Step:
    return rules(rule(strategy=list(strategy), **fields), attributes=_ATTRIBUTES)


def _picked(strategy: Step, asked: Create, *before: Step) -> tuple[str, str, tuple[str, ...]]:
    scenario = Scenario(strategy, _PEOPLE, *before)
    scenario.do(asked)
    scenario.rest()
    return picks(scenario)[scenario.state.last_task]


# --- one strategy ------------------------------------------------------------------------------------------------------


def test_owner() -> None:
    assert _picked(_chain("owner", "least_loaded"), task(owner="cat")) == ("cat", "owner", ())


def test_owner_alone_ends_with_the_least_loaded() -> None:
    assert _picked(_chain("owner"), task()) == ("ann", "least_loaded", ("owner: none",))


def test_last_agent_is_who_last_had_work_of_the_customer() -> None:
    chain = _chain("last_agent", "least_loaded")
    assert _picked(chain, task(customer="c9")) == ("ann", "least_loaded", ("last_agent: none",))
    assert _picked(chain, task()) == ("ann", "least_loaded", ("last_agent: none",))
    before: list[Step] = [task(), task(customer="c9"), REST]
    assert _picked(chain, task(customer="c9"), *before) == ("bob", "last_agent", ())


def test_last_agent_is_remembered_after_the_work_is_done() -> None:
    scenario = Scenario(_chain("last_agent"), _PEOPLE, task(customer="c9"), REST)
    grant = scenario.state.tasks[1].grant
    for step in (StartTask(1, "ann", grant), CompleteTask(1, "ann", grant), task(customer="c9")):
        scenario.do(step)
    scenario.rest()
    assert picks(scenario)[2] == ("ann", "last_agent", ())


def test_last_agent_counts_from_the_pick_before_in_the_same_round() -> None:
    given: list[Step] = [_chain("last_agent"), _PEOPLE, *package([row(2), row(3), row(2)]), REST]
    assert picks(Scenario(*given)) == {
        1: ("ann", "least_loaded", ("last_agent: none",)),
        2: ("bob", "least_loaded", ("last_agent: none",)),
        3: ("ann", "last_agent", ()),
    }


def test_region_narrows_to_who_serves_it() -> None:
    chain = _chain("region", "least_loaded")
    assert _picked(chain, task(region="ZJ")) == ("ann", "region+least_loaded", ())
    assert _picked(chain, task(region="ZJ"), task(), REST) == ("bob", "region+least_loaded", ())
    assert _picked(chain, task(region="SH")) == ("cat", "region+least_loaded", ())


def test_region_falls_through() -> None:
    chain = _chain("region", "least_loaded")
    assert _picked(chain, task(region="XX")) == ("ann", "least_loaded", ("region: nobody with room",))
    assert _picked(chain, task()) == ("ann", "least_loaded", ("region: none",))
    away = SetPresence("cat", "away")
    assert _picked(chain, task(region="SH"), away) == ("ann", "least_loaded", ("region: nobody with room",))


def test_least_loaded_goes_by_open_tasks_of_all_rules() -> None:
    two = rules(rule("mail", "mail", targets='agent.id == "ann"'), rule("call"), attributes=_ATTRIBUTES)
    assert _picked(two, task(), task("mail"), REST) == ("bob", "least_loaded", ())


def test_equal_agents_go_by_who_was_picked_longest_ago_then_by_registration() -> None:
    scenario = Scenario(_chain("least_loaded"), _PEOPLE)
    taken = []
    for number in range(1, 6):
        scenario.do(task())
        scenario.rest()
        grant = scenario.state.tasks[number].grant
        who = str(scenario.state.tasks[number].agent)
        taken.append(who)
        scenario.do(StartTask(number, who, grant))
        scenario.do(CompleteTask(number, who, grant))
    assert taken == ["ann", "bob", "cat", "ann", "bob"]


def test_round_robin_goes_in_turn_whatever_the_load() -> None:
    people = roster("ann", "bob", "cat")
    two = rules(rule("mail", "mail", targets='agent.id == "ann"'), rule("call", strategy=["round_robin"]))
    given: list[Step] = [two, people, *(task("mail") for _ in range(4)), REST, *(task() for _ in range(6)), REST]
    assert Counter(who for number, who in holders(Scenario(*given)).items() if number > 4) == dict(ann=2, bob=2, cat=2)


def test_round_robin_keeps_its_turn_over_rounds_and_per_rule() -> None:
    two = rules(rule("mail", "mail", strategy=["round_robin"]), rule("call", strategy=["round_robin"]))
    scenario = Scenario(two, roster("ann", "bob"))
    for kind in ("call", "mail", "call", "mail", "call"):
        scenario.do(task(kind))
        scenario.rest()
    assert [holders(scenario)[number] for number in (1, 3, 5)] == ["ann", "bob", "ann"]
    assert {holders(scenario)[number] for number in (2, 4)} == {"ann", "bob"}


def test_weighted_shares_in_proportion() -> None:
    people = roster(
        *(agent(name, weight=weight, capacity=100) for name, weight in (("ann", 1), ("bob", 2), ("cat", 3)))
    )
    scenario = Scenario(rules(rule(strategy=["weighted"])), people, *package([row(line) for line in range(60)]), REST)
    assert Counter(holders(scenario).values()) == {"ann": 10, "bob": 20, "cat": 30}


@pytest.mark.parametrize("count", [1, 7, 59, 60, 61])
@pytest.mark.parametrize("strategy", ["least_loaded", "round_robin", "weighted"])
def test_even_distribution_differs_by_at_most_one(strategy: str, count: int) -> None:
    people = roster(*(agent(f"a{number}", capacity=100) for number in range(7)))
    scenario = Scenario(rules(rule(strategy=[strategy])), people, *package([row(line) for line in range(count)]), REST)
    loads = [one.load for one in scenario.state.agents.values()]
    assert sum(loads) == count and max(loads) - min(loads) <= 1


def test_even_distribution_over_lanes_of_one_rule() -> None:
    people = roster(*(agent(f"a{number}", capacity=100) for number in range(5)))
    written = rules(rule(targets="task.region != agent.team"))
    rows = [row(line, 0, None, f"R{line % 3}") for line in range(52)]
    loads = [one.load for one in Scenario(written, people, *package(rows), REST).state.agents.values()]
    assert sum(loads) == 52 and max(loads) - min(loads) <= 1


# --- chains ------------------------------------------------------------------------------------------------------------


def test_the_first_that_finds_somebody_decides() -> None:
    chain = _chain("last_agent", "owner", "least_loaded")
    before: list[Step] = [task(), task(customer="c9"), REST]
    assert _picked(chain, task(customer="c9", owner="cat"), *before) == ("bob", "last_agent", ())
    assert _picked(chain, task(customer="new", owner="cat"), *before) == ("cat", "owner", ("last_agent: none",))
    assert _picked(_chain("owner", "last_agent"), task(customer="c9", owner="cat"), *before) == ("cat", "owner", ())


def test_a_region_before_the_owner_narrows_it() -> None:
    chain = _chain("region", "owner", "least_loaded")
    assert _picked(chain, task(region="ZJ", owner="bob")) == ("bob", "owner", ())
    outside = ("ann", "region+least_loaded", ("owner: outside the region",))
    assert _picked(chain, task(region="ZJ", owner="cat")) == outside


def test_a_region_after_the_owner_does_not() -> None:
    assert _picked(_chain("owner", "region"), task(region="ZJ", owner="cat")) == ("cat", "owner", ())


def test_orderings_compare_one_after_another() -> None:
    people = roster(agent("ann", weight=2), agent("bob", weight=1), agent("cat", weight=1))
    scenario = Scenario(rules(rule(strategy=["least_loaded", "weighted"])), people)
    for _ in range(4):
        scenario.do(task())
        scenario.rest()
    assert [holders(scenario)[number] for number in range(1, 5)] == ["ann", "bob", "cat", "ann"]
    assert picks(scenario)[1][1] == "least_loaded+weighted"


def test_every_reason_is_kept_in_order() -> None:
    chain = _chain("owner", "last_agent", "region", "round_robin")
    passed = ("owner: not in the roster", "last_agent: none", "region: none")
    assert _picked(chain, task(owner="zoe")) == ("ann", "round_robin", passed)


# --- why the one wanted is not taken -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "reason"),
    [
        ([SetPresence("bob", "busy")], "busy"),
        ([SetPresence("bob", "away")], "away"),
        ([SetPresence("bob", "offline")], "offline"),
        ([roster(agent("bob", level=2, capacity=0))], "at capacity"),
        ([roster(agent("bob", level=1))], "outside the targets"),
        ([roster(agent("ann", level=2), agent("cat", level=2), prune=True)], "not in the roster"),
        ([task(owner="bob"), REST, task(owner="bob"), REST], "at rule cap"),
    ],
)
def test_why_the_owner_is_passed_over(before: list[Step], reason: str) -> None:
    chain = _chain("owner", targets="agent.level >= 2", cap_per_agent=2)
    agent_id, by, passed = _picked(chain, task(owner="bob"), *before)
    assert agent_id != "bob" and (by, passed) == ("least_loaded", (f"owner: {reason}",))


def test_targets_that_name_the_load_close_as_it_grows() -> None:
    chain = _chain("owner", targets="agent.load < 1")
    assert _picked(chain, task(owner="bob"), task(owner="bob"), REST)[2] == ("owner: outside the targets",)
    both = Scenario(chain, _PEOPLE, task(owner="bob"), task(owner="bob"), REST)
    assert picks(both)[2] == ("ann", "least_loaded", ("owner: outside the targets",))


def test_the_reason_is_true_also_where_a_round_looks_at_freed_agents_only() -> None:
    chain = _chain("owner", targets='agent.id != "cat"', cap_per_agent=1)
    scenario = Scenario(chain, _PEOPLE, task(), task(), task(owner="bob"), REST)
    _finish(scenario, 1)
    assert picks(scenario)[3] == ("ann", "least_loaded", ("owner: at rule cap",))


def test_freed_capacity_takes_nothing_from_an_owner_who_was_not_asked_yet() -> None:
    scenario = Scenario(_chain("owner"), _PEOPLE, task(owner="ann"), REST, *package([row(2, 0, "bob")]))
    while scenario.state.tasks[2].status == "created":  # into the pool, where nobody has been asked
        scenario.workspace.follow_up(scenario.now)
    _finish(scenario, 1)
    assert holders(scenario) == {2: "bob"}


def _finish(scenario: Scenario, number: int) -> None:
    held = scenario.state.tasks[number]
    for command in (StartTask(number, str(held.agent), held.grant), CompleteTask(number, str(held.agent), held.grant)):
        scenario.do(Order(command, "op"))
    scenario.rest()


def test_a_round_tells_whom_it_looked_at() -> None:
    scenario = Scenario(_chain("owner"), roster(agent("ann", capacity=1)), task(), task(), REST)
    _finish(scenario, 1)
    rounds = [event for event in scenario.events if isinstance(event, ev.TasksAllocated)]
    assert [one.among for one in rounds] == [None, ("ann",)]
