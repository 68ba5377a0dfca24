"""Completed work that is closed, opened again, and taken up by a supervisor, as the views show it."""

from __future__ import annotations

from adapters.audit.verify import verify
from engine.commands import CompleteTask, GiveFeedback, ReassignTask, StartTask, WithdrawPackage
from tests.engine.given import agent, package, roster, row, rule, rules
from tests.engine.scenario import DUE, MINUTE, REST, After, Scenario
from tests.projections.live import Live, expected, shown


def _complete(scenario: Scenario, number: int) -> None:
    held = scenario.state.tasks[number]
    scenario.do(StartTask(number, held.agent or "", held.grant))
    scenario.do(CompleteTask(number, held.agent or "", held.grant, {"note": f"n{number}"}))


def _lived() -> Scenario:
    """Rows 1 to 7: satisfied, silent, still asked, back with ann and done again, at the limit and taken up, withdrawn."""
    asked = rule(feedback={"raise_priority": 30, "reopen_limit": 1, "auto_close_after": "1h"})
    rows = [row(line) for line in range(2, 9)]
    scenario = Scenario(rules(asked), roster(agent("ann", capacity=9)), *package(rows), REST)
    scenario.do(roster(agent("ann", capacity=9), "bob"))
    for number in range(1, 7):
        _complete(scenario, number)
    scenario.do(GiveFeedback(1, True, 5, "call 13800001234"))
    for number in (4, 5):
        scenario.do(GiveFeedback(number, False, 1, "no"))
        scenario.do(REST)
        _complete(scenario, number)
    scenario.do(GiveFeedback(5, False))
    scenario.do(ReassignTask(5, "bob"))
    scenario.do(roster(agent("ann", capacity=0), "bob"))
    scenario.do(GiveFeedback(6, False))
    scenario.do(After(59 * MINUTE))
    scenario.do(WithdrawPackage(1))
    scenario.do(REST)
    return scenario


def test_views_follow_however_the_log_is_cut(empty: Live) -> None:
    scenario = _lived()
    empty.put(scenario.log)
    empty.catch_up(1)
    assert empty.ask(shown) == expected(scenario.log)
    one_by_one = empty.dump()
    empty.reset()
    empty.put(scenario.log)
    empty.catch_up(7)
    assert empty.dump() == one_by_one
    report = verify(empty.dsn, empty.workspace)
    assert report.ok, report.findings
    _closed_by_silence(empty, scenario)


def _closed_by_silence(live: Live, scenario: Scenario) -> None:
    before = len(scenario.log)
    scenario.do(After(MINUTE))
    scenario.do(DUE)
    live.put(scenario.log[before:])
    live.catch_up()
    assert live.ask(shown) == expected(scenario.log)
    rows = {task.number: task for task in expected(scenario.log)["tasks"]}
    assert [rows[number].closed_why for number in range(1, 8)] == ["satisfied", *["silence"] * 3, "", "", ""]
    assert [rows[number].reopened for number in range(1, 8)] == [0, 0, 0, 1, 1, 1, 0]
