"""A package on its way: its status, its counts, and what a withdrawal takes back."""

from __future__ import annotations

from engine import events as ev
from engine.commands import (
    CancelTask,
    ClaimTask,
    FailPackage,
    FinishParsing,
    ImportRows,
    ReassignTask,
    SetPresence,
    StartParsing,
    StartTask,
    WithdrawPackage,
)
from engine.reactions import ROUND
from engine.state import Package
from tests.engine.given import agent, package, register, roster, row, rule, rules
from tests.engine.scenario import REST, RESTART, Scenario, Step

_ROWS = [row(line) for line in range(2, 6)]
_CAPPED: list[Step] = [rules(rule()), roster(agent("ann", capacity=3)), *package(_ROWS), REST]


def _settled(scenario: Scenario) -> list[ev.Event]:
    return [event for event in scenario.events if isinstance(event, ev.PackageDistributed)]


def _counts(one: Package) -> tuple[str, int, int, int]:
    return (one.status, one.rows, one.distributed, one.waiting)


def test_status_walk() -> None:
    register_, start, rows, finish = package(_ROWS)
    scenario, walk = Scenario(rules(rule()), roster("ann")), []
    for step in (register_, start, rows, finish):
        scenario.do(step)
        walk.append(scenario.state.packages[1].status)
    while (outcome := scenario.workspace.follow_up(scenario.now)) is not None:
        scenario.log.extend(outcome[0])
        if walk[-1] != scenario.state.packages[1].status:
            walk.append(scenario.state.packages[1].status)
    assert walk == ["initialized", "parsing", "parsing", "parsed", "distributing", "distributed"]
    assert _settled(scenario) == [ev.PackageDistributed(1, 4)]


def test_distributing_tells_the_rules_it_went_by() -> None:
    scenario = Scenario(rules(rule("a")), rules(rule("b")), roster("ann"), *package(_ROWS), REST)
    assert ev.PackageDistributing(1, 2) in scenario.events


def test_partly_distributed_with_the_reasons() -> None:
    scenario = Scenario(*_CAPPED)
    assert _settled(scenario) == [ev.PackageDistributed(1, 3, {"all_at_capacity": 1})]
    assert _counts(scenario.state.packages[1]) == ("partly_distributed", 4, 3, 1)


def test_every_reason_to_wait() -> None:
    written = [
        rule("claim", method="claim", when="task.priority == 1"),
        rule("manual", method="manual", when="task.priority == 2"),
        rule("cap", cap_per_agent=1, when="task.priority == 3"),
        rule("west", targets='agent.team == "west"', when="task.priority == 4"),
        rule("gone", targets='agent.id == "gone"', when="task.priority == 5"),
        rule("full", targets='agent.id == "full"', when="task.priority == 6"),
    ]
    people = roster("ann", agent("gone", presence="away"), agent("full", capacity=0))
    rows = [row(line, priority) for line, priority in enumerate((1, 2, 3, 3, 3, 4, 5, 6, 7))]
    scenario = Scenario(rules(*written), people, *package(rows), SetPresence("full", "available"), REST)
    assert _settled(scenario) == [
        ev.PackageDistributed(
            1,
            1,
            {
                "to_be_claimed": 1,
                "to_be_assigned": 1,
                "all_at_rule_cap": 2,
                "no_agent_within_targets": 1,
                "nobody_available": 1,
                "all_at_capacity": 1,
                "no_rule_governs": 1,
            },
        )
    ]


def test_the_rest_being_given_is_news() -> None:
    scenario = Scenario(*_CAPPED, roster("bob"), REST)
    assert _settled(scenario)[-1] == ev.PackageDistributed(1, 4)
    assert _counts(scenario.state.packages[1]) == ("distributed", 4, 4, 0)


def test_the_rest_being_claimed_is_news() -> None:
    scenario = Scenario(rules(rule(method="claim")), roster("ann"), *package(_ROWS[:1]), REST, ClaimTask("ann"), REST)
    assert _settled(scenario) == [ev.PackageDistributed(1, 0, {"to_be_claimed": 1}), ev.PackageDistributed(1, 1)]


def test_the_rest_being_assigned_by_hand_is_news() -> None:
    given: list[Step] = [rules(rule(method="manual")), roster("ann"), *package(_ROWS[:1]), REST]
    scenario = Scenario(*given, ReassignTask(1, "ann"), REST)
    assert _settled(scenario) == [ev.PackageDistributed(1, 0, {"to_be_assigned": 1}), ev.PackageDistributed(1, 1)]


def test_the_rest_being_cancelled_is_news() -> None:
    scenario = Scenario(*_CAPPED, CancelTask(4), REST)
    assert _settled(scenario)[-1] == ev.PackageDistributed(1, 3)
    assert _counts(scenario.state.packages[1]) == ("distributed", 4, 3, 0)


def test_news_that_a_restart_cut_off_is_told_after_it() -> None:
    assert Scenario(*_CAPPED, CancelTask(4), RESTART).rest() == [ev.PackageDistributed(1, 3)]


def test_an_empty_package() -> None:
    scenario = Scenario(rules(rule()), register(), StartParsing(1), FinishParsing(1, 0), REST)
    assert scenario.events[-2:] == [ev.PackageDistributing(1, 1), ev.PackageDistributed(1, 0)]


def test_a_package_of_rejected_rows_only() -> None:
    chunk = ImportRows(1, 0, (), (), (), (ev.RejectedRow(2, "", "torn", ""),))
    scenario = Scenario(rules(rule()), register(), StartParsing(1), chunk, FinishParsing(1, 1), REST)
    assert ev.PackageParsed(1, 0, 1) in scenario.events and scenario.state.packages[1].status == "distributed"


def test_a_package_larger_than_a_step() -> None:
    rows = [row(line) for line in range(ROUND + 7)]
    scenario = Scenario(rules(rule()), roster(agent("ann", capacity=ROUND + 3)), *package(rows), REST)
    assert _settled(scenario) == [ev.PackageDistributed(1, ROUND + 3, {"all_at_capacity": 4})]
    rounds = [event for event in scenario.events if isinstance(event, ev.TasksAllocated)]
    assert [(event.round, len(event.tasks)) for event in rounds] == [(1, ROUND), (2, 3)]


def test_rows_cancelled_before_they_are_pooled() -> None:
    scenario = Scenario(rules(rule()), *package(_ROWS), CancelTask(1), CancelTask(4), roster("ann"), REST)
    assert _counts(scenario.state.packages[1]) == ("distributed", 4, 2, 0)


def test_two_packages_share_a_pool() -> None:
    given: list[Step] = [
        rules(rule()),
        roster(agent("ann", capacity=3)),
        *package(_ROWS[:2]),
        *package(_ROWS[:2], 2),
        REST,
    ]
    scenario = Scenario(*given)
    assert [_counts(one) for one in scenario.state.packages.values()] == [
        ("distributed", 2, 2, 0),
        ("partly_distributed", 2, 1, 1),
    ]


def test_withdrawal_takes_back_all_but_what_is_in_progress() -> None:
    scenario = Scenario(*_CAPPED)
    grant = scenario.state.tasks[1].grant
    scenario.do(StartTask(1, "ann", grant))
    scenario.do(WithdrawPackage(1))
    swept = ev.TasksCancelled((2, 3, 4), ("ann", "ann", ""), "package 1 withdrawn", 1, 4)
    assert scenario.rest() == [swept]
    assert list(scenario.state.tasks) == [1] and scenario.state.agents["ann"].load == 1
    assert _counts(scenario.state.packages[1]) == ("withdrawn", 4, 3, 0)


def test_withdrawal_frees_capacity_for_others() -> None:
    scenario = Scenario(*_CAPPED, *package(_ROWS, 2), REST, WithdrawPackage(1), REST)
    assert scenario.state.packages[2].distributed == 3


def test_withdrawal_while_it_is_parsed() -> None:
    given: list[Step] = [rules(rule()), roster("ann"), register(), StartParsing(1), ImportRows(1, 0, (), tuple(_ROWS))]
    scenario = Scenario(*given, WithdrawPackage(1), REST)
    assert scenario.state.tasks == {}
    assert scenario.state.packages[1].swept_through == 4


def test_failure_takes_back_what_was_imported() -> None:
    given: list[Step] = [
        rules(rule()),
        register(),
        StartParsing(1),
        ImportRows(1, 0, (), tuple(_ROWS)),
        FailPackage(1, "torn"),
    ]
    scenario = Scenario(*given, REST)
    assert scenario.state.tasks == {}
    assert scenario.events[-1] == ev.TasksCancelled((1, 2, 3, 4), ("",) * 4, "package 1 failed", 1, 4)


def test_withdrawal_between_two_steps_of_distribution() -> None:
    rows = [row(line) for line in range(ROUND + 7)]
    scenario = Scenario(rules(rule()), roster("ann"), *package(rows))
    assert scenario.workspace.follow_up(scenario.now) is not None
    scenario.do(WithdrawPackage(1))
    scenario.rest()
    assert scenario.state.tasks == {} and scenario.state.packages[1].status == "withdrawn"
