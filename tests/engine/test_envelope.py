"""What every recorded event carries besides its facts, and that a log alone gives the state."""

from __future__ import annotations

from engine import events as ev
from engine.commands import Order, SetPresence
from engine.decide import fingerprint_of
from engine.rules.document import load
from engine.workspace import SYSTEM
from tests.engine.given import agent, document, roster, rule, rules, task
from tests.engine.scenario import NOW, REST, RESTART, After, Scenario, Step, expect, holders


def test_positions_have_no_gaps() -> None:
    scenario = Scenario(rules(rule()), roster("ann"), task(), task(), REST)
    assert [recorded.position for recorded in scenario.log] == list(range(1, len(scenario.log) + 1))


def test_time_never_runs_backwards() -> None:
    scenario = Scenario(
        roster("ann"), After(-5_000), SetPresence("ann", "away"), After(9_000), SetPresence("ann", "busy")
    )
    assert [recorded.at for recorded in scenario.log] == [NOW, NOW, NOW + 4_000]


def test_the_envelope_of_a_command() -> None:
    command = SetPresence("ann", "away")
    scenario = Scenario(roster("ann"), Order(command, "lee", "req-1", "call-7"))
    recorded = scenario.log[-1]
    assert (recorded.actor, recorded.request, recorded.correlation) == ("lee", "req-1", "call-7")
    assert recorded.fingerprint == fingerprint_of(command)


def test_without_a_correlation_the_request_is_one() -> None:
    scenario = Scenario(roster("ann"), Order(SetPresence("ann", "away"), "lee", "req-1"), SetPresence("ann", "busy"))
    assert [(one.correlation, one.fingerprint != "") for one in scenario.log[1:]] == [("req-1", True), ("", False)]


def test_what_the_engine_does_of_its_own_accord() -> None:
    scenario = Scenario(rules(rule()), roster("ann"), task(), REST)
    assert [(type(one.event), one.actor, one.request) for one in scenario.log[-1:]] == [(ev.TasksAllocated, SYSTEM, "")]


def test_fingerprints_differ_where_commands_do() -> None:
    commands = [task(), task("mail"), task(zone="a"), task(zone="b"), roster(), SetPresence("", ""), task(priority=1)]
    assert len({fingerprint_of(command) for command in commands}) == len(commands)


def test_a_log_alone_gives_the_state() -> None:
    source = document(rule())
    row = ev.TaskRow(0, "c1", None, None, 5, ())
    given: list[Step] = [
        ev.RuleSetApplied(1, source, load(source)),
        ev.AgentsRegistered((agent("ann", capacity=1),)),
        ev.TaskCreated(1, "call", "loan", (), row),
        ev.TasksPooled(1, (ev.Placement("r", (1,)),)),
        ev.TaskCreated(2, "call", "loan", (), row),
        ev.TasksPooled(1, (ev.Placement("r", (2,)),)),
        ev.TasksAllocated(1, 1, ("ann",), ("r",), (ev.Pick("least_loaded"),), (1,), (0,), (0,), (0,)),
        RESTART,
        REST,
    ]
    scenario = expect(given, ev.TasksCancelled((1,), ("ann",)), [ev.TasksCancelled((1,), ("ann",))])
    assert holders(scenario) == {2: None}
    assert ev.PoolStalled("r", 0, "all_at_capacity", 1) in scenario.events
    scenario.do(RESTART)
    scenario.rest()
    assert holders(scenario) == {2: "ann"} and scenario.state.tasks[2].grant == scenario.state.position
