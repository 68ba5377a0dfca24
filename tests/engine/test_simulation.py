"""A log lived through again: what is asked for again where others may hold the work."""

from __future__ import annotations

from engine import events as ev
from engine.commands import (
    AcceptOffer,
    ChangeDeadlines,
    CommentTask,
    CompleteTask,
    HandOverTasks,
    Held,
    LockTask,
    MergeTasks,
    RejectOffer,
    ReprioritiseTask,
    StartTask,
    UnlockTask,
)
from engine.simulation import Simulation, SimulationReport
from tests.engine.given import agent, document, roster, rule, rules, task
from tests.engine.scenario import DUE, MINUTE, NOW, REST, After, Scenario, Step

_AS_IT_WAS = rule(recycle_after="10m", handover={"raise_priority": 5})
_TWO = roster(agent("ann", level=1), agent("bob", level=2))
_BEGUN: list[Step] = [rules(_AS_IT_WAS), roster(agent("ann", level=1)), task(), REST, _TWO, REST]
_GRANT = 5


def _again(scenario: Scenario, **fields: object) -> SimulationReport:
    simulation = Simulation("bank", document({**_AS_IT_WAS, **fields}))
    assert simulation.begin() is None
    for recorded in scenario.log:
        simulation.feed(recorded)
    return simulation.report()


def _agents(report: SimulationReport) -> tuple[dict[str, int], dict[str, int]]:
    return report.agents_before, report.agents_after


def test_a_handover_is_made_again_by_who_made_it() -> None:
    scenario = Scenario(*_BEGUN, HandOverTasks("ann", (Held(1, _GRANT),), "too hard"), REST)
    report = _again(scenario)
    assert _agents(report) == ({"ann": 1, "bob": 1}, {"ann": 1, "bob": 1}) and not report.refused


def test_what_another_holds_is_not_handed_over_for_him() -> None:
    scenario = Scenario(*_BEGUN, HandOverTasks("ann", (Held(1, _GRANT),)), REST)
    report = _again(scenario, targets="agent.level >= 2")
    assert report.agents_after == {"bob": 1} and report.refused == {"STALE_GRANT": 1}


def test_one_task_that_another_holds_does_not_hold_the_rest_back() -> None:
    begun: list[Step] = [rules(_AS_IT_WAS), roster(agent("ann", level=1)), task(level=1), task(level=2), REST, _TWO]
    grant = Scenario(*begun).state.tasks[2].grant
    both = (Held(1, grant), Held(2, grant))
    scenario = Scenario(*begun, HandOverTasks("ann", both, to_agent="bob"), REST)
    report = _again(scenario, targets="agent.level >= task.level")
    assert report.agents_before == {"ann": 2, "bob": 2}
    assert report.agents_after == {"ann": 1, "bob": 2} and report.refused == {"STALE_GRANT": 1}


def test_a_directed_handover_is_asked_for_once() -> None:
    """What it leads to in the log is no wish of a supervisor."""
    scenario = Scenario(*_BEGUN, HandOverTasks("ann", (Held(1, _GRANT),), to_agent="bob"))
    assert isinstance(scenario.events[-1], ev.TaskReassigned)
    report = _again(scenario)
    assert _agents(report) == ({"ann": 1, "bob": 1}, {"ann": 1, "bob": 1}) and not report.refused


def test_a_lock_is_held_by_whoever_holds_the_task() -> None:
    """Bob, who alone may have it here, loses it after ten minutes and gets it again, unless it is locked."""
    locked = [*_BEGUN, LockTask(1, "ann", _GRANT, 15 * MINUTE)]
    twelve_minutes_on = [After(12 * MINUTE), task("other")]
    report = _again(Scenario(*locked, *twelve_minutes_on), targets="agent.level >= 2")
    assert report.agents_after == {"bob": 1} and not report.refused
    report = _again(Scenario(*locked, UnlockTask(1, "ann", _GRANT), *twelve_minutes_on), targets="agent.level >= 2")
    assert report.agents_after == {"bob": 2} and not report.refused


def test_a_lock_that_other_rules_forbid_is_counted() -> None:
    scenario = Scenario(*_BEGUN, LockTask(1, "ann", _GRANT, 5 * MINUTE), UnlockTask(1, "ann", _GRANT))
    assert _again(scenario, lock_max="2m").refused == {"LOCK_TOO_LONG": 1}


def test_recycling_is_decided_anew() -> None:
    scenario = Scenario(*_BEGUN, After(10 * MINUTE), DUE, StartTask(1, "bob", 9))
    report = _again(scenario, recycle_after="3h")
    assert _agents(report) == ({"ann": 1, "bob": 1}, {"ann": 1}) and not report.refused


_OFFERED = {"method": "offer", "offer": {"accept_within": "5m"}}


def test_what_was_pushed_is_accepted_where_it_is_offered() -> None:
    scenario = Scenario(*_BEGUN, StartTask(1, "ann", _GRANT), CompleteTask(1, "ann", _GRANT))
    report = _again(scenario, **_OFFERED)
    assert _agents(report) == ({"ann": 1}, {"ann": 1}) and not report.refused and report.waiting_after == {}


def test_a_lock_and_a_handover_of_what_is_offered_imply_its_acceptance() -> None:
    locked = LockTask(1, "ann", _GRANT, MINUTE)
    scenario = Scenario(*_BEGUN, locked, HandOverTasks("ann", (Held(1, _GRANT),), to_agent="bob"))
    report = _again(scenario, **_OFFERED)
    assert _agents(report) == ({"ann": 1, "bob": 1}, {"ann": 1, "bob": 1}) and not report.refused


def test_offers_count_once_they_are_accepted_and_a_rejection_is_ones_own() -> None:
    asked: list[Step] = [rules({**_AS_IT_WAS, **_OFFERED}), *_BEGUN[1:], RejectOffer(1, "ann", _GRANT), REST]
    scenario = Scenario(*asked)
    scenario.do(AcceptOffer(1, "bob", scenario.state.tasks[1].grant))
    assert _agents(_again(scenario, **_OFFERED)) == ({"bob": 1}, {"bob": 1})
    report = _again(scenario)
    assert _agents(report) == ({"bob": 1}, {"ann": 1}) and report.refused == {"NOT_OFFERED": 1}


def test_a_supervisor_does_again_what_he_did_whoever_holds_it() -> None:
    """Here nobody holds the tasks: they wait to be claimed."""
    begun: list[Step] = [rules(_AS_IT_WAS), _TWO, task(), task(), REST]
    one, other = (Scenario(*begun).state.tasks[number].grant for number in (1, 2))
    changes = (
        ReprioritiseTask(1, 70, one),
        ChangeDeadlines(1, resolve_by=NOW + 60 * MINUTE, grant=one),
        CommentTask(1, "he called"),
        MergeTasks((Held(1, one),), 2),
    )
    scenario = Scenario(*begun, *changes)
    assert not _again(scenario, method="claim").refused
    assert scenario.state.tasks[2].grant == other and scenario.state.tasks[2].priority == 70
