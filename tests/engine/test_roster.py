"""ApplyRoster and SetPresence."""

from __future__ import annotations

import pytest

from engine import events as ev
from engine.commands import ApplyRoster, SetPresence, StartTask
from engine.decide.agents import AGENTS_PER_EVENT
from engine.refusals import Refusal
from tests.engine.given import agent, roster, rule, rules, task
from tests.engine.scenario import REST, UNCHANGED, Refused, Scenario, Step, expect


def test_agents_are_registered_in_order() -> None:
    both = (agent("ann"), agent("bob", presence="away"))
    scenario = expect([], ApplyRoster(both), [ev.AgentsRegistered(both)])
    assert [(one.id, one.index, one.presence) for one in scenario.state.agents.values()] == [
        ("ann", 1, "available"),
        ("bob", 2, "away"),
    ]


def test_only_what_changed_is_registered_again() -> None:
    changed = agent("bob", capacity=3)
    expect([roster("ann", "bob")], roster("ann", changed), [ev.AgentsRegistered((changed,))])


def test_new_data_leaves_presence_and_load_alone() -> None:
    given: list[Step] = [rules(rule()), roster("ann"), task(), REST, SetPresence("ann", "busy")]
    scenario = Scenario(*given, roster(agent("ann", capacity=3)))
    ann = scenario.state.agents["ann"]
    assert (ann.presence, ann.load, ann.spec.capacity, ann.index) == ("busy", 1, 3, 1)


def test_the_same_roster_changes_nothing() -> None:
    expect([roster("ann")], roster("ann"), UNCHANGED)
    expect([roster("ann")], roster("ann", prune=True), UNCHANGED)


def test_prune_removes_who_is_not_named() -> None:
    expect([roster("ann", "bob")], roster("ann", prune=True), [ev.AgentsRemoved(("bob",))])


def test_without_prune_others_stay() -> None:
    scenario = Scenario(roster("ann"), roster("bob"))
    assert list(scenario.state.agents) == ["ann", "bob"]


def test_who_comes_back_is_new() -> None:
    scenario = Scenario(roster("ann", "bob"), roster("bob", prune=True), roster("ann"))
    assert [(one.id, one.index) for one in scenario.state.agents.values()] == [("bob", 2), ("ann", 3)]


def test_who_holds_tasks_is_not_removed() -> None:
    given: list[Step] = [rules(rule()), roster("ann"), task(), REST, StartTask(1, "ann", 5)]
    expect(given, roster("bob", prune=True), Refused("precondition", "AGENT_HOLDS_TASKS"))


def test_a_large_roster_comes_in_chunks() -> None:
    many = tuple(agent(f"a{number}") for number in range(AGENTS_PER_EVENT + 1))
    expect([], ApplyRoster(many), [ev.AgentsRegistered(many[:-1]), ev.AgentsRegistered(many[-1:])])


WRONG = {
    "id": [agent(""), agent(" ann"), agent("x" * 129)],
    "capacity": [agent("ann", capacity=-1), agent("ann", capacity=1_000_001)],
    "weight": [agent("ann", weight=0), agent("ann", weight=1_001)],
    "presence": [agent("ann", presence="here")],
    "attributes.lvl": [agent("ann", lvl=1)],
    "attributes.level": [agent("ann", level="one"), agent("ann", level=True), agent("ann", level=2**63)],
    "attributes.skills": [agent("ann", skills="loan"), agent("ann", skills=(1,)), agent("ann", skills=(None,))],
}


@pytest.mark.parametrize(("field", "spec"), [(field, spec) for field, specs in WRONG.items() for spec in specs])
def test_wrong_data(field: str, spec: ev.AgentSpec) -> None:
    told = Scenario(rules(rule())).answer(roster(spec))
    assert isinstance(told, Refusal) and (told.kind, told.reason) == ("invalid", "ROSTER_INVALID")
    assert [violation.field.split("].", 1)[1] for violation in told.violations] == [field]


def test_an_id_twice() -> None:
    expect([], roster("ann", "ann"), Refused("invalid", "ROSTER_INVALID"))


def test_a_name_nearly_right_is_pointed_out() -> None:
    told = Scenario(rules(rule())).answer(roster(agent("ann", skils=("loan",))))
    assert isinstance(told, Refusal) and "did you mean 'skills'?" in told.violations[0].description


def test_absent_and_fractional_values_have_their_types() -> None:
    attributes = {"agent": {"level": "int", "score": "float"}, "task": {}}
    scenario = Scenario(rules(rule(), attributes=attributes), roster(agent("ann", level=None, score=1)))
    assert "ann" in scenario.state.agents
    for wrong in (float("nan"), float("inf"), "high"):
        expect(
            [rules(rule(), attributes=attributes)],
            roster(agent("ann", score=wrong)),
            Refused("invalid", "ROSTER_INVALID"),
        )


def test_presence_changes() -> None:
    expect([roster("ann")], SetPresence("ann", "away", "lunch"), [ev.AgentPresenceChanged("ann", "away", "lunch")])


def test_presence_as_it_is() -> None:
    expect([roster("ann")], SetPresence("ann", "available"), UNCHANGED)


def test_presence_unknown() -> None:
    expect([roster("ann")], SetPresence("ann", "here"), Refused("invalid", "PRESENCE_UNKNOWN"))


def test_presence_of_nobody() -> None:
    expect([roster("ann")], SetPresence("zoe", "away"), Refused("not_found", "AGENT_UNKNOWN"))
