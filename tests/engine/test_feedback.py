"""The requester's opinion of completed work: satisfied, unsatisfied, or silence."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine import events as ev
from engine.commands import (
    AcceptOffer,
    ApplyRules,
    CompleteTask,
    GiveFeedback,
    ReassignTask,
    RejectOffer,
    SetPresence,
    StartTask,
    WithdrawPackage,
)
from engine.explain import Explanation, explain
from engine.rules.model import DEFAULT_AUTO_CLOSE_MS
from engine.simulation import Simulation
from tests.engine.given import agent, document, package, roster, row, rule, rules, task
from tests.engine.scenario import DUE, MINUTE, NOW, REST, RESTART, After, Refused, Scenario, Step, expect, holders

_HOUR = 60 * MINUTE
_TWO = roster("ann", "bob")
SATISFIED, UNSATISFIED = GiveFeedback(1, True, 5, "quick"), GiveFeedback(1, False, 1, "still broken")


def _ruled(method: str = "push", **feedback: Any) -> Step:
    return rules(rule(method=method, feedback={"auto_close_after": "72h", **feedback}))


def _done(*first: Step, **feedback: Any) -> Scenario:
    """Ann, then the only one, has completed task 1."""
    scenario = Scenario(_ruled(**feedback), roster("ann"), task(priority=50), REST, _TWO, REST, *first)
    complete(scenario)
    return scenario


def complete(scenario: Scenario, number: int = 1) -> None:
    """By whoever holds it."""
    held = scenario.state.tasks[number]
    scenario.do(StartTask(number, held.agent or "", held.grant))
    scenario.do(CompleteTask(number, held.agent or "", held.grant))


def _explained(scenario: Scenario) -> Explanation:
    told = explain(lambda: scenario.log, "bank", 1)
    assert isinstance(told, Explanation)
    return told


def test_without_feedback_a_completed_task_is_over() -> None:
    scenario = Scenario(rules(rule()), roster("ann"), task(), REST)
    complete(scenario)
    assert scenario.state.tasks == {} and scenario.do(SATISFIED) == Refused("precondition", "TASK_ENDED")


def test_completed_work_waits_for_an_opinion_in_nobodys_hands() -> None:
    scenario = _done()
    held, ann = scenario.state.tasks[1], scenario.state.agents["ann"]
    assert (held.status, held.agent, held.grant, held.marks.done_by) == ("completed", None, 0, "ann")
    assert (ann.load, ann.tasks, ann.load_by_rule) == (0, set(), {})
    assert scenario.state.timers.entries() == [(NOW + 72 * _HOUR, "close", 1)]


def test_who_is_satisfied_closes_it() -> None:
    told = _done().do(SATISFIED)
    assert told == [ev.FeedbackGiven(1, "ann", True, 5, "quick"), ev.TasksClosed((1,), "satisfied")]


def test_silence_closes_many_at_once() -> None:
    given: list[Step] = [_ruled(), roster(agent("ann", capacity=3)), task(), task(), task(), REST]
    scenario = Scenario(*given)
    for number in (1, 2, 3):
        complete(scenario, number)
    scenario.do(After(72 * _HOUR - 1))
    assert scenario.do(DUE) == []
    scenario.do(After(1))
    assert scenario.do(DUE) == [ev.TasksClosed((1, 2, 3), "silence")]
    assert scenario.state.tasks == {} and scenario.state.timers.entries() == []


def test_without_a_time_it_is_closed_after_a_week() -> None:
    scenario = Scenario(rules(rule(feedback={"reopen_limit": 1})), roster("ann"), task(), REST)
    complete(scenario)
    assert scenario.state.timers.next_due() == NOW + DEFAULT_AUTO_CLOSE_MS


def test_reopened_work_goes_straight_back_to_who_completed_it_more_urgent() -> None:
    scenario = _done(raise_priority=20)
    told = scenario.do(UNSATISFIED)
    assert told == [
        ev.FeedbackGiven(1, "ann", False, 1, "still broken"),
        ev.TaskReopened(1, "ann", 70, "unsatisfied", "same", "ann"),
        ev.TaskReassigned(1, "ann", "", "r", 1, "still broken", again=True),
    ]
    assert holders(scenario) == {1: "ann"} and scenario.state.tasks[1].status == "assigned"
    assert _explained(scenario).summary == (
        "Task 1 was reopened and went straight back to ann, who had completed it, because: still broken."
    )
    assert _explained(scenario).confirmed


def test_also_where_agents_claim() -> None:
    scenario = Scenario(_ruled("manual"), roster("ann"), task(), ReassignTask(1, "ann"))
    complete(scenario)
    scenario.do(UNSATISFIED)
    assert holders(scenario) == {1: "ann"}


def test_where_work_is_offered_he_has_it_at_once_or_is_asked_first() -> None:
    offered = rules(rule(method="offer", offer={"accept_within": "5m"}, feedback={"reopen_limit": 3}))
    scenario = Scenario(offered, roster("ann"), task(), REST, AcceptOffer(1, "ann", 5), _TWO, REST)
    complete(scenario)
    scenario.do(UNSATISFIED)
    assert holders(scenario) == {1: "ann"} and scenario.state.tasks[1].status == "assigned"
    complete(scenario)
    scenario.do(SetPresence("bob", "away"))
    scenario.do(SetPresence("ann", "away"))
    scenario.do(UNSATISFIED)
    scenario.do(SetPresence("bob", "available"))
    scenario.do(SetPresence("ann", "available"))
    scenario.do(REST)
    held = scenario.state.tasks[1]
    assert (held.agent, held.status, held.marks.wanted_back) == ("ann", "offered", False)
    scenario.do(RejectOffer(1, "ann", held.grant))
    scenario.do(REST)
    assert holders(scenario) == {1: "bob"}


@pytest.mark.parametrize(
    ("meanwhile", "kept_from"),
    [
        (SetPresence("ann", "away"), "away"),
        (roster(agent("ann", capacity=0)), "at capacity"),
        (roster("bob", prune=True), "not in the roster"),
        (roster(agent("ann", team="west")), "outside the targets"),
        (rules(rule("s", targets="true")), "under another rule now"),
    ],
)
def test_where_he_cannot_have_it_another_gets_it_and_it_is_said_why(meanwhile: Step, kept_from: str) -> None:
    feedback = {"raise_priority": 20}
    scenario = Scenario(rules(rule(targets='agent.team == "east"', feedback=feedback)), roster("ann"), task(), REST)
    complete(scenario)
    scenario.do(_TWO)
    scenario.do(meanwhile)
    told = scenario.do(UNSATISFIED)
    assert told[1] == ev.TaskReopened(1, "ann", 20, "unsatisfied", "same", "", kept_from)
    scenario.do(REST)
    explained = _explained(scenario)
    if kept_from == "under another rule now":
        assert explained.agent == "ann" and explained.picked_by == "reopened"
    else:
        assert explained.agent == "bob" and explained.passed == (f"reopened: {kept_from}",)
    assert explained.confirmed and not scenario.state.tasks[1].marks.wanted_back


def test_what_has_to_wait_is_given_to_him_before_any_strategy() -> None:
    scenario = _done(SetPresence("bob", "away"))
    scenario.do(SetPresence("ann", "away"))
    scenario.do(UNSATISFIED)
    scenario.do(REST)
    assert "ann, who had completed it, is to have it back" in _explained(scenario).summary
    scenario.do(SetPresence("bob", "available"))
    scenario.do(SetPresence("ann", "available"))
    scenario.do(REST)
    explained = _explained(scenario)
    assert (explained.agent, explained.picked_by, explained.confirmed) == ("ann", "reopened", True)
    verdicts = {one.agent: one.reason for one in explained.agents}
    assert verdicts["bob"] == "ann had completed it and has it back"


def test_his_cap_holds_for_what_comes_back() -> None:
    capped = rules(rule(cap_per_agent=1, feedback={"reopen_limit": 3}))
    scenario = Scenario(capped, roster("ann"), task(), REST)
    complete(scenario)
    scenario.do(task())
    scenario.do(REST)
    told = scenario.do(UNSATISFIED)
    assert told[1].kept_from == "at rule cap" and holders(scenario) == {1: None, 2: "ann"}


def test_a_rule_may_want_another_agent() -> None:
    scenario = _done(reopen_to="other")
    told = scenario.do(UNSATISFIED)
    assert told[1:] == [
        ev.TaskReopened(1, "ann", 50, "unsatisfied", "other"),
        ev.TasksPooled(1, (ev.Placement("r", (1,)),)),
    ]
    scenario.do(REST)
    assert holders(scenario) == {1: "bob"} and _explained(scenario).confirmed


def test_another_agent_is_wanted_of_the_owner_too() -> None:
    given = [rules(rule(strategy=["owner"], feedback={"reopen_to": "other"})), roster("ann"), task(owner="ann"), REST]
    scenario = Scenario(*given, _TWO)
    complete(scenario)
    scenario.do(UNSATISFIED)
    scenario.do(REST)
    explained = _explained(scenario)
    assert (explained.agent, explained.passed) == ("bob", ("owner: had completed it",))
    assert {one.agent: one.reason for one in explained.agents}["ann"] == "had completed it; others come first"


def test_priority_ends_at_a_hundred() -> None:
    scenario = _done(raise_priority=60)
    assert scenario.do(UNSATISFIED)[1].priority == 100


def test_a_rule_may_close_it_all_the_same() -> None:
    assert _done(unsatisfied="close").do(UNSATISFIED)[1:] == [ev.TasksClosed((1,), "unsatisfied")]


def test_at_the_limit_a_supervisor_is_told_and_gives_it_to_somebody() -> None:
    scenario = _done(reopen_limit=1)
    scenario.do(UNSATISFIED)
    complete(scenario)
    told = scenario.do(UNSATISFIED)
    assert told == [
        ev.FeedbackGiven(1, "ann", False, 1, "still broken", NOW + 72 * _HOUR),
        ev.TasksEscalated((1,), "reopen_limit"),
    ]
    assert scenario.do(SATISFIED) == Refused("precondition", "FEEDBACK_GIVEN")
    assert scenario.do(ReassignTask(1, "bob", 999)) == Refused("precondition", "TASK_COMPLETED")
    told = scenario.do(ReassignTask(1, "bob", reason="you do it"))
    assert told == [
        ev.TaskReopened(1, "ann", 50, "supervisor", to_agent="bob"),
        ev.TaskReassigned(1, "bob", "", "r", 1, "you do it", again=True),
    ]
    assert scenario.state.tasks[1].marks.reopened == 1 and scenario.state.timers.entries() == []
    assert _explained(scenario).summary == "op gave task 1, which ann had completed, to bob, because: you do it."
    complete(scenario)
    assert scenario.do(UNSATISFIED)[1:] == [ev.TasksEscalated((1,), "reopen_limit")]


def test_a_rule_may_want_a_supervisor_at_once_and_what_he_leaves_is_closed() -> None:
    scenario = _done(unsatisfied="escalate")
    scenario.do(After(_HOUR))
    assert scenario.do(UNSATISFIED)[1:] == [ev.TasksEscalated((1,), "unsatisfied")]
    scenario.do(After(72 * _HOUR - 1))
    assert scenario.do(DUE) == []
    scenario.do(After(1))
    assert scenario.do(DUE) == [ev.TasksClosed((1,), "unattended")] and scenario.state.tasks == {}


def test_a_supervisor_keeps_to_capacity() -> None:
    scenario = _done(roster(agent("bob", capacity=0)), unsatisfied="escalate")
    scenario.do(UNSATISFIED)
    assert scenario.do(ReassignTask(1, "bob")) == Refused("precondition", "AGENT_AT_CAPACITY")


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (GiveFeedback(1, True, 6), "SCORE_INVALID"),
        (GiveFeedback(1, True, -1), "SCORE_INVALID"),
        (GiveFeedback(2, True), "TASK_UNKNOWN"),
        (GiveFeedback(1, True), "NOT_COMPLETED"),
    ],
)
def test_refused(asked: GiveFeedback, reason: str) -> None:
    told = Scenario(_ruled(), roster("ann"), task(), REST).do(asked)
    assert isinstance(told, Refused) and told.reason == reason


def test_the_clock_runs_on_while_the_requester_thinks() -> None:
    sla = {"sla": {"resolve_within": "2h"}, "escalation": [{"at": "resolve_within", "mark_overdue": True}]}
    scenario = Scenario(rules(rule(feedback={"auto_close_after": "72h"}, **sla)), roster("ann"), task(), REST)
    complete(scenario)
    assert scenario.log[-1].event.resolve_by == NOW + 2 * _HOUR
    scenario.do(After(3 * _HOUR))
    assert scenario.do(DUE) == [], "nothing escalates while it is completed"
    scenario.do(UNSATISFIED)
    told = scenario.do(DUE)
    assert isinstance(told[0], ev.EscalationStepTaken) and scenario.state.tasks[1].marks.overdue
    complete(scenario)
    assert scenario.log[-1].event.resolve_by == NOW + 2 * _HOUR and scenario.log[-1].at > NOW + 2 * _HOUR


def test_who_completed_it_may_leave_without_hindrance() -> None:
    scenario = _done()
    scenario.do(SetPresence("ann", "offline"))
    told = scenario.do(roster("bob", prune=True))
    assert told == [ev.AgentsRemoved(("ann",))] and scenario.state.tasks[1].status == "completed"


def test_a_withdrawal_leaves_completed_rows_alone_and_figures_stay_right() -> None:
    scenario = Scenario(_ruled(), roster(agent("ann", capacity=9)), *package([row(2), row(3)]), REST)
    complete(scenario)
    told = scenario.do(WithdrawPackage(1))
    assert told == [ev.PackageWithdrawn(1)]
    scenario.do(REST)
    assert list(scenario.state.tasks) == [1]
    scenario.do(UNSATISFIED)
    assert holders(scenario) == {1: "ann"}
    assert (scenario.state.packages[1].distributed, scenario.state.packages[1].waiting) == (2, 0)


def test_a_lock_and_a_recycling_time_end_with_the_completion_and_begin_anew() -> None:
    ruled = rules(rule(recycle_after="10m", feedback={"auto_close_after": "72h"}))
    scenario = Scenario(ruled, roster("ann"), task(), REST)
    complete(scenario)
    assert [kind for _, kind, _ in scenario.state.timers.entries()] == ["close"]
    scenario.do(UNSATISFIED)
    assert scenario.state.timers.entries() == [(NOW + 10 * MINUTE, "recycle", 1)]


def test_all_of_it_survives_a_restart() -> None:
    scenario = _done(reopen_limit=1)
    scenario.do(UNSATISFIED)
    complete(scenario)
    scenario.do(UNSATISFIED)
    before = (repr(scenario.state.tasks), scenario.state.timers.entries())
    scenario.do(RESTART)
    scenario.do(REST)
    assert (repr(scenario.state.tasks), scenario.state.timers.entries()) == before


def test_types_may_ask_too() -> None:
    written = json.loads(document(rule())) | {"task_types": {"call": {"feedback": {"unsatisfied": "close"}}}}
    typed = ApplyRules(json.dumps(written))
    scenario = expect([typed, roster("ann"), task(), REST], StartTask(1, "ann", 5), [ev.TaskStarted(1, "ann", 5)])
    complete(scenario)
    assert scenario.state.tasks[1].status == "completed"


# --- what if ----------------------------------------------------------------------------------------------------------


def _again(scenario: Scenario, **fields: Any) -> tuple[dict[str, int], dict[str, int]]:
    """Assignments by agent under other rules, and what was refused there."""
    simulation = Simulation("bank", document(rule(**fields)))
    assert simulation.begin() is None
    for recorded in scenario.log:
        simulation.feed(recorded)
    report = simulation.report()
    return report.agents_after, report.refused


def test_what_follows_from_an_opinion_is_decided_anew_under_other_rules() -> None:
    scenario = _done()
    scenario.do(UNSATISFIED)
    assert _again(scenario, feedback={"auto_close_after": "72h"}) == ({"ann": 2}, {})
    assert _again(scenario, feedback={"reopen_to": "other"}) == ({"ann": 1, "bob": 1}, {})
    assert _again(scenario, feedback={"unsatisfied": "close"}) == ({"ann": 1}, {})
    assert _again(scenario) == ({"ann": 1}, {"TASK_ENDED": 1})


def test_what_a_supervisor_took_up_is_taken_up_there_too() -> None:
    scenario = _done(unsatisfied="escalate")
    scenario.do(UNSATISFIED)
    scenario.do(ReassignTask(1, "bob"))
    assert _again(scenario, feedback={"unsatisfied": "escalate"}) == ({"ann": 1, "bob": 1}, {})
