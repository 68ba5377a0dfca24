"""Whoever is asked before people are, and whoever is told how work ended: what is decided of it."""

from __future__ import annotations

from typing import Any

import pytest

from engine import events as ev
from engine.commands import CancelTask, ClaimTask, CompleteTask, CreateTasks, FinishCallback, FinishDelivery, StartTask
from engine.decide.arriving import GRACE_MS
from engine.decide.calls import DELIVERY_GRACE_MS, UNREPORTED
from engine.events import Delivery
from engine.rules.model import Callback, Channel
from tests.engine.given import package, roster, row, rule, rules, task
from tests.engine.scenario import DUE, MINUTE, NOW, REST, RESTART, UNCHANGED, After, Refused, Scenario, Step, expect

ASK = {"url": "https://checks/ask", "timeout": "5s", "attempts": 3, "backoff": "1s", "secret": "checks"}
TELL = {"subject": "crm.results"}
ASKED = Callback("https://checks/ask", None, "checks", 5_000, 3, 1_000)
TOLD = Channel(None, "crm.results")
DUE_IN = 3 * 5_000 + 1_000 + 2_000 + GRACE_MS
TO_TELL = Delivery(TOLD, NOW + TOLD.patience_ms + DELIVERY_GRACE_MS)
STALE = Refused("stale", "STALE_CALL")


def ruled(**kind: Any) -> Step:
    """Tasks of type ``call`` are claimed; ``kind`` is what holds for them."""
    return rules(rule(method="claim"), task_types={"call": kind})


def asking(*steps: Step, **kind: Any) -> list[Step]:
    """Task 1 is being asked about, by event 4."""
    return [ruled(callback=ASK, **kind), roster("ann"), task(), *steps]


def test_whoever_is_outside_is_asked_before_the_task_enters_a_pool() -> None:
    scenario = expect([ruled(callback=ASK), roster("ann")], task(), [
        ev.TaskCreated(1, "call", "loan", (), ev.TaskRow(0, None, None, None, 0, ())),
        ev.CallbacksStarted((1,), ASKED, NOW + DUE_IN),
    ])  # fmt: skip
    assert scenario.state.tasks[1].status == "calling" and not scenario.state.lanes
    assert scenario.rest() == []


def test_a_batch_is_parted_into_those_to_ask_about_and_those_for_the_pool() -> None:
    scenario = Scenario(ruled(callback=ASK), roster("ann"))
    told = scenario.do(CreateTasks((task(), task("mail"), task())))
    assert isinstance(told, list)
    assert [type(event) for event in told[3:]] == [ev.CallbacksStarted, ev.TasksPooled]
    assert told[3].tasks == (1, 3) and told[4].placements[0].tasks == (2,)


def test_success_closes_the_task_without_a_human_and_the_requester_is_to_be_told() -> None:
    scenario = expect(
        asking(feedback_channel=TELL), FinishCallback(1, 4, "succeeded", {"balance": "12"}, attempts=2),
        [ev.CallbackSucceeded(1, 4, {"balance": "12"}, 2, deliver=TO_TELL)],
    )  # fmt: skip
    assert not scenario.state.tasks and not scenario.state.calls.callbacks
    call = scenario.state.calls.results[5]
    assert call.to == TOLD and call.result is not None and call.key("bank") == "bank-1-5"
    assert (call.result.agent, call.result.fields) == ("", {"balance": "12"})


@pytest.mark.parametrize("outcome", ["declined", "failed"])
def test_failure_puts_it_into_the_pool_with_that_in_its_history(outcome: Any) -> None:
    scenario = expect(asking(), FinishCallback(1, 4, outcome, reason="HTTP 503", attempts=3), [
        ev.CallbacksFailed((1,), outcome, "HTTP 503", 3),
        ev.TasksPooled(1, (ev.Placement("r", (1,)),)),
    ])  # fmt: skip
    assert scenario.state.tasks[1].status == "pooled" and not scenario.state.timers.entries()
    assert scenario.do(ClaimTask("ann", 1)) != UNCHANGED


def test_what_nobody_reports_goes_to_people_when_its_time_is_over() -> None:
    scenario = Scenario(*asking(After(DUE_IN - 1)))
    assert scenario.do(DUE) == []
    assert scenario.do(After(1)) and scenario.do(DUE) == [
        ev.CallbacksFailed((1,), "unreported", UNREPORTED),
        ev.TasksPooled(1, (ev.Placement("r", (1,)),)),
    ]
    assert scenario.do(FinishCallback(1, 4, "succeeded")) == STALE


def test_a_second_report_is_stale() -> None:
    for first in (FinishCallback(1, 4, "succeeded"), FinishCallback(1, 4, "failed")):
        expect(asking(first), FinishCallback(1, 4, "succeeded", {"balance": "12"}), STALE)
    expect(asking(), FinishCallback(1, 3, "succeeded"), STALE)
    expect(asking(), FinishCallback(2, 4, "succeeded"), Refused("not_found", "TASK_UNKNOWN"))


def test_a_late_answer_is_on_record_in_the_tasks_history() -> None:
    scenario = Scenario(*asking(FinishCallback(1, 4, "failed")))
    scenario.answer(FinishCallback(1, 4, "succeeded"), "late")
    refused = scenario.events[-1]
    assert isinstance(refused, ev.CommandRefused) and (refused.task, refused.reason) == (1, "STALE_CALL")


def test_cancelled_while_asked_about_it_is_over() -> None:
    scenario = expect(asking(), CancelTask(1, 0, "wrong"), [ev.TasksCancelled((1,), ("",), "wrong", calling=(1,))])
    assert not scenario.state.calls.callbacks and not scenario.state.timers.entries()
    assert scenario.do(FinishCallback(1, 4, "succeeded")) == STALE


def test_new_rules_leave_the_call_as_it_was_decided() -> None:
    scenario = Scenario(*asking(ruled(callback={"url": "https://other/ask"}), REST))
    assert scenario.state.tasks[1].status == "calling"
    assert scenario.state.calls.callbacks[1].to == ASKED
    scenario.do(rules(rule(method="manual"), task_types={}))
    scenario.do(REST)
    assert scenario.state.tasks[1].status == "calling"
    scenario.do(FinishCallback(1, 4, "failed"))
    assert scenario.state.tasks[1].version == 3, "it goes where the rules in force want it"


def test_a_restart_knows_every_call() -> None:
    before = Scenario(*asking(feedback_channel=TELL))
    after = Scenario(*asking(RESTART, feedback_channel=TELL))
    assert after.state.calls == before.state.calls
    assert after.do(FinishCallback(1, 4, "succeeded")) == [ev.CallbackSucceeded(1, 4, deliver=TO_TELL)]


LIMITED: dict[str, Any] = {"sla": {"respond_within": "1m", "resolve_within": "2m"}, "escalation": [
    {"at": "resolve_within", "mark_overdue": True}]}  # fmt: skip


def test_time_limits_count_from_creation_while_somebody_is_asked() -> None:
    scenario = Scenario(*asking(After(MINUTE // 2), **LIMITED))
    done = scenario.do(FinishCallback(1, 4, "succeeded"))
    assert done == [ev.CallbackSucceeded(1, 4, respond_by=NOW + MINUTE, resolve_by=NOW + 2 * MINUTE)]
    scenario = Scenario(*asking(After(MINUTE // 2), **LIMITED))
    failed = scenario.do(FinishCallback(1, 4, "failed"))
    assert isinstance(failed, list) and isinstance(failed[-1], ev.DeadlinesSet)
    assert (failed[-1].respond_by, failed[-1].resolve_by) == (NOW + MINUTE, NOW + 2 * MINUTE)


def test_steps_that_fell_due_meanwhile_happen_once_it_is_pooled() -> None:
    scenario = Scenario(*asking(After(DUE_IN), DUE, **LIMITED))
    assert scenario.do(After(0)) and scenario.state.tasks[1].status == "pooled"
    scenario.do(DUE)
    assert [type(event).__name__ for event in scenario.events].count("EscalationStepTaken") == 1


def test_rows_of_a_package_are_asked_about_too() -> None:
    scenario = Scenario(ruled(callback=ASK), roster("ann"), *package([row(2), row(3), row(4)]), REST)
    assert scenario.state.packages[1].calling == 3 and not scenario.state.lanes
    settled = [event for event in scenario.events if isinstance(event, ev.PackageDistributed)]
    assert settled == [ev.PackageDistributed(1, 0, {"calling": 3})]
    started = next(call.made for call in scenario.state.calls.callbacks.values())
    scenario.do(FinishCallback(1, started, "succeeded"))
    scenario.do(FinishCallback(2, started, "failed"))
    scenario.do(FinishCallback(3, started, "declined"))
    scenario.do(ClaimTask("ann", 2))
    scenario.do(ClaimTask("ann", 3))
    scenario.do(REST)
    package_ = scenario.state.packages[1]
    assert (package_.status, package_.calling, package_.distributed, package_.waiting) == ("distributed", 0, 2, 0)


# --- telling how it ended ------------------------------------------------------------------------------------------------


def done(**kind: Any) -> list[Step]:
    """Task 1 was completed by Ann with event 7."""
    return [
        ruled(**kind), roster("ann"), task(), ClaimTask("ann", 1), StartTask(1, "ann", 5),
        CompleteTask(1, "ann", 5, {"note": "paid"}),
    ]  # fmt: skip


def test_the_result_is_to_be_told_to_the_channel_of_the_type() -> None:
    scenario = Scenario(*done(feedback_channel=TELL))
    assert scenario.events[-1] == ev.TaskCompleted(1, "ann", 5, {"note": "paid"}, deliver=TO_TELL)
    call = scenario.state.calls.results[7]
    assert call.result is not None and (call.result.agent, call.result.fields) == ("ann", {"note": "paid"})
    assert not Scenario(*done()).state.calls.results


def test_that_it_was_told_or_given_up_is_on_record() -> None:
    told = expect(done(feedback_channel=TELL), FinishDelivery(1, 7, True, "", 2), [ev.ResultDelivered(1, 7, 2)])
    assert not told.state.calls.results and not told.state.timers.entries()
    assert told.do(FinishDelivery(1, 7, True)) == STALE
    expect(done(feedback_channel=TELL), FinishDelivery(1, 7, False, "HTTP 410", 1), [
        ev.ResultUndelivered(1, 7, "HTTP 410", 1)
    ])  # fmt: skip
    expect(done(feedback_channel=TELL), FinishDelivery(2, 7, True), STALE)


def test_a_result_that_nobody_reports_on_is_given_up_after_a_day() -> None:
    scenario = Scenario(*done(feedback_channel=TELL), After(TO_TELL.due - NOW - 1))
    assert scenario.do(DUE) == []
    scenario.do(After(1))
    assert scenario.do(DUE) == [ev.ResultUndelivered(1, 7, UNREPORTED)]
    assert not scenario.state.calls.results
