"""ApplyRules: accepted, refused, and what a new version does to work that waits."""

from __future__ import annotations

from engine import events as ev
from engine.commands import ApplyRules, CreateTask
from engine.refusals import Refusal
from engine.rules.document import load
from tests.engine.given import ATTRIBUTES, agent, document, roster, rule, rules, task
from tests.engine.scenario import DUE, MINUTE, REST, UNCHANGED, After, Refused, Scenario, Step, expect, holders


def test_first_version() -> None:
    source = document(rule())
    expect([], ApplyRules(source, "first"), [ev.RuleSetApplied(1, source, load(source), "first")])


def test_versions_count_up() -> None:
    scenario = Scenario(rules(rule()), rules(rule("s")))
    assert scenario.state.version == 2 and set(scenario.state.governing) == {"s"}
    assert set(scenario.state.rule_sets) == {1, 2}


def test_same_rules_again_change_nothing() -> None:
    scenario = expect([rules(rule())], ApplyRules(document(rule()) + "\n# reworded", "again"), UNCHANGED)
    told = scenario.answer(rules(rule()))
    assert not isinstance(told, Refusal) and (told.number, told.changed) == (1, False)


def test_the_dry_run_was_made_against_another_version() -> None:
    again = ApplyRules(document(rule("s")), expected_version=0)
    expect([rules(rule())], again, Refused("precondition", "RULES_MOVED_ON"))


def test_the_expected_version_is_in_force() -> None:
    scenario = Scenario(rules(rule()), ApplyRules(document(rule("s")), expected_version=1))
    assert scenario.state.version == 2


def test_a_document_with_faults_names_their_places() -> None:
    scenario = Scenario()
    told = scenario.answer(
        ApplyRules('workspace: bank\nrules:\n  - {id: r, task_type: call, when: task.nope == "x"}\n')
    )
    assert isinstance(told, Refusal) and (told.kind, told.reason) == ("invalid", "RULES_INVALID")
    assert [violation.field for violation in told.violations] == ["line 3, column 36"]


def test_a_document_for_another_workspace() -> None:
    expect([], ApplyRules(document(rule(), workspace="shop")), Refused("invalid", "WRONG_WORKSPACE"))


def test_an_attribute_keeps_its_type() -> None:
    other = {"task": {"level": "string"}, "agent": {"level": "int"}}
    scenario = Scenario(rules(rule()))
    told = scenario.answer(rules(rule(), attributes=other))
    assert isinstance(told, Refusal) and told.reason == "ATTRIBUTES_CHANGED"
    assert [violation.field for violation in told.violations] == ["attributes.task.level"]


def test_an_attribute_keeps_its_type_also_after_a_version_without_it() -> None:
    without: dict[str, dict[str, str]] = {"task": {}, "agent": {}}
    other = {"task": {"level": "string"}, "agent": {}}
    given: list[Step] = [rules(rule()), rules(rule(), attributes=without)]
    expect(given, rules(rule(), attributes=other), Refused("invalid", "ATTRIBUTES_CHANGED"))


def test_agents_who_came_first_must_fit_the_declared_types() -> None:
    given: list[Step] = [roster(agent("ann", level="three"))]
    expect(given, rules(rule()), Refused("invalid", "ATTRIBUTES_CHANGED"))


def test_a_declared_attribute_may_go_and_come_back() -> None:
    scenario = Scenario(rules(rule()), rules(rule(), attributes={"task": {}, "agent": {}}), rules(rule()))
    assert scenario.state.version == 3 and scenario.state.rule_set is not None
    assert scenario.state.rule_set.task_attributes == ATTRIBUTES["task"]


# --- work that waits ---------------------------------------------------------------------------------------------------


def test_waiting_tasks_move_to_the_rule_that_now_governs_them() -> None:
    given: list[Step] = [rules(rule("low")), task(), task(zone="n"), REST]
    now = rules(rule("low"), rule("north", when='task.zone == "n"', precedence=5))
    scenario = Scenario(*given, now)
    assert scenario.rest()[0] == ev.TasksPooled(2, (ev.Placement("north", (2,)),))


def test_tasks_that_no_rule_governed_are_taken_up() -> None:
    scenario = Scenario(task(), roster("ann"), REST)
    assert scenario.state.tasks[1].rule is None and holders(scenario) == {1: None}
    scenario.do(rules(rule()))
    scenario.rest()
    assert holders(scenario) == {1: "ann"}


def test_a_removed_rule_leaves_its_tasks_to_the_next_one_or_to_none() -> None:
    scenario = Scenario(rules(rule("a", when='task.zone == "n"'), rule("b")), task(zone="n"), REST)
    scenario.do(rules(rule("b")))
    scenario.rest()
    assert scenario.state.tasks[1].rule == "b"
    scenario.do(rules(rule("c", task_type="mail")))
    scenario.rest()
    assert scenario.state.tasks[1].rule is None and list(scenario.state.lanes) == [(None, 0, ())]


def test_held_tasks_stay_under_the_rule_they_came_by() -> None:
    scenario = Scenario(rules(rule("a", cap_per_agent=1)), roster("ann"), task(), REST, rules(rule("b")), REST)
    assert holders(scenario) == {1: "ann"} and scenario.state.tasks[1].rule == "a"
    assert scenario.state.agents["ann"].load_by_rule == {"a": 1}


def test_changed_ageing_orders_a_pool_anew() -> None:
    slow, quick = rules(rule(ageing="1h")), rules(rule(ageing="1m"))
    scenario = Scenario(slow, task(), After(5 * MINUTE), task(priority=1), REST)
    lane = scenario.state.lanes["r", 0, ()]
    assert list(lane.numbers()) == [2, 1]
    scenario.do(quick)
    assert list(lane.numbers()) == [1, 2]


def test_changed_targets_make_waiting_begin_anew() -> None:
    def version(name: str) -> ApplyRules:
        return rules(rule(targets=f'agent.team == "{name}"', relax=[{"after": "10m", "targets": "agent.level >= 9"}]))

    scenario = Scenario(version("west"), task(), REST, After(10 * MINUTE), DUE)
    assert scenario.state.tasks[1].stage == 1
    scenario.do(version("north"))
    assert scenario.rest()[0] == ev.TasksPooled(2, (ev.Placement("r", (1,)),))
    assert scenario.state.tasks[1].stage == 0
    assert scenario.state.timers.entries() == [(scenario.now + 10 * MINUTE, "relax", 1)]


def test_another_cap_leaves_waiting_as_it_is() -> None:
    relax = [{"after": "10m", "targets": "agent.level >= 9"}]
    given: list[Step] = [rules(rule(targets="agent.level >= 8", relax=relax)), task(), REST, After(10 * MINUTE), DUE]
    scenario = Scenario(*given, rules(rule(targets="agent.level >= 8", relax=relax, cap_per_agent=3)), REST)
    assert scenario.state.tasks[1].stage == 1


def test_a_raised_cap_and_wider_targets_count_at_once() -> None:
    scenario = Scenario(rules(rule(cap_per_agent=1)), roster("ann"), task(), task(), REST)
    assert holders(scenario) == {1: "ann", 2: None}
    scenario.do(rules(rule(cap_per_agent=2)))
    scenario.rest()
    assert holders(scenario) == {1: "ann", 2: "ann"}


def test_a_new_method_takes_over_the_pool() -> None:
    scenario = Scenario(rules(rule(method="claim")), roster("ann"), task(), REST)
    assert holders(scenario) == {1: None}
    scenario.do(rules(rule(method="push")))
    scenario.rest()
    assert holders(scenario) == {1: "ann"}


def test_a_package_under_way_is_pooled_by_the_rules_of_each_step() -> None:
    scenario = Scenario(rules(rule("a")), task(), rules(rule("b")))
    assert isinstance(scenario.do(CreateTask("call", "loan")), list)
    scenario.rest()
    assert {number: one.rule for number, one in scenario.state.tasks.items()} == {1: "b", 2: "b"}
