"""The checker finds what it is there to find: each forgery of a whole history is told, by the check it is meant for."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from engine import events as ev
from tests.crash.check_stream import expected
from tests.crash.checking import check
from tests.crash.forging import (
    event_at,
    forged,
    with_answer,
    with_event,
    with_event_again,
    without_event,
)
from tests.crash.history import History, Told

Forgery = Callable[[History], object]


def in_step(forgery: Forgery) -> Forgery:
    """The stream is made anew from the forged log: what is wrong is to be found in the log itself."""

    def forge(history: History) -> None:
        forgery(history)
        history.messages = expected(history.workspace, history.log)

    return forge


def _capacity(history: History, capacity: int) -> None:
    specs = history.log[event_at(history, ev.AgentsRegistered)].event.agents  # type: ignore[attr-defined]
    with_event(history, ev.AgentsRegistered, agents=tuple(replace(spec, capacity=capacity) for spec in specs))


def _cap(history: History, cap: int) -> None:
    rules = history.log[event_at(history, ev.RuleSetApplied)].event.rule_set  # type: ignore[attr-defined]
    changed = tuple(replace(rule, cap_per_agent=cap) for rule in rules.rules)
    with_event(history, ev.RuleSetApplied, rule_set=replace(rules, rules=changed))


def _rows(history: History, lines: tuple[int, ...]) -> None:
    with_event(history, ev.TasksImported, rows=tuple(ev.TaskRow(line, None, None, None, 0, ()) for line in lines))


def _payload(history: History) -> None:
    last = history.messages[-1]
    history.messages[-1] = replace(last, payload=last.payload.replace(b'"tester"', b'"other"').replace(b"1", b"2"))


def _never() -> Told:
    return Told("never", "CreateTask", {}, "ok", {"number": 9, "position": 9})


def _refused() -> Told:
    return Told("claim", "ClaimTask", {}, "refused", {"code": "NOT_FOUND", "reason": "AGENT_UNKNOWN"})


FORGERIES: dict[str, tuple[Forgery, str]] = {
    "dropped event": (
        in_step(lambda h: without_event(h, event_at(h, ev.TaskStarted))),
        "told ok .* the log knows nothing",
    ),
    "a gap": (lambda h: h.log.pop(3), "position 4: the next event is at 5"),
    "effect twice": (in_step(lambda h: with_event_again(h, ev.AgentPresenceChanged)), "request presence: 2 events"),
    "created twice": (in_step(lambda h: with_event_again(h, ev.TaskCreated)), "task 1 comes after task 7"),
    "granted twice": (in_step(lambda h: with_event_again(h, ev.TaskClaimed)), "task 1 goes to ann from ''"),
    "granted from nobody": (in_step(lambda h: with_event(h, ev.TaskReassigned, held_by="")), "'ann' has it"),
    "a stale grant": (in_step(lambda h: with_event(h, ev.TaskCompleted, grant=1)), "bob acts on task 1 under grant 1"),
    "above capacity": (in_step(lambda h: _capacity(h, 0)), "ann holds 1 of 0"),
    "above the cap": (in_step(lambda h: _cap(h, 0)), "under claimed, whose cap is 0"),
    "pushed to who is away": (in_step(lambda h: with_event(h, ev.AgentPresenceChanged, agent="bob")), "who is busy"),
    "robbed of what is locked": (
        in_step(lambda h: without_event(h, event_at(h, ev.TaskUnlocked))),
        "task 5 is recycled from ann, who keeps it",
    ),
    "limits set twice": (in_step(lambda h: with_event_again(h, ev.DeadlinesSet)), "task 6 gets time limits, but"),
    "a step taken twice": (
        in_step(lambda h: with_event_again(h, ev.EscalationStepTaken)),
        "step 0 is taken for task 6 of '', but",
    ),
    "a step out of turn": (
        in_step(lambda h: with_event(h, ev.EscalationStepTaken, place=1)),
        "step 1 of task 6 is taken before its time",
    ),
    "a step never taken": (
        in_step(lambda h: without_event(h, event_at(h, ev.TasksPooled, last=True) - 1)),
        "step 1 of task 6 was due at 11000 and was never taken",
    ),
    "a lock that ends early": (
        in_step(lambda h: with_event(h, ev.TaskUnlocked, cause="ended")),
        "the lock of task 5 ends before its time",
    ),
    "a lock of the past": (in_step(lambda h: with_event(h, ev.TaskLocked, until=1)), "which is past"),
    "another end of a lock told": (lambda h: with_answer(h, "lock", locked_until=7), "request lock .*told"),
    "locked by a stale grant": (in_step(lambda h: with_event(h, ev.TaskLocked, grant=1)), "ann locks task 5 under"),
    "handed over by another": (
        in_step(lambda h: with_event(h, ev.TasksHandedOver, agent="ann")),
        "task 5 is handed over by ann",
    ),
    "handed over and nowhere": (
        in_step(lambda h: without_event(h, event_at(h, ev.TasksHandedOver) + 1)),
        "task 5 goes to bob, but it is between hands",
    ),
    "gone with its agent": (
        in_step(lambda h: without_event(h, event_at(h, ev.TasksRecycled) + 1)),
        r"tasks \[5\] are in nobody's hands",
    ),
    "escalated twice": (in_step(lambda h: with_event_again(h, ev.TasksEscalated)), "task 5 is escalated"),
    "recycled from another": (
        in_step(lambda h: with_event(h, ev.TasksRecycled, agents=("bob",))),
        "task 5 is recycled from bob",
    ),
    "asked outside, and nothing came of it": (
        in_step(lambda h: without_event(h, event_at(h, ev.ResultDelivered))),
        r"call forged-7-\d+ \(task.result\) began and never ended",
    ),
    "asked twice": (in_step(lambda h: with_event_again(h, ev.CallbacksStarted)), "task 7 is asked about again"),
    "done twice outside": (in_step(lambda h: with_event_again(h, ev.CallbackSucceeded)), "it was not under way"),
    "another result than was answered": (
        in_step(lambda h: with_event(h, ev.CallbackSucceeded, result={"done": "x"})),
        "which nobody answered",
    ),
    "heard of by nobody": (lambda h: h.heard.pop(), "ended as done, and the callee never said so"),
    "called under another key": (
        lambda h: h.heard.append(replace(h.heard[0], key="forged-7-1")),
        "was heard, and the log knows nothing of it",
    ),
    "called with other contents": (
        lambda h: h.heard.append(replace(h.heard[0], body=b"??")),
        "was heard with different contents",
    ),
    "a row twice": (in_step(lambda h: _rows(h, (2, 2))), r"lines \[3\] are missing or too many, \[2\] doubled"),
    "a row lost": (in_step(lambda h: _rows(h, (2,))), r"lines \[3\] are missing"),
    "a rejected row lost": (in_step(lambda h: with_event(h, ev.TasksImported, rejected=())), r"rejected: lines \[4\]"),
    "a package on its way": (
        in_step(lambda h: without_event(h, event_at(h, ev.PackageDistributed))),
        "never came to rest",
    ),
    "another number told": (lambda h: with_answer(h, "create-0", number=2), "told .*'number': 2"),
    "another grant told": (lambda h: with_answer(h, "claim", grant=2), "request claim .*told"),
    "another position told": (lambda h: with_answer(h, "cancel", position=2), "its last event is at"),
    "another reason told": (lambda h: with_answer(h, "late", reason="NO"), "told refused"),
    "an answer that changed": (
        lambda h: h.told.append(replace(h.told[2], answer={"position": 9})),
        "first told .* then",
    ),
    "told of what never was": (lambda h: h.told.append(_never()), "the log knows nothing of it"),
    "refused, and done": (lambda h: h.told.append(_refused()), "refused for ever, but it has"),
    "cancelled by a server that was not ending": (
        lambda h: h.told.append(replace(h.told[0], cut=(9.0,))),
        "told CANCELLED, and no server was ending",
    ),
    "an inner fault told": (lambda h: h.told.append(replace(h.told[0], strange=("INTERNAL: x",))), "told INTERNAL"),
    "time that goes back": (
        in_step(lambda h: h.log.append(replace(h.log[-1], position=len(h.log) + 1, at=1))),
        "older than",
    ),
    "a message doubled": (lambda h: h.messages.insert(5, h.messages[4]), "is there more than once"),
    "a message lost": (lambda h: h.messages.pop(6), "messages, but there are"),
    "messages in another order": (lambda h: h.messages.insert(2, h.messages.pop(3)), "comes after"),
    "a message of another content": (_payload, "expected"),
    "what was sent in lost": (lambda h: h.sent.append("c9"), "message c9: expected one task, but there are 0"),
    "what was sent in taken twice": (
        in_step(lambda h: with_event_again(h, ev.TaskCreated)),
        "message c0: .* there are 2",
    ),
    "the last message lost": (lambda h: h.messages.pop(), "messages, but there are"),
}


def test_a_whole_history_is_whole() -> None:
    history = forged()
    assert check(history) == []
    assert len(history.told) == 24 and len(history.messages) > 20


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_one_is_not(forgery: str) -> None:
    history = forged()
    forge, told = FORGERIES[forgery]
    forge(history)
    assert any(re.search(told, finding) for finding in check(history)), check(history)
