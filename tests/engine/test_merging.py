"""Duplicates end in the one task that goes on for all of them; remarks change nothing."""

from __future__ import annotations

import pytest

from engine import events as ev
from engine.commands import (
    CommentTask,
    FinishParsing,
    Held,
    ImportRows,
    LockTask,
    MergeTasks,
    ReprioritiseTask,
    StartParsing,
    StartTask,
)
from engine.decide.merging import MAX_DUPLICATES
from engine.decide.supervising import MAX_COMMENT
from engine.explain import explain
from tests.engine.given import register, roster, row, rule, rules, task
from tests.engine.scenario import REST, Refused, Scenario

HOUR = 3_600_000
_NOBODY = 'agent.team == "nobody"'
_LIMITED = {"sla": {"resolve_within": "10h"}, "escalation": [{"at": "resolve_within", "mark_overdue": True}]}


def _waiting(*duplicates: int) -> tuple[Held, ...]:
    return tuple(Held(number, 0) for number in duplicates)


def test_the_survivor_takes_the_highest_priority_and_its_own_limits() -> None:
    scenario = Scenario(rules(rule(method="claim", **_LIMITED)), task(), task(), task(), REST)
    scenario.do(ReprioritiseTask(2, 70))
    limits = scenario.state.tasks[3].terms
    told = scenario.do(MergeTasks(_waiting(1, 2), 3, "one call"))
    assert told == [ev.TasksMerged(3, (1, 2), ("", ""), 70, 0, "", "one call")]
    survivor = scenario.state.tasks[3]
    assert (list(scenario.state.tasks), survivor.priority, survivor.terms) == ([3], 70, limits)
    assert [number for _, _, number in scenario.state.timers.entries()] == [3]


def test_a_more_urgent_survivor_keeps_its_priority() -> None:
    scenario = Scenario(rules(rule(method="claim")), task(), task(), REST, ReprioritiseTask(1, 9))
    assert scenario.do(MergeTasks(_waiting(2), 1)) == [ev.TasksMerged(1, (2,), ("",), 9, 9)]


def test_it_goes_to_the_pool_of_the_rule_that_governs_it_now() -> None:
    urgent = rule("urgent", when="task.priority >= 50", precedence=9, method="claim")
    scenario = Scenario(rules(urgent, rule(method="manual")), task(), task(), REST)
    scenario.do(ReprioritiseTask(1, 50))
    told = scenario.do(MergeTasks(_waiting(1), 2))
    assert told[1:] == [ev.TasksPooled(1, (ev.Placement("urgent", (2,)),))]
    assert list(scenario.state.lanes) == [("urgent", 0, ())] and list(
        scenario.state.lanes["urgent", 0, ()].numbers()
    ) == [2]


def test_whoever_held_a_duplicate_is_free_for_what_waits() -> None:
    """Also begun and locked work: a supervisor may merge what he may cancel."""
    scenario = Scenario(rules(rule(recycle_after="1h")), roster(ev.AgentSpec("ann", capacity=1)), task(), task(), REST)
    grant = scenario.state.tasks[1].grant
    scenario.do(StartTask(1, "ann", grant))
    scenario.do(LockTask(1, "ann", grant, HOUR))
    told = scenario.do(MergeTasks((Held(1, grant),), 2))
    assert told == [ev.TasksMerged(2, (1,), ("ann",), 0, 0)]
    scenario.do(REST)
    assert (scenario.state.tasks[2].agent, scenario.state.agents["ann"].tasks) == ("ann", {2})
    assert [kind for _, kind, _ in scenario.state.timers.entries()] == ["recycle"]


def test_a_held_survivor_stays_where_it_is() -> None:
    scenario = Scenario(rules(rule()), roster("ann"), task(), REST)
    grant = scenario.state.tasks[1].grant
    scenario.do(task("mail"))
    scenario.do(ReprioritiseTask(2, 40))
    assert scenario.do(MergeTasks(_waiting(2), 1)) == [ev.TasksMerged(1, (2,), ("",), 40, 0, "ann")]
    held = scenario.state.tasks[1]
    assert (held.agent, held.grant, held.priority) == ("ann", grant, 40)


def test_a_package_settles_without_its_merged_rows() -> None:
    rows = [register(), StartParsing(1), ImportRows(1, 0, (), (row(2), row(3), row(4)))]
    scenario = Scenario(rules(rule(targets=_NOBODY)), roster("ann"), *rows)
    assert scenario.do(MergeTasks(_waiting(3), 1))[0].packages == (1,)
    scenario.do(FinishParsing(1, 1))
    scenario.do(REST)
    package = scenario.state.packages[1]
    assert (package.status, package.waiting) == ("partly_distributed", 2)
    scenario.do(task("mail"))
    scenario.do(MergeTasks(_waiting(1, 2), 4))
    scenario.do(REST)
    assert (package.status, package.waiting, package.distributed) == ("distributed", 0, 0)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (MergeTasks((), 1), Refused("invalid", "MERGE_INVALID")),
        (MergeTasks(_waiting(*range(2, MAX_DUPLICATES + 3)), 1), Refused("invalid", "MERGE_INVALID")),
        (MergeTasks(_waiting(2, 2), 1), Refused("invalid", "MERGE_INVALID")),
        (MergeTasks(_waiting(1, 2), 1), Refused("invalid", "MERGE_INVALID")),
        (MergeTasks(_waiting(2, 9), 1), Refused("not_found", "TASK_UNKNOWN")),
        (MergeTasks(_waiting(2), 9), Refused("not_found", "TASK_UNKNOWN")),
        (MergeTasks((Held(2, 0), Held(3, 7)), 1), Refused("stale", "STALE_GRANT")),
        (MergeTasks(_waiting(2, 4), 1), Refused("precondition", "TASK_ENDED")),
        (MergeTasks(_waiting(2), 4), Refused("precondition", "TASK_ENDED")),
    ],
)
def test_all_or_none(asked: MergeTasks, expected: Refused) -> None:
    scenario = Scenario(rules(rule(method="claim")), task(), task(), task(), task(), REST, MergeTasks(_waiting(4), 1))
    assert scenario.do(asked) == expected and list(scenario.state.tasks) == [1, 2, 3]


def test_a_remark_is_kept_and_changes_nothing() -> None:
    scenario = Scenario(rules(rule()), roster("ann"), task(), REST)
    before = repr(scenario.state.tasks)
    assert scenario.do(CommentTask(1, "he called")) == [ev.TaskCommented(1, "he called", "ann")]
    assert repr(scenario.state.tasks) == before


@pytest.mark.parametrize("text", ["", " \n", "x" * (MAX_COMMENT + 1)])
def test_a_remark_says_something_and_not_too_much(text: str) -> None:
    scenario = Scenario(rules(rule()), task(), REST)
    assert scenario.do(CommentTask(1, text)) == Refused("invalid", "COMMENT_INVALID")


def test_both_sides_are_explained() -> None:
    scenario = Scenario(rules(rule(method="claim")), task(), task(), REST)
    scenario.do(ReprioritiseTask(1, 5, reason="the mayor calls"))
    scenario.do(CommentTask(2, "he called"))
    scenario.do(MergeTasks(_waiting(1), 2, "one call"))
    ended, goes_on = (explain(lambda: scenario.log, "bank", number) for number in (1, 2))
    assert ended.summary == "Task 1 was merged into task 2 before anybody had it."
    assert [told.split(" ", 1)[1] for told in ended.interventions] == [
        "changed its priority from 0 to 5, because: the mayor calls (position 6)",
        "merged it into task 2, because: one call (position 8)",
    ]
    assert [told.split(" ", 1)[1] for told in goes_on.interventions] == [
        "said: he called (position 7)",
        "merged task 1 into it, which raised its priority from 0 to 5, because: one call (position 8)",
    ]
