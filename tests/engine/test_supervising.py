"""What a supervisor changes of a task that goes on."""

from __future__ import annotations

import pytest

from engine import events as ev
from engine.commands import (
    ChangeDeadlines,
    FinishParsing,
    ImportRows,
    LockTask,
    ReprioritiseTask,
    StartParsing,
    StartTask,
)
from tests.engine.given import agent, register, roster, row, rule, rules, task
from tests.engine.scenario import DUE, NOW, REST, RESTART, UNCHANGED, After, Refused, Scenario

HOUR = 3_600_000
_NOBODY = 'agent.team == "nobody"'


def _order(scenario: Scenario) -> list[int]:
    return [number for lane in scenario.state.lanes.values() for number in lane.numbers()]


def test_a_waiting_task_takes_its_new_place_in_its_lane() -> None:
    scenario = Scenario(rules(rule(method="claim")), task(), task(), task(), REST)
    assert _order(scenario) == [1, 2, 3]
    told = scenario.do(ReprioritiseTask(3, 90, reason="the mayor calls"))
    assert told == [ev.TaskReprioritised(3, 90, 0, "", "the mayor calls")]
    assert _order(scenario) == [3, 1, 2]
    scenario.do(ReprioritiseTask(3, 0))
    assert _order(scenario) == [1, 2, 3]


def test_it_goes_to_the_pool_of_the_rule_that_governs_it_now() -> None:
    urgent = rule("urgent", when="task.priority >= 50", precedence=9, method="claim", sla={"resolve_within": "1h"})
    scenario = Scenario(rules(urgent, rule(method="manual")), task(), REST)
    told = scenario.do(ReprioritiseTask(1, 50))
    assert told == [
        ev.TaskReprioritised(1, 50, 0),
        ev.TasksPooled(1, (ev.Placement("urgent", (1,)),)),
        ev.DeadlinesSet((1,), 0, NOW + HOUR),
    ]
    scenario.do(ReprioritiseTask(1, 49))
    assert scenario.state.tasks[1].rule == "r" and list(scenario.state.lanes) == [("r", 0, ())]
    assert scenario.state.tasks[1].resolve_by == NOW + HOUR, "a limit once set stays"


def test_whom_it_is_pooled_for_gets_it_at_once() -> None:
    urgent = rule("urgent", when="task.priority >= 50", precedence=9)
    scenario = Scenario(rules(urgent, rule(method="manual")), roster("ann"), task(), REST)
    scenario.do(ReprioritiseTask(1, 80))
    scenario.do(REST)
    assert scenario.state.tasks[1].agent == "ann"


def test_what_is_held_stays_where_it_is() -> None:
    urgent = rule("urgent", when="task.priority >= 50", precedence=9, method="manual")
    scenario = Scenario(rules(urgent, rule()), roster("ann"), task(), REST)
    grant = scenario.state.tasks[1].grant
    assert scenario.do(ReprioritiseTask(1, 80, grant)) == [ev.TaskReprioritised(1, 80, 0, "ann")]
    held = scenario.state.tasks[1]
    assert (held.agent, held.grant, held.rule, held.priority) == ("ann", grant, "r", 80)


def test_a_row_not_yet_pooled_is_pooled_by_its_new_priority() -> None:
    urgent = rule("urgent", when="task.priority >= 50", precedence=9, method="claim")
    rows = [register(), StartParsing(1), ImportRows(1, 0, (), (row(2), row(3)))]
    scenario = Scenario(rules(urgent, rule(method="claim")), *rows, ReprioritiseTask(2, 60), FinishParsing(1, 1), REST)
    assert {number: one.rule for number, one in scenario.state.tasks.items()} == {1: "r", 2: "urgent"}


def test_a_lane_goes_on_knowing_why_nobody_takes_from_it() -> None:
    """Also where a step of the escalation raises what waits there alone."""
    steps = [{"at": "resolve_within", "raise_priority": 5}]
    scenario = Scenario(rules(rule(targets=_NOBODY, sla={"resolve_within": "1h"}, escalation=steps)), roster("ann"))
    scenario.do(task())
    scenario.do(REST)
    scenario.do(ReprioritiseTask(1, 10))
    assert [lane.stalled for lane in scenario.state.lanes.values()] == ["no_agent_within_targets"]
    scenario.do(After(HOUR))
    scenario.do(DUE)
    assert scenario.state.tasks[1].priority == 15
    assert [lane.stalled for lane in scenario.state.lanes.values()] == ["no_agent_within_targets"]


def test_a_relax_step_falls_due_when_it_would_have() -> None:
    relaxed = rule(targets=_NOBODY, relax=[{"after": "1h", "targets": "true"}])
    scenario = Scenario(rules(relaxed), roster("ann"), task(), REST, After(HOUR // 2), ReprioritiseTask(1, 10))
    assert scenario.state.timers.entries() == [(NOW + HOUR, "relax", 1)]
    scenario.do(RESTART)
    scenario.do(After(HOUR // 2))
    scenario.do(DUE)
    assert scenario.state.tasks[1].agent == "ann"


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (ReprioritiseTask(1, 0), UNCHANGED),
        (ReprioritiseTask(1, -1), Refused("invalid", "PRIORITY_INVALID")),
        (ReprioritiseTask(1, 101), Refused("invalid", "PRIORITY_INVALID")),
        (ReprioritiseTask(1, 5, 3), Refused("stale", "STALE_GRANT")),
        (ReprioritiseTask(9, 5), Refused("not_found", "TASK_UNKNOWN")),
    ],
)
def test_what_changes_nothing(asked: ReprioritiseTask, expected: object) -> None:
    scenario = Scenario(rules(rule(targets=_NOBODY)), roster(agent("ann")), task(), REST)
    assert scenario.do(asked) == expected and scenario.state.tasks[1].priority == 0


_STEPS = [
    {"at": "50% of respond_within", "raise_priority": 1},
    {"at": "50% of resolve_within", "notify": "duty"},
    {"at": "4h", "notify": "boss"},
    {"at": "resolve_within", "mark_overdue": True},
]
_LIMITED = {"sla": {"respond_within": "1h", "resolve_within": "10h"}, "escalation": _STEPS}


def _limited() -> Scenario:
    return Scenario(rules(rule(**_LIMITED)), roster("ann"), task(), REST)


def _due(scenario: Scenario) -> list[tuple[int, int]]:
    """(hours from creation, place of the step)"""
    steps = scenario.state.tasks[1].terms.steps
    return [((step.at - NOW) / HOUR, step.place) for step in steps]


def test_steps_to_come_keep_their_distance_to_the_limit_that_moved() -> None:
    scenario = _limited()
    assert _due(scenario) == [(0.5, 0), (4, 2), (5, 1), (10, 3)]
    held = scenario.state.tasks[1]
    scenario.do(ChangeDeadlines(1, resolve_by=NOW + 8 * HOUR, grant=held.grant, reason="he leaves at six"))
    assert (held.respond_by, held.resolve_by) == (NOW + HOUR, NOW + 8 * HOUR)
    assert _due(scenario) == [(0.5, 0), (3, 1), (4, 2), (8, 3)]
    scenario.do(ChangeDeadlines(1, respond_by=NOW + 5 * HOUR, grant=held.grant))
    assert _due(scenario) == [(3, 1), (4, 2), (4.5, 0), (8, 3)]
    assert scenario.state.timers.entries() == [(NOW + 3 * HOUR, "escalate", 1)]


def test_a_step_taken_is_not_taken_again() -> None:
    scenario = _limited()
    grant = scenario.state.tasks[1].grant
    scenario.do(After(HOUR))
    scenario.do(DUE)
    scenario.do(ChangeDeadlines(1, NOW + 9 * HOUR, NOW + 2 * HOUR, grant))
    assert _due(scenario) == [(0.5, 0), (-3, 1), (2, 3), (4, 2)], "what is past by the new limit falls due at once"
    scenario.do(RESTART)
    for _ in range(4):
        scenario.do(After(HOUR))
        scenario.do(DUE)
    taken = [event.place for event in scenario.events if isinstance(event, ev.EscalationStepTaken)]
    assert taken == [0, 1, 3, 2] and scenario.state.timers.entries() == []


def test_begun_work_still_passes_over_steps_of_the_response() -> None:
    scenario = _limited()
    grant = scenario.state.tasks[1].grant
    scenario.do(ChangeDeadlines(1, NOW + 7 * HOUR, grant=grant))
    scenario.do(StartTask(1, "ann", grant))
    scenario.do(ChangeDeadlines(1, NOW + 2 * HOUR, grant=grant))
    scenario.do(After(24 * HOUR))
    for _ in range(5):
        scenario.do(DUE)
    assert [event.place for event in scenario.events if isinstance(event, ev.EscalationStepTaken)] == [2, 1, 3]


def test_a_task_without_limits_gets_one_and_a_lock_stays() -> None:
    scenario = Scenario(rules(rule()), roster("ann"), task(), REST)
    grant = scenario.state.tasks[1].grant
    scenario.do(LockTask(1, "ann", grant, HOUR))
    told = scenario.do(ChangeDeadlines(1, resolve_by=NOW + 1, grant=grant, reason="now"))
    assert told == [ev.TaskDeadlinesChanged(1, 0, NOW + 1, ("resolve_by",), (), "ann", "now")]
    assert scenario.state.tasks[1].locked and scenario.state.timers.entries() == [(NOW + HOUR, "unlock", 1)]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (ChangeDeadlines(1), Refused("invalid", "DEADLINES_INVALID")),
        (ChangeDeadlines(1, NOW), Refused("invalid", "DEADLINES_INVALID")),
        (ChangeDeadlines(1, NOW + 1, NOW - 1), Refused("invalid", "DEADLINES_INVALID")),
        (ChangeDeadlines(1, NOW + HOUR, NOW + 10 * HOUR), UNCHANGED),
    ],
)
def test_times_that_do_not_do(asked: ChangeDeadlines, expected: object) -> None:
    scenario = Scenario(rules(rule(method="manual", **_LIMITED)), task(), REST)
    assert scenario.do(asked) == expected and scenario.state.tasks[1].resolve_by == NOW + 10 * HOUR
