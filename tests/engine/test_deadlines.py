"""Time limits and the escalation on the way to them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine import events as ev
from engine.commands import ApplyRules, CompleteTask, HandOverTasks, Held, LockTask, StartTask
from tests.engine.given import ATTRIBUTES, agent, package, roster, row, rule, rules, task
from tests.engine.scenario import DUE, MINUTE, NOW, REST, RESTART, After, Refused, Scenario, Step, holders

HOUR = 60 * MINUTE
_SLA = {"respond_within": "30m", "resolve_within": "2h"}


def _typed(kind: dict[str, Any], *written: dict[str, Any], **more: Any) -> ApplyRules:
    """A document whose type ``call`` is this."""
    known = {"workspace": "bank", "attributes": ATTRIBUTES, "task_types": {"call": kind}, "rules": list(written)}
    return ApplyRules(json.dumps(known | more))


def _escalating(*steps: dict[str, Any], **fields: Any) -> ApplyRules:
    return rules(rule(sla=_SLA, escalation=list(steps), **fields))


def _limits(scenario: Scenario) -> list[ev.DeadlinesSet]:
    return [event for event in scenario.events if isinstance(event, ev.DeadlinesSet)]


def _steps(scenario: Scenario) -> list[tuple[int, tuple[int, ...]]]:
    return [(event.place, event.tasks) for event in scenario.events if isinstance(event, ev.EscalationStepTaken)]


def test_limits_count_from_creation() -> None:
    assert _limits(Scenario(rules(rule(sla=_SLA)), task())) == [ev.DeadlinesSet((1,), NOW + HOUR // 2, NOW + 2 * HOUR)]


def test_a_rules_own_limits_go_before_its_types() -> None:
    scenario = Scenario(_typed({"sla": _SLA}, rule(sla={"resolve_within": "1h"})), task())
    assert _limits(scenario) == [ev.DeadlinesSet((1,), 0, NOW + HOUR)]
    scenario = Scenario(_typed({"sla": _SLA}), task())
    assert _limits(scenario) == [ev.DeadlinesSet((1,), NOW + HOUR // 2, NOW + 2 * HOUR)], "under no rule"


def test_limits_are_counted_in_the_types_calendar() -> None:
    office = {"time_zone": "UTC", "hours": {"mon-fri": "09:00-17:00"}}
    kind = {"sla": {"resolve_within": "2h"}, "calendar": "office"}
    scenario = Scenario(_typed(kind, rule(), calendars={"office": office}), task())
    assert NOW == 1_700_000_000_000, "Tuesday 2023-11-14, 22:13:20 in UTC"
    wednesday_at_eleven = 1_700_046_000_000
    assert _limits(scenario) == [ev.DeadlinesSet((1,), 0, wednesday_at_eleven)]


def test_rows_that_came_together_have_their_limits_in_one_event() -> None:
    scenario = Scenario(rules(rule(sla=_SLA)), *package([row(2), row(3), row(4)]), REST)
    assert [event.tasks for event in _limits(scenario)] == [(1, 2, 3)]
    assert scenario.state.tasks[1].terms is scenario.state.tasks[3].terms


def test_rules_without_limits_say_nothing_of_them() -> None:
    assert _limits(Scenario(rules(rule()), task(), *package([row(2)]), REST)) == []


def test_later_rules_do_not_move_a_limit() -> None:
    scenario = Scenario(rules(rule(sla=_SLA)), task(), REST, rules(rule("other", sla={"resolve_within": "9h"})), REST)
    assert len(_limits(scenario)) == 1 and scenario.state.tasks[1].resolve_by == NOW + 2 * HOUR


def test_who_comes_under_limits_later_has_them_from_creation() -> None:
    scenario = Scenario(rules(rule()), task(), After(HOUR), rules(rule(sla=_SLA)), REST)
    assert scenario.state.tasks[1].resolve_by == 0, "its pool is the same"
    scenario = Scenario(rules(rule("other", "mail")), task(), After(HOUR), rules(rule(sla=_SLA)), REST)
    assert scenario.state.tasks[1].resolve_by == NOW + 2 * HOUR


def test_steps_fall_due_in_order_each_once() -> None:
    steps = {"at": "50% of resolve_within", "raise_priority": 10}, {"at": "resolve_within", "mark_overdue": True}
    scenario = Scenario(_escalating(*steps), task(), After(HOUR - 1), DUE)
    assert _steps(scenario) == []
    scenario.do(After(1))
    scenario.do(DUE)
    scenario.do(DUE)
    assert _steps(scenario) == [(0, (1,))] and scenario.state.tasks[1].priority == 10
    scenario.do(After(HOUR))
    scenario.do(DUE)
    assert _steps(scenario) == [(0, (1,)), (1, (1,))]
    assert scenario.state.tasks[1].marks.overdue and scenario.state.timers.entries() == []


def test_steps_that_fell_due_in_a_long_stop_happen_once_in_order_at_the_start() -> None:
    steps = [{"at": f"{share}% of resolve_within", "raise_priority": 1} for share in (90, 20, 50)]
    scenario = Scenario(_escalating(*steps), task(), After(24 * HOUR), RESTART, DUE, DUE, DUE, DUE)
    assert [place for place, _ in _steps(scenario)] == [1, 2, 0] and scenario.state.tasks[1].priority == 3


def test_a_step_is_not_taken_again_after_a_restart() -> None:
    scenario = Scenario(_escalating({"at": "resolve_within", "notify": "duty"}), task(), After(2 * HOUR), DUE, RESTART)
    scenario.do(DUE)
    assert _steps(scenario) == [(0, (1,))]


def test_steps_of_the_response_are_passed_over_once_work_has_begun() -> None:
    steps = {"at": "respond_within", "raise_priority": 50}, {"at": "resolve_within", "raise_priority": 5}
    given: list[Step] = [_escalating(*steps), roster("ann"), task(), REST]
    scenario = Scenario(*given)
    scenario.do(StartTask(1, "ann", scenario.state.tasks[1].grant))
    scenario.do(After(3 * HOUR))
    scenario.do(DUE)
    assert _steps(scenario) == [(1, (1,))] and scenario.state.tasks[1].priority == 5


def test_a_step_takes_work_to_other_targets() -> None:
    step = {"at": "resolve_within", "reassign": "agent.level >= 3"}
    scenario = Scenario(_escalating(step, targets="agent.level < 3"), roster(agent("ann", level=1)), task(), REST)
    scenario.do(roster(agent("ann", level=1), agent("max", level=3)))
    scenario.do(After(2 * HOUR))
    scenario.do(DUE)
    assert holders(scenario) == {1: "max"}
    scenario.do(RESTART)
    assert scenario.rest() == []


def test_what_waits_goes_to_other_targets_too_and_waits_for_them() -> None:
    step = {"at": "resolve_within", "reassign": "agent.level >= 3"}
    scenario = Scenario(_escalating(step, targets="agent.level < 3"), task(), REST, After(2 * HOUR), DUE)
    assert list(scenario.state.lanes) == [("r", -1, ())]
    scenario.do(roster(agent("ann", level=1)))
    scenario.do(REST)
    assert holders(scenario) == {1: None}
    scenario.do(roster(agent("max", level=4)))
    scenario.do(REST)
    assert holders(scenario) == {1: "max"}


def test_locked_work_is_not_escalated_away() -> None:
    step = {"at": "50% of resolve_within", "reassign": "true", "raise_priority": 7}
    scenario = Scenario(_escalating(step), roster("ann"), task(), REST, roster("ann", "bob"))
    scenario.do(LockTask(1, "ann", scenario.state.tasks[1].grant, HOUR))
    scenario.do(After(HOUR))
    scenario.do(DUE)
    scenario.do(DUE)
    assert holders(scenario) == {1: "ann"} and scenario.state.tasks[1].priority == 7
    assert _steps(scenario) == [(0, (1,))]


@pytest.mark.parametrize(("period", "expected"), [(2 * HOUR, list), (2 * HOUR + 1, object)])
def test_a_lock_may_last_until_the_limit_and_no_longer(period: int, expected: type) -> None:
    scenario = Scenario(rules(rule(sla=_SLA)), roster("ann"), task(), REST)
    told = scenario.do(LockTask(1, "ann", scenario.state.tasks[1].grant, period))
    assert isinstance(told, list) == (expected is list)
    assert expected is list or told.reason == "LOCK_PAST_DEADLINE"


def test_a_raise_brings_a_waiting_task_under_the_rule_that_asks_for_it() -> None:
    urgent = rule("urgent", when="task.priority >= 50", precedence=9, method="claim")
    slow = rule("slow", sla=_SLA, escalation=[{"at": "resolve_within", "raise_priority": 60}], method="manual")
    scenario = Scenario(rules(urgent, slow), task(), REST, After(2 * HOUR), DUE)
    assert scenario.state.tasks[1].rule == "urgent"


def test_a_completion_says_what_was_promised() -> None:
    scenario = Scenario(rules(rule(sla=_SLA)), roster("ann"), task(), REST)
    grant = scenario.state.tasks[1].grant
    scenario.do(StartTask(1, "ann", grant))
    scenario.do(After(3 * HOUR))
    told = scenario.do(CompleteTask(1, "ann", grant))
    assert told == [ev.TaskCompleted(1, "ann", grant, {}, None, NOW + HOUR // 2, NOW + 2 * HOUR)]
    assert scenario.state.timers.entries() == []


def test_a_step_gives_work_to_those_it_named_when_it_was_set_or_to_nobody() -> None:
    seniors = {"at": "1h", "reassign": "agent.level >= 3"}
    before = rule(targets="agent.level < 3", escalation=[seniors])
    later = rule(targets="agent.level < 3", escalation=[{"at": "30m", "notify": "duty"}, seniors])
    people = agent("jun", level=1), agent("jim", level=1), agent("max", level=3)
    scenario = Scenario(rules(before), roster(*people), task(), REST, rules(later), REST, After(HOUR), DUE)
    assert holders(scenario) == {1: "max"}
    without = rule(targets="agent.level < 3")
    scenario = Scenario(rules(before), roster(*people), task(), REST, rules(without), REST, After(HOUR), DUE)
    assert _steps(scenario) == [(0, (1,))] and holders(scenario) == {1: "jun"}


def test_where_the_step_stands_elsewhere_in_new_rules_its_work_stays_with_the_same_agents() -> None:
    seniors = {"at": "1h", "reassign": "agent.level >= 3"}
    scenario = Scenario(rules(rule(targets="agent.level < 3", escalation=[seniors])), task(), REST, After(HOUR), DUE)
    assert list(scenario.state.lanes) == [("r", -1, ())]
    later = rule(targets="agent.level < 3", escalation=[{"at": "30m", "notify": "duty"}, seniors])
    scenario.do(rules(later))
    scenario.do(REST)
    assert list(scenario.state.lanes) == [("r", -2, ())]


def test_a_raise_keeps_in_mind_why_the_lane_waits() -> None:
    step = {"at": "1h", "raise_priority": 5}
    scenario = Scenario(rules(rule(escalation=[step])), roster(agent("ann", presence="away")), task(), REST)
    assert scenario.state.lanes["r", 0, ()].stalled == "nobody_available"
    scenario.do(After(HOUR))
    scenario.do(DUE)
    assert scenario.state.lanes["r", 0, ()].stalled == "nobody_available"


def test_whoever_takes_a_task_over_by_a_rule_with_limits_has_them() -> None:
    both = rule("slow"), rule("quick", when="false", sla=_SLA)
    scenario = Scenario(rules(*both), roster("ann"), task(), REST)
    scenario.do(HandOverTasks("ann", (Held(1, scenario.state.tasks[1].grant),), to_rule="quick"))
    assert scenario.state.tasks[1].resolve_by == NOW + 2 * HOUR


def test_limits_that_come_after_work_had_begun_ask_for_no_response() -> None:
    late = {"at": "respond_within", "mark_overdue": True}
    both = rule("slow"), rule("quick", when="false", sla=_SLA, escalation=[late])
    scenario = Scenario(rules(*both), roster("ann"), task(), REST)
    grant = scenario.state.tasks[1].grant
    scenario.do(StartTask(1, "ann", grant))
    scenario.do(HandOverTasks("ann", (Held(1, grant),), to_rule="quick"))
    scenario.do(After(HOUR))
    scenario.do(DUE)
    assert _steps(scenario) == [] and scenario.state.timers.entries() == []


def test_what_is_late_cannot_be_locked() -> None:
    scenario = Scenario(rules(rule(sla=_SLA)), roster("ann"), task(), REST, After(2 * HOUR))
    told = scenario.do(LockTask(1, "ann", scenario.state.tasks[1].grant, 1))
    assert told == Refused("precondition", "LOCK_PAST_DEADLINE")


def test_a_types_handover_counts_where_the_rule_has_none() -> None:
    scenario = Scenario(_typed({"handover": {"raise_priority": 50, "limit": 1}}, rule()), roster("ann"), task(), REST)
    told = scenario.do(HandOverTasks("ann", (Held(1, scenario.state.tasks[1].grant),)))
    assert told[0] == ev.TasksHandedOver("ann", (1,), (50,))
