"""A request id seen before gets its first answer and changes nothing; refusals that depend on the moment are on record."""

from __future__ import annotations

from typing import Any

import pytest

import engine.evolve
from engine import events as ev
from engine.answers import Answer
from engine.commands import (
    ApplyRoster,
    ApplyRules,
    CancelTask,
    ClaimTask,
    Command,
    CompleteTask,
    CreateTask,
    CreateTasks,
    FailPackage,
    FinishParsing,
    ImportRows,
    ReassignTask,
    RegisterPackage,
    SetPresence,
    StartParsing,
    StartTask,
    WithdrawPackage,
)
from engine.refusals import Refusal
from engine.workspace import Workspace
from tests.engine.given import agent, document, package, register, roster, row, rule, rules, task
from tests.engine.scenario import NOW, REST, Scenario, Step

_RULES = rules(rule(method="claim"))
_HELD: list[Step] = [_RULES, roster("ann", "bob"), task(), REST, ClaimTask("ann", 1)]  # the grant is 5
_STARTED: list[Step] = [*_HELD, StartTask(1, "ann", 5)]
_IMPORTING: list[Step] = [_RULES, register(), StartParsing(1)]

ACCEPTED: list[tuple[list[Step], Command]] = [
    ([], ApplyRules(document(rule()), "first")),
    ([], roster("ann", "bob")),
    ([roster("ann", "bob")], ApplyRoster((agent("ann", capacity=4),), prune=True)),
    ([roster("ann")], SetPresence("ann", "away")),
    ([_RULES], register()),
    ([_RULES, register()], StartParsing(1)),
    (_IMPORTING, ImportRows(1, 0, (), (row(2), row(3)))),
    ([*_IMPORTING, ImportRows(1, 0, (), (row(2),))], FinishParsing(1, 1)),
    (_IMPORTING, FailPackage(1, "torn")),
    (_IMPORTING, WithdrawPackage(1, "wrong")),
    ([_RULES], CreateTask("call", "loan", {"zone": "n", "level": 3})),
    ([_RULES, task()], CreateTasks((task(), task("mail"), task(level=3)))),
    ([_RULES, roster("ann"), task(), REST], ClaimTask("ann")),
    (_HELD, StartTask(1, "ann", 5)),
    (_STARTED, CompleteTask(1, "ann", 5, {"note": "done"})),
    (_HELD, CancelTask(1, 5, "gone")),
    (_HELD, ReassignTask(1, "bob", 5, "ill")),
]
_NAMES = [type(command).__name__ for _, command in ACCEPTED]


@pytest.mark.parametrize(("given", "command"), ACCEPTED, ids=_NAMES)
def test_a_repeat_gets_the_same_answer_and_no_event(given: list[Step], command: Command) -> None:
    scenario = Scenario(*given)
    first = scenario.answer(command, "req-1")
    assert isinstance(first, Answer) and first.changed and first.position == scenario.state.position
    scenario.rest()
    position = scenario.state.position
    assert scenario.answer(command, "req-1") == first
    assert scenario.state.position == position


@pytest.mark.parametrize(("given", "command"), ACCEPTED, ids=_NAMES)
def test_a_repeat_after_a_restart_gets_the_same_answer(given: list[Step], command: Command) -> None:
    scenario = Scenario(*given)
    first = scenario.answer(command, "req-1")
    restored = Workspace("bank")
    restored.restore(scenario.log)
    assert restored.handle(_order(command), NOW + 9) == ([], first)


@pytest.mark.parametrize(("given", "command"), ACCEPTED, ids=_NAMES)
def test_an_id_used_for_something_else(given: list[Step], command: Command) -> None:
    scenario = Scenario(*given)
    scenario.answer(command, "req-1")
    told = scenario.answer(SetPresence("ann", "offline", "other"), "req-1")
    assert isinstance(told, Refusal) and (told.kind, told.reason) == ("already_exists", "REQUEST_ID_REUSED")
    assert scenario.log[-1].event != ev.AgentPresenceChanged("ann", "offline", "other")


def test_the_order_of_named_values_makes_no_other_request() -> None:
    scenario = Scenario(_RULES)
    first = scenario.answer(CreateTask("call", "loan", {"zone": "n", "level": 3}), "req-1")
    assert scenario.answer(CreateTask("call", "loan", {"level": 3, "zone": "n"}), "req-1") == first


def test_without_an_id_nothing_is_remembered() -> None:
    scenario = Scenario(_RULES, task(), task())
    assert scenario.state.last_task == 2 and scenario.state.requests == {}


REFUSED: list[tuple[list[Step], Command, str, str]] = [
    ([_RULES], ApplyRules(document(rule("s")), expected_version=0), "precondition", "RULES_MOVED_ON"),
    ([*_HELD, StartTask(1, "ann", 5)], ApplyRoster((agent("bob"),), prune=True), "precondition", "AGENT_HOLDS_TASKS"),
    ([], register(), "precondition", "NO_RULES"),
    ([*_IMPORTING], ImportRows(1, 1, (), ()), "precondition", "CHUNK_OUT_OF_TURN"),
    (_HELD, ClaimTask("bob", 1), "precondition", "TASK_NOT_WAITING"),
    (_HELD, StartTask(1, "ann", 4), "stale", "STALE_GRANT"),
    (_HELD, CompleteTask(1, "ann", 5), "precondition", "NOT_STARTED"),
    (_HELD, CancelTask(1), "stale", "STALE_GRANT"),
    (_HELD, ReassignTask(1, "ann", 5), "precondition", "SAME_AGENT"),
]


@pytest.mark.parametrize(("given", "command", "kind", "reason"), REFUSED)
def test_a_refusal_of_the_moment_is_on_record(given: list[Step], command: Command, kind: str, reason: str) -> None:
    scenario = Scenario(*given)
    told = scenario.answer(command, "req-1")
    assert isinstance(told, Refusal) and (told.kind, told.reason) == (kind, reason)
    assert told.message.startswith("Expected ")
    record = scenario.log[-1].event
    assert record == ev.CommandRefused(type(command).__name__, kind, reason, told.message, told.task, told.agent)
    before = _facts(scenario)
    assert scenario.answer(command, "req-1") == told
    assert _facts(scenario) == before


@pytest.mark.parametrize(("given", "command", "kind", "reason"), REFUSED)
def test_a_refusal_without_an_id_leaves_no_trace(given: list[Step], command: Command, kind: str, reason: str) -> None:
    scenario = Scenario(*given)
    before = _facts(scenario)
    told = scenario.answer(command)
    assert isinstance(told, Refusal) and (told.kind, told.reason) == (kind, reason)
    assert _facts(scenario) == before


def test_a_refusal_stays_though_it_would_now_be_granted() -> None:
    scenario = Scenario(_RULES, roster(agent("ann", presence="away")), task())
    first = scenario.answer(ClaimTask("ann", 1), "req-1")
    assert isinstance(first, Refusal) and first.reason == "AGENT_NOT_THERE"
    scenario.do(SetPresence("ann", "available"))
    assert scenario.answer(ClaimTask("ann", 1), "req-1") == first
    assert isinstance(scenario.answer(ClaimTask("ann", 1), "req-2"), Answer)


def test_what_was_so_already_stays_so_for_a_repeat() -> None:
    scenario = Scenario(_RULES, roster(agent("ann", presence="away")))
    first = scenario.answer(SetPresence("ann", "away"), "req-1")
    assert isinstance(first, Answer) and not first.changed
    assert scenario.log[-1].event == ev.CommandHadNoEffect("SetPresence", None, "ann")
    scenario.do(SetPresence("ann", "available"))
    assert scenario.answer(SetPresence("ann", "away"), "req-1") == first
    assert scenario.state.agents["ann"].presence == "available"


@pytest.mark.parametrize("command", [StartTask(9, "ann", 1), CreateTask("", ""), SetPresence("zoe", "away")])
def test_refusals_that_hold_at_any_time_are_not_on_record(command: Command) -> None:
    scenario = Scenario(_RULES, roster("ann"))
    before = _facts(scenario)
    assert isinstance(scenario.answer(command, "req-1"), Refusal)
    assert _facts(scenario) == before


def test_a_repeated_chunk_is_known_by_its_number() -> None:
    scenario = Scenario(*_IMPORTING, ImportRows(1, 0, (), (row(2),)))
    told = scenario.answer(ImportRows(1, 0, (), (row(2),)))
    assert isinstance(told, Answer) and (told.number, told.changed) == (1, False)


def test_the_oldest_requests_are_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine.evolve, "REMEMBERED_REQUESTS", 2)
    scenario = Scenario(_RULES)
    for number in range(3):
        scenario.answer(task(), f"req-{number}")
    assert list(scenario.state.requests) == ["req-1", "req-2"]


def test_an_answer_tells_the_position_of_its_last_event() -> None:
    scenario = Scenario()
    many = tuple(agent(f"a{number}") for number in range(600))
    told = scenario.answer(ApplyRoster(many), "req-1")
    assert isinstance(told, Answer) and told.position == 2
    assert isinstance(scenario.answer(register("d")), Refusal)


@pytest.mark.parametrize(
    ("given", "command", "number", "agent_id"),
    [
        ([], _RULES, 1, None),
        ([_RULES], RegisterPackage("s", "u", "p", "d", 1, "call", "loan", ev.ColumnMapping()), 1, None),
        ([_RULES, task()], task(), 2, None),
        ([_RULES, task()], CreateTasks((task(), task())), 2, None),
        ([_RULES, roster("ann"), task(), task()], ClaimTask("ann"), 1, "ann"),
        (_HELD, ReassignTask(1, "bob", 5), 1, "bob"),
        (_HELD, CancelTask(1, 5), 1, None),
        ([_RULES, *package([row(2)])], WithdrawPackage(1), 1, None),
    ],
)
def test_an_answer_names_what_it_concerns(
    given: list[Step], command: Command, number: int, agent_id: str | None
) -> None:
    told = Scenario(*given).answer(command)
    assert isinstance(told, Answer) and (told.number, told.agent) == (number, agent_id)


def _order(command: Command) -> Any:
    from engine.commands import Order

    return Order(command, "op", "req-1")


def _facts(scenario: Scenario) -> tuple[Any, ...]:
    state = scenario.state
    return (state.position, len(scenario.log), repr(state.tasks), repr(state.agents), repr(state.requests))
