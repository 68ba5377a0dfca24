"""The order inside a pool and between pools: priority, then age, with the bound on overtaking that pool.py states."""

from __future__ import annotations

import random

import pytest

from engine import events as ev
from engine.state.order import Order
from engine.state.pool import Lane
from tests.engine.given import agent, roster, rule, rules, task
from tests.engine.scenario import MINUTE, REST, After, Scenario, Step


def _given_out(scenario: Scenario) -> list[int]:
    return [number for event in scenario.events if isinstance(event, ev.TasksAllocated) for number in event.tasks]


def _open_up(*given: Step) -> list[int]:
    """Tasks wait while nobody is there; then somebody comes."""
    return _given_out(Scenario(*given, REST, roster(agent("ann", capacity=50)), REST))


def test_priority_then_age_then_number() -> None:
    assert _open_up(rules(rule()), task(), task(priority=5), task(priority=5), task(priority=9)) == [4, 2, 3, 1]


def test_older_before_newer_at_equal_priority() -> None:
    assert _open_up(rules(rule()), task(), After(1), task()) == [1, 2]


@pytest.mark.parametrize(("waited", "first"), [(9, 2), (10, 1), (11, 1)])
def test_ageing_is_worth_a_step(waited: int, first: int) -> None:
    given: list[Step] = [rules(rule(ageing="10m")), task(), After(waited * MINUTE), task(priority=1)]
    assert _open_up(*given)[0] == first


@pytest.mark.parametrize("priority", [0, 40, 100])
def test_the_bound_on_overtaking(priority: int) -> None:
    """A task of priority p is overtaken only by work that came less than (100 - p) * ageing after it."""
    bound = (100 - priority) * MINUTE
    base: list[Step] = [rules(rule(ageing="1m")), task(priority=priority)]
    assert _open_up(*base, After(bound), task(priority=100)) == [1, 2]
    if bound:
        assert _open_up(*base, After(bound - 1), task(priority=100)) == [2, 1]


def test_pools_with_other_ageing_compare_by_steps() -> None:
    slow = rule("slow", when='task.zone == "s"', ageing="10m")
    quick = rule("quick", ageing="1m")
    base: list[Step] = [rules(slow, quick), task(zone="s", priority=3), task()]
    assert _open_up(*base, After(2 * MINUTE)) == [1, 2]
    assert _open_up(*base, After(4 * MINUTE)) == [2, 1]


def test_a_pool_that_cannot_give_lets_the_others_go_on() -> None:
    west = rule("west", when='task.zone == "w"', targets='agent.team == "west"')
    given: list[Step] = [rules(west, rule("r")), roster("ann"), task(zone="w", priority=100), task(), REST]
    assert _given_out(Scenario(*given)) == [2]


def test_lanes_of_one_rule_are_in_one_order() -> None:
    written = rules(rule(targets="task.zone != agent.id"))
    asked = [task(zone=zone, priority=priority) for zone, priority in (("a", 1), ("b", 2), ("a", 3), ("b", 0))]
    assert _open_up(written, *asked) == [3, 2, 1, 4]


def test_the_last_room_goes_to_the_most_urgent() -> None:
    given: list[Step] = [rules(rule()), task(), task(priority=1), REST, roster(agent("ann", capacity=1)), REST]
    assert _given_out(Scenario(*given)) == [2]


def test_an_order_is_that_of_start_and_number() -> None:
    chance = random.Random(7)
    for _ in range(300):
        left = set(chance.sample([(start, number) for start in range(-3, 3) for number in range(20)], 40))
        order, model = Order(), set[tuple[int, int]]()
        while left or model:
            some = chance.sample(sorted(left), min(len(left), chance.randint(1, 8)))
            gone = chance.sample(sorted(model), min(len(model), chance.choice((1, 2, 5, 50))))
            order.add(_starts(some))
            order.remove(_starts(gone))
            left.difference_update(some)
            model = (model | set(some)) - set(gone)
            assert list(order) == sorted(model) and len(order) == len(model)
            assert not model or order.first() == min(model)


def _starts(some: list[tuple[int, int]]) -> dict[int, list[int]]:
    starts: dict[int, list[int]] = {}
    for start, number in some:
        starts.setdefault(start, []).append(number)
    return starts


def test_a_lane_counts_by_package() -> None:
    lane = Lane(("r", 0, ()))
    for package, more in ((1, 2), (None, 1), (1, -1), (None, -1)):
        lane.count(package, more)
    assert lane.packages == {1: 1}
