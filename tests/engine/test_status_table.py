"""What may be asked of a task, by where it is: the whole table."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.commands import (
    AcceptOffer,
    CancelTask,
    ChangeDeadlines,
    ClaimTask,
    Command,
    CommentTask,
    CompleteTask,
    FinishCallback,
    FinishDelivery,
    GiveFeedback,
    HandOverTasks,
    Held,
    ImportRows,
    LockTask,
    MergeTasks,
    ReassignTask,
    RejectOffer,
    ReprioritiseTask,
    StartParsing,
    StartTask,
    UnlockTask,
)
from tests.engine.given import agent, register, roster, row, rule, rules, task
from tests.engine.scenario import NOW, REST, Scenario, Step, outcome

_PEOPLE = roster("ann", agent("bob", presence="busy"))


def _under(method: str, rounds: int = 3) -> list[Step]:
    return [rules(rule(method=method, offer={"accept_within": "1m", "rounds": rounds})), _PEOPLE]


_NOBODY: list[Step] = [rules(rule(targets='agent.team == "west"')), _PEOPLE]
_ASSIGNED: list[Step] = [*_under("push"), task(), REST]
_STARTED: list[Step] = [*_ASSIGNED, StartTask(1, "ann", 5)]
_ASKED: list[Step] = [
    rules(rule(feedback={"unsatisfied": "escalate"})), _PEOPLE, task(), REST, StartTask(1, "ann", 5),
    CompleteTask(1, "ann", 5),
]  # fmt: skip

STATUSES: dict[str, list[Step]] = {
    "created": [*_under("push"), register(), StartParsing(1), ImportRows(1, 0, (), (row(2),))],
    "pooled under push": [*_NOBODY, task(), REST],
    "pooled under claim": [*_under("claim"), task(), REST],
    "pooled under manual": [*_under("manual"), task(), REST],
    "pooled and set aside": [*_under("offer", rounds=1), task(), REST, RejectOffer(1, "ann", 5), REST],
    "pooled under no rule": [*_under("push"), task("mail"), REST],
    "calling": [rules(rule(), task_types={"call": {"callback": {"url": "https://o/ask"}}}), _PEOPLE, task(), REST],
    "offered": [*_under("offer"), task(), REST],
    "assigned": _ASSIGNED,
    "in_progress": _STARTED,
    "assigned by an offer": [*_under("offer"), task(), REST, AcceptOffer(1, "ann", 5)],
    "assigned and locked": [*_ASSIGNED, LockTask(1, "ann", 5, 60_000)],
    "in_progress and locked": [*_STARTED, LockTask(1, "ann", 5, 60_000)],
    "completed": _ASKED,
    "completed, a supervisor is to look": [*_ASKED, GiveFeedback(1, False)],
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
    "reprioritise": lambda grant: ReprioritiseTask(1, 77, grant),
    "change deadlines": lambda grant: ChangeDeadlines(1, resolve_by=NOW + 1, grant=grant),
    "comment": lambda grant: CommentTask(1, "he called"),
    "lock": lambda grant: LockTask(1, "ann", grant, 60_000),
    "unlock": lambda grant: UnlockTask(1, "ann", grant),
    "accept": lambda grant: AcceptOffer(1, "ann", grant),
    "reject": lambda grant: RejectOffer(1, "ann", grant),
    "feedback": lambda grant: GiveFeedback(1, True),
    "report a callback": lambda grant: FinishCallback(1, 4, "succeeded"),
    "report a delivery": lambda grant: FinishDelivery(1, 4, True),
}

# fmt: off
TABLE = {
    #                                        claim, start, complete, cancel, reassign, hand over, reprioritise, change deadlines, comment, lock, unlock, accept, reject, feedback, report a callback, report a delivery
    "created":                             ["TASK_NOT_WAITING", "STALE_GRANT", "STALE_GRANT", "accepted", "TASK_NOT_WAITING", "STALE_GRANT", "accepted", "TASK_NOT_WAITING", "accepted", "STALE_GRANT", "STALE_GRANT", "STALE_GRANT", "STALE_GRANT", "NOT_COMPLETED", "STALE_CALL", "STALE_CALL"],
    "pooled under push":                   ["NOT_CLAIMABLE", "STALE_GRANT", "STALE_GRANT", "accepted", "accepted", "STALE_GRANT", "accepted", "accepted", "accepted", "STALE_GRANT", "STALE_GRANT", "STALE_GRANT", "STALE_GRANT", "NOT_COMPLETED", "STALE_CALL", "STALE_CALL"],
    "pooled under claim":                  ["accepted", "STALE_GRANT", "STALE_GRANT", "accepted", "accepted", "STALE_GRANT", "accepted", "accepted", "accepted", "STALE_GRANT", "STALE_GRANT", "STALE_GRANT", "STALE_GRANT", "NOT_COMPLETED", "STALE_CALL", "STALE_CALL"],
    "pooled under manual":                 ["NOT_CLAIMABLE", "STALE_GRANT", "STALE_GRANT", "accepted", "accepted", "STALE_GRANT", "accepted", "accepted", "accepted", "STALE_GRANT", "STALE_GRANT", "STALE_GRANT", "STALE_GRANT", "NOT_COMPLETED", "STALE_CALL", "STALE_CALL"],
    "pooled and set aside":                ["NOT_CLAIMABLE", "STALE_GRANT", "STALE_GRANT", "accepted", "accepted", "STALE_GRANT", "accepted", "accepted", "accepted", "STALE_GRANT", "STALE_GRANT", "STALE_GRANT", "STALE_GRANT", "NOT_COMPLETED", "STALE_CALL", "STALE_CALL"],
    "pooled under no rule":                ["NOT_CLAIMABLE", "STALE_GRANT", "STALE_GRANT", "accepted", "accepted", "STALE_GRANT", "accepted", "accepted", "accepted", "STALE_GRANT", "STALE_GRANT", "STALE_GRANT", "STALE_GRANT", "NOT_COMPLETED", "STALE_CALL", "STALE_CALL"],
    "calling":                             ["TASK_NOT_WAITING", "STALE_GRANT", "STALE_GRANT", "accepted", "TASK_NOT_WAITING", "STALE_GRANT", "accepted", "TASK_NOT_WAITING", "accepted", "STALE_GRANT", "STALE_GRANT", "STALE_GRANT", "STALE_GRANT", "NOT_COMPLETED", "accepted", "STALE_CALL"],
    "offered":                             ["TASK_NOT_WAITING", "OFFER_NOT_ACCEPTED", "OFFER_NOT_ACCEPTED", "accepted", "accepted", "OFFER_NOT_ACCEPTED", "accepted", "accepted", "accepted", "OFFER_NOT_ACCEPTED", "OFFER_NOT_ACCEPTED", "accepted", "accepted", "NOT_COMPLETED", "STALE_CALL", "STALE_CALL"],
    "assigned":                            ["TASK_NOT_WAITING", "accepted", "NOT_STARTED", "accepted", "accepted", "accepted", "accepted", "accepted", "accepted", "accepted", "NOT_LOCKED", "NOT_OFFERED", "NOT_OFFERED", "NOT_COMPLETED", "STALE_CALL", "STALE_CALL"],
    "in_progress":                         ["TASK_NOT_WAITING", "ALREADY_STARTED", "accepted", "accepted", "accepted", "accepted", "accepted", "accepted", "accepted", "accepted", "NOT_LOCKED", "NOT_OFFERED", "NOT_OFFERED", "NOT_COMPLETED", "STALE_CALL", "STALE_CALL"],
    "assigned by an offer":                ["TASK_NOT_WAITING", "accepted", "NOT_STARTED", "accepted", "accepted", "accepted", "accepted", "accepted", "accepted", "accepted", "NOT_LOCKED", "NOT_OFFERED", "NOT_OFFERED", "NOT_COMPLETED", "STALE_CALL", "STALE_CALL"],
    "assigned and locked":                 ["TASK_NOT_WAITING", "accepted", "NOT_STARTED", "accepted", "TASK_LOCKED", "accepted", "accepted", "accepted", "accepted", "accepted", "accepted", "NOT_OFFERED", "NOT_OFFERED", "NOT_COMPLETED", "STALE_CALL", "STALE_CALL"],
    "in_progress and locked":              ["TASK_NOT_WAITING", "ALREADY_STARTED", "accepted", "accepted", "TASK_LOCKED", "accepted", "accepted", "accepted", "accepted", "accepted", "accepted", "NOT_OFFERED", "NOT_OFFERED", "NOT_COMPLETED", "STALE_CALL", "STALE_CALL"],
    "completed":                           ["TASK_COMPLETED", "TASK_COMPLETED", "TASK_COMPLETED", "TASK_COMPLETED", "TASK_COMPLETED", "TASK_COMPLETED", "TASK_COMPLETED", "TASK_COMPLETED", "accepted", "TASK_COMPLETED", "TASK_COMPLETED", "TASK_COMPLETED", "TASK_COMPLETED", "accepted", "STALE_CALL", "STALE_CALL"],
    "completed, a supervisor is to look":  ["TASK_COMPLETED", "TASK_COMPLETED", "TASK_COMPLETED", "TASK_COMPLETED", "accepted", "TASK_COMPLETED", "TASK_COMPLETED", "TASK_COMPLETED", "accepted", "TASK_COMPLETED", "TASK_COMPLETED", "TASK_COMPLETED", "TASK_COMPLETED", "FEEDBACK_GIVEN", "STALE_CALL", "STALE_CALL"],
    "ended":                               ["TASK_ENDED", "TASK_ENDED", "TASK_ENDED", "TASK_ENDED", "TASK_ENDED", "TASK_ENDED", "TASK_ENDED", "TASK_ENDED", "TASK_ENDED", "TASK_ENDED", "TASK_ENDED", "TASK_ENDED", "TASK_ENDED", "TASK_ENDED", "STALE_CALL", "STALE_CALL"],
    "unknown":                             ["TASK_UNKNOWN", "TASK_UNKNOWN", "TASK_UNKNOWN", "TASK_UNKNOWN", "TASK_UNKNOWN", "TASK_UNKNOWN", "TASK_UNKNOWN", "TASK_UNKNOWN", "TASK_UNKNOWN", "TASK_UNKNOWN", "TASK_UNKNOWN", "TASK_UNKNOWN", "TASK_UNKNOWN", "TASK_UNKNOWN", "TASK_UNKNOWN", "STALE_CALL"],
}
MERGE = {
    #                           as a duplicate, as the task that goes on
    "created":                 ["accepted", "accepted"],
    "pooled under push":       ["accepted", "accepted"],
    "pooled under claim":      ["accepted", "accepted"],
    "pooled under manual":     ["accepted", "accepted"],
    "pooled and set aside":    ["accepted", "accepted"],
    "pooled under no rule":    ["accepted", "accepted"],
    "calling":                 ["accepted", "accepted"],
    "offered":                 ["accepted", "accepted"],
    "assigned":                ["accepted", "accepted"],
    "in_progress":             ["accepted", "accepted"],
    "assigned by an offer":    ["accepted", "accepted"],
    "assigned and locked":     ["accepted", "accepted"],
    "in_progress and locked":  ["accepted", "accepted"],
    "completed":               ["TASK_COMPLETED", "TASK_COMPLETED"],
    "completed, a supervisor is to look": ["TASK_COMPLETED", "TASK_COMPLETED"],
    "ended":                   ["TASK_ENDED", "TASK_ENDED"],
    "unknown":                 ["TASK_UNKNOWN", "TASK_UNKNOWN"],
}
# fmt: on
CELLS = [(status, name, TABLE[status][place]) for status in STATUSES for place, name in enumerate(COMMANDS)]


@pytest.mark.parametrize(("status", "name", "expected"), CELLS)
def test_cell(status: str, name: str, expected: str) -> None:
    scenario = Scenario(*STATUSES[status])
    held = scenario.state.tasks.get(1)
    assert (held.status if held else status) == status.split(maxsplit=1)[0].strip(",")
    assert outcome(scenario, COMMANDS[name](held.grant if held else 0)) == expected


@pytest.mark.parametrize("status", STATUSES)
def test_merging_needs_another_task(status: str) -> None:
    for role, expected in enumerate(MERGE[status]):
        scenario = Scenario(*STATUSES[status])
        number = 1 if status != "unknown" else 99
        held = scenario.state.tasks.get(number)
        scenario.do(task("mail"))
        one, another = Held(number, held.grant if held else 0), scenario.state.last_task
        merge = (MergeTasks((one,), another), MergeTasks((Held(another, 0),), number))[role]
        assert outcome(scenario, merge) == expected
        if held is not None and role == 0 and expected == "accepted":
            assert outcome(scenario, MergeTasks((Held(number, 998),), another)) == "TASK_ENDED"
            other = Scenario(*STATUSES[status], task("mail"))
            assert outcome(other, MergeTasks((Held(number, 999),), another)) == "STALE_GRANT"


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize(
    "name",
    [
        "start",
        "complete",
        "cancel",
        "reassign",
        "hand over",
        "reprioritise",
        "change deadlines",
        "lock",
        "unlock",
        "accept",
        "reject",
    ],
)
def test_another_grant_is_stale_wherever_the_task_is_open(status: str, name: str) -> None:
    scenario = Scenario(*STATUSES[status])
    ended = "TASK_COMPLETED" if status.startswith("completed") else "STALE_GRANT"
    expected = {"ended": "TASK_ENDED", "unknown": "TASK_UNKNOWN"}.get(status, ended)
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
