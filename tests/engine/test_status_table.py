"""What may be asked of a task, by where it is: the whole table."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.commands import (
    CancelTask,
    ClaimTask,
    Command,
    CompleteTask,
    FinishCallback,
    FinishDelivery,
    HandOverTasks,
    Held,
    ImportRows,
    LockTask,
    ReassignTask,
    StartParsing,
    StartTask,
    UnlockTask,
)
from tests.engine.given import agent, register, roster, row, rule, rules, task
from tests.engine.scenario import REST, Scenario, Step, outcome

_PEOPLE = roster("ann", agent("bob", presence="busy"))


def _under(method: str) -> list[Step]:
    return [rules(rule(method=method)), _PEOPLE]


_NOBODY: list[Step] = [rules(rule(targets='agent.team == "west"')), _PEOPLE]
_ASSIGNED: list[Step] = [*_under("push"), task(), REST]
_STARTED: list[Step] = [*_ASSIGNED, StartTask(1, "ann", 5)]

STATUSES: dict[str, list[Step]] = {
    "created": [*_under("push"), register(), StartParsing(1), ImportRows(1, 0, (), (row(2),))],
    "pooled under push": [*_NOBODY, task(), REST],
    "pooled under claim": [*_under("claim"), task(), REST],
    "pooled under manual": [*_under("manual"), task(), REST],
    "pooled under no rule": [*_under("push"), task("mail"), REST],
    "calling": [rules(rule(), task_types={"call": {"callback": {"url": "https://o/ask"}}}), _PEOPLE, task(), REST],
    "assigned": _ASSIGNED,
    "in_progress": _STARTED,
    "assigned and locked": [*_ASSIGNED, LockTask(1, "ann", 5, 60_000)],
    "in_progress and locked": [*_STARTED, LockTask(1, "ann", 5, 60_000)],
    "ended": [*_STARTED, CompleteTask(1, "ann", 5)],
    "unknown": _under("push"),
}

COMMANDS: dict[str, Callable[[int], Command]] = {
    "claim": lambda grant: ClaimTask("bob", 1),
    "start": lambda grant: StartTask(1, "ann", grant),
    "complete": lambda grant: CompleteTask(1, "ann", grant),
    "cancel": lambda grant: CancelTask(1, grant),
    "reassign": lambda grant: ReassignTask(1, "bob", grant),
    "hand over": lambda grant: HandOverTasks("ann", (Held(1, grant),)),
    "lock": lambda grant: LockTask(1, "ann", grant, 60_000),
    "unlock": lambda grant: UnlockTask(1, "ann", grant),
    "report a callback": lambda grant: FinishCallback(1, 4, "succeeded"),
    "report a delivery": lambda grant: FinishDelivery(1, 4, True),
}

# fmt: off
TABLE = {
    #                            claim, start, complete, cancel, reassign, hand over, lock, unlock, report a callback, report a delivery
    "created":                 ["TASK_NOT_WAITING", "STALE_GRANT", "STALE_GRANT", "accepted", "TASK_NOT_WAITING", "STALE_GRANT", "STALE_GRANT", "STALE_GRANT", "STALE_CALL", "STALE_CALL"],
    "pooled under push":       ["NOT_CLAIMABLE", "STALE_GRANT", "STALE_GRANT", "accepted", "accepted", "STALE_GRANT", "STALE_GRANT", "STALE_GRANT", "STALE_CALL", "STALE_CALL"],
    "pooled under claim":      ["accepted", "STALE_GRANT", "STALE_GRANT", "accepted", "accepted", "STALE_GRANT", "STALE_GRANT", "STALE_GRANT", "STALE_CALL", "STALE_CALL"],
    "pooled under manual":     ["NOT_CLAIMABLE", "STALE_GRANT", "STALE_GRANT", "accepted", "accepted", "STALE_GRANT", "STALE_GRANT", "STALE_GRANT", "STALE_CALL", "STALE_CALL"],
    "pooled under no rule":    ["NOT_CLAIMABLE", "STALE_GRANT", "STALE_GRANT", "accepted", "accepted", "STALE_GRANT", "STALE_GRANT", "STALE_GRANT", "STALE_CALL", "STALE_CALL"],
    "calling":                 ["TASK_NOT_WAITING", "STALE_GRANT", "STALE_GRANT", "accepted", "TASK_NOT_WAITING", "STALE_GRANT", "STALE_GRANT", "STALE_GRANT", "accepted", "STALE_CALL"],
    "assigned":                ["TASK_NOT_WAITING", "accepted", "NOT_STARTED", "accepted", "accepted", "accepted", "accepted", "NOT_LOCKED", "STALE_CALL", "STALE_CALL"],
    "in_progress":             ["TASK_NOT_WAITING", "ALREADY_STARTED", "accepted", "accepted", "accepted", "accepted", "accepted", "NOT_LOCKED", "STALE_CALL", "STALE_CALL"],
    "assigned and locked":     ["TASK_NOT_WAITING", "accepted", "NOT_STARTED", "accepted", "TASK_LOCKED", "accepted", "accepted", "accepted", "STALE_CALL", "STALE_CALL"],
    "in_progress and locked":  ["TASK_NOT_WAITING", "ALREADY_STARTED", "accepted", "accepted", "TASK_LOCKED", "accepted", "accepted", "accepted", "STALE_CALL", "STALE_CALL"],
    "ended":                   ["TASK_ENDED", "TASK_ENDED", "TASK_ENDED", "TASK_ENDED", "TASK_ENDED", "TASK_ENDED", "TASK_ENDED", "TASK_ENDED", "STALE_CALL", "STALE_CALL"],
    "unknown":                 ["TASK_UNKNOWN", "TASK_UNKNOWN", "TASK_UNKNOWN", "TASK_UNKNOWN", "TASK_UNKNOWN", "TASK_UNKNOWN", "TASK_UNKNOWN", "TASK_UNKNOWN", "TASK_UNKNOWN", "STALE_CALL"],
}
# fmt: on
CELLS = [(status, name, TABLE[status][place]) for status in STATUSES for place, name in enumerate(COMMANDS)]


@pytest.mark.parametrize(("status", "name", "expected"), CELLS)
def test_cell(status: str, name: str, expected: str) -> None:
    scenario = Scenario(*STATUSES[status])
    held = scenario.state.tasks.get(1)
    assert (held.status if held else status) == status.split(maxsplit=1)[0]
    assert outcome(scenario, COMMANDS[name](held.grant if held else 0)) == expected


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("name", ["start", "complete", "cancel", "reassign", "hand over", "lock", "unlock"])
def test_another_grant_is_stale_wherever_the_task_is_open(status: str, name: str) -> None:
    scenario = Scenario(*STATUSES[status])
    expected = {"ended": "TASK_ENDED", "unknown": "TASK_UNKNOWN"}.get(status, "STALE_GRANT")
    assert outcome(scenario, COMMANDS[name](999)) == expected


@pytest.mark.parametrize("status", STATUSES)
def test_a_refusal_changes_nothing(status: str) -> None:
    for place, name in enumerate(COMMANDS):
        if TABLE[status][place] == "accepted":
            continue
        scenario = Scenario(*STATUSES[status])
        before = (repr(scenario.state.tasks), repr(scenario.state.agents), repr(scenario.state.lanes))
        held = scenario.state.tasks.get(1)
        scenario.do(COMMANDS[name](held.grant if held else 0))
        assert (repr(scenario.state.tasks), repr(scenario.state.agents), repr(scenario.state.lanes)) == before
        assert scenario.rest() == []
