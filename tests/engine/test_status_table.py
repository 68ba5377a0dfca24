"""What may be asked of a task, by where it is: the whole table."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.commands import (
    AcceptOffer,
    CancelTask,
    ClaimTask,
    Command,
    CompleteTask,
    HandOverTasks,
    Held,
    ImportRows,
    LockTask,
    ReassignTask,
    RejectOffer,
    StartParsing,
    StartTask,
    UnlockTask,
)
from tests.engine.given import agent, register, roster, row, rule, rules, task
from tests.engine.scenario import REST, Scenario, Step, outcome

_PEOPLE = roster("ann", agent("bob", presence="busy"))


def _under(method: str, rounds: int = 3) -> list[Step]:
    return [rules(rule(method=method, offer={"accept_within": "1m", "rounds": rounds})), _PEOPLE]


_NOBODY: list[Step] = [rules(rule(targets='agent.team == "west"')), _PEOPLE]
_ASSIGNED: list[Step] = [*_under("push"), task(), REST]
_STARTED: list[Step] = [*_ASSIGNED, StartTask(1, "ann", 5)]

STATUSES: dict[str, list[Step]] = {
    "created": [*_under("push"), register(), StartParsing(1), ImportRows(1, 0, (), (row(2),))],
    "pooled under push": [*_NOBODY, task(), REST],
    "pooled under claim": [*_under("claim"), task(), REST],
    "pooled under manual": [*_under("manual"), task(), REST],
    "pooled and set aside": [*_under("offer", rounds=1), task(), REST, RejectOffer(1, "ann", 5), REST],
    "pooled under no rule": [*_under("push"), task("mail"), REST],
    "offered": [*_under("offer"), task(), REST],
    "assigned": _ASSIGNED,
    "in_progress": _STARTED,
    "assigned by an offer": [*_under("offer"), task(), REST, AcceptOffer(1, "ann", 5)],
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
    "accept": lambda grant: AcceptOffer(1, "ann", grant),
    "reject": lambda grant: RejectOffer(1, "ann", grant),
}

# fmt: off
TABLE = {
    #                            claim, start, complete, cancel, reassign, hand over, lock, unlock, accept, reject
    "created":                 ["TASK_NOT_WAITING", "STALE_GRANT", "STALE_GRANT", "accepted", "TASK_NOT_WAITING", "STALE_GRANT", "STALE_GRANT", "STALE_GRANT", "STALE_GRANT", "STALE_GRANT"],
    "pooled under push":       ["NOT_CLAIMABLE", "STALE_GRANT", "STALE_GRANT", "accepted", "accepted", "STALE_GRANT", "STALE_GRANT", "STALE_GRANT", "STALE_GRANT", "STALE_GRANT"],
    "pooled under claim":      ["accepted", "STALE_GRANT", "STALE_GRANT", "accepted", "accepted", "STALE_GRANT", "STALE_GRANT", "STALE_GRANT", "STALE_GRANT", "STALE_GRANT"],
    "pooled under manual":     ["NOT_CLAIMABLE", "STALE_GRANT", "STALE_GRANT", "accepted", "accepted", "STALE_GRANT", "STALE_GRANT", "STALE_GRANT", "STALE_GRANT", "STALE_GRANT"],
    "pooled and set aside":    ["NOT_CLAIMABLE", "STALE_GRANT", "STALE_GRANT", "accepted", "accepted", "STALE_GRANT", "STALE_GRANT", "STALE_GRANT", "STALE_GRANT", "STALE_GRANT"],
    "pooled under no rule":    ["NOT_CLAIMABLE", "STALE_GRANT", "STALE_GRANT", "accepted", "accepted", "STALE_GRANT", "STALE_GRANT", "STALE_GRANT", "STALE_GRANT", "STALE_GRANT"],
    "offered":                 ["TASK_NOT_WAITING", "OFFER_NOT_ACCEPTED", "OFFER_NOT_ACCEPTED", "accepted", "accepted", "OFFER_NOT_ACCEPTED", "OFFER_NOT_ACCEPTED", "OFFER_NOT_ACCEPTED", "accepted", "accepted"],
    "assigned":                ["TASK_NOT_WAITING", "accepted", "NOT_STARTED", "accepted", "accepted", "accepted", "accepted", "NOT_LOCKED", "NOT_OFFERED", "NOT_OFFERED"],
    "in_progress":             ["TASK_NOT_WAITING", "ALREADY_STARTED", "accepted", "accepted", "accepted", "accepted", "accepted", "NOT_LOCKED", "NOT_OFFERED", "NOT_OFFERED"],
    "assigned by an offer":    ["TASK_NOT_WAITING", "accepted", "NOT_STARTED", "accepted", "accepted", "accepted", "accepted", "NOT_LOCKED", "NOT_OFFERED", "NOT_OFFERED"],
    "assigned and locked":     ["TASK_NOT_WAITING", "accepted", "NOT_STARTED", "accepted", "TASK_LOCKED", "accepted", "accepted", "accepted", "NOT_OFFERED", "NOT_OFFERED"],
    "in_progress and locked":  ["TASK_NOT_WAITING", "ALREADY_STARTED", "accepted", "accepted", "TASK_LOCKED", "accepted", "accepted", "accepted", "NOT_OFFERED", "NOT_OFFERED"],
    "ended":                   ["TASK_ENDED", "TASK_ENDED", "TASK_ENDED", "TASK_ENDED", "TASK_ENDED", "TASK_ENDED", "TASK_ENDED", "TASK_ENDED", "TASK_ENDED", "TASK_ENDED"],
    "unknown":                 ["TASK_UNKNOWN", "TASK_UNKNOWN", "TASK_UNKNOWN", "TASK_UNKNOWN", "TASK_UNKNOWN", "TASK_UNKNOWN", "TASK_UNKNOWN", "TASK_UNKNOWN", "TASK_UNKNOWN", "TASK_UNKNOWN"],
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
@pytest.mark.parametrize(
    "name", ["start", "complete", "cancel", "reassign", "hand over", "lock", "unlock", "accept", "reject"]
)
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
