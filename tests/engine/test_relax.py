"""Relax steps: the longer a task waits, the wider its targets; and lanes, where tasks with equal agents stand."""

from __future__ import annotations

from engine import events as ev
from engine.commands import CancelTask, ReassignTask, Tick
from engine.decide.context import Context
from engine.reactions import ROUND
from tests.engine.given import agent, package, roster, row, rule, rules, task
from tests.engine.scenario import DUE, MINUTE, REST, RESTART, After, Refused, Scenario, Step, holders

_RELAX = [{"after": "10m", "targets": 'agent.team == "north"'}, {"after": "30m", "targets": "true"}]
_RULES = rules(rule(targets='agent.team == "east"', relax=_RELAX))
_NORTH, _WEST = agent("nora", team="north"), agent("wes", team="west")


def _stages(scenario: Scenario) -> dict[int, int]:
    return {number: one.stage for number, one in scenario.state.tasks.items()}


def test_wider_targets_by_time() -> None:
    scenario = Scenario(_RULES, roster(_NORTH), task(), REST, After(10 * MINUTE - 1), DUE)
    assert holders(scenario) == {1: None}
    scenario.do(After(1))
    told = scenario.do(DUE)
    assert isinstance(told, list) and told[0] == ev.TasksRelaxed("r", 1, (1,))
    assert holders(scenario) == {1: "nora"}


def test_steps_count_from_when_the_task_came_into_the_pool() -> None:
    scenario = Scenario(_RULES, roster(_WEST), task(), REST, After(10 * MINUTE), DUE)
    assert scenario.state.timers.next_due() == scenario.now + 20 * MINUTE
    scenario.do(After(20 * MINUTE))
    scenario.do(DUE)
    assert holders(scenario) == {1: "wes"} and scenario.state.timers.entries() == []


def test_a_late_clock_takes_every_step_in_turn() -> None:
    scenario = Scenario(_RULES, task(), REST, After(60 * MINUTE), DUE)
    assert _stages(scenario) == {1: 1}
    scenario.do(DUE)
    assert _stages(scenario) == {1: 2}


def test_a_tick_with_nothing_due() -> None:
    assert Scenario(_RULES, task(), REST).do(Tick(10)) == "unchanged"


def test_a_tick_acts_on_a_limited_number() -> None:
    scenario = Scenario(_RULES, *package([row(line) for line in range(2 * ROUND)]), REST, After(10 * MINUTE), DUE)
    assert list(_stages(scenario).values()).count(1) == ROUND
    scenario.do(DUE)
    assert set(_stages(scenario).values()) == {1}


def test_relaxed_tasks_keep_their_order() -> None:
    given: list[Step] = [_RULES, task(), task(priority=9), task(priority=5), REST, After(10 * MINUTE), DUE]
    assert list(Scenario(*given).state.lanes["r", 1, ()].numbers()) == [2, 3, 1]


def test_what_leaves_the_pool_has_no_timer() -> None:
    scenario = Scenario(_RULES, roster(_NORTH), task(), task(), task(), REST)
    assert len(scenario.state.timers) == 3
    scenario.do(CancelTask(1))
    scenario.do(ReassignTask(2, "nora"))
    scenario.do(roster(agent("ann")))
    scenario.rest()
    assert len(scenario.state.timers) == 0


def test_timers_outlive_a_restart() -> None:
    scenario = Scenario(_RULES, roster(_NORTH), task(), REST, RESTART, REST, After(10 * MINUTE), DUE)
    assert holders(scenario) == {1: "nora"}


def test_a_stall_names_the_stage() -> None:
    scenario = Scenario(_RULES, roster(_WEST), task(), REST, After(10 * MINUTE), DUE)
    stalls = [event for event in scenario.events if isinstance(event, ev.PoolStalled)]
    assert [(one.stage, one.reason) for one in stalls] == [
        (0, "no_agent_within_targets"),
        (1, "no_agent_within_targets"),
    ]


def test_fewer_steps_under_new_rules_count_as_the_widest() -> None:
    scenario = Scenario(_RULES, task(), REST, After(10 * MINUTE), DUE)
    scenario.do(rules(rule(targets='agent.team == "east"')))
    assert scenario.do(ReassignTask(1, "zoe")) == Refused("not_found", "AGENT_UNKNOWN")
    scenario.rest()
    assert _stages(scenario) == {1: 0} and scenario.state.timers.entries() == []


def test_a_step_that_falls_due_while_rules_change_is_not_taken_by_the_old_ones() -> None:
    scenario = Scenario(_RULES, task(), REST, After(10 * MINUTE), rules(rule(targets='agent.team == "east"')), DUE)
    assert ev.TasksRelaxed("r", 1, (1,)) not in scenario.events
    assert _stages(scenario) == {1: 0} and scenario.state.timers.entries() == []
    scenario.do(_RULES)
    scenario.rest()
    assert scenario.state.timers.next_due() == scenario.now + 10 * MINUTE


def test_rules_that_come_back_before_anybody_looked_find_their_timers() -> None:
    without = rules(rule(targets='agent.team == "east"'))
    scenario = Scenario(_RULES, task(), REST, After(10 * MINUTE), without, DUE, _RULES, REST)
    assert scenario.state.timers.next_due() == scenario.now + 10 * MINUTE


# --- lanes -------------------------------------------------------------------------------------------------------------


def test_one_lane_where_targets_name_no_task_attribute() -> None:
    scenario = Scenario(_RULES, task(zone="a"), task(zone="b"))
    assert list(scenario.state.lanes) == [("r", 0, ())]


def test_a_lane_for_each_value_that_targets_or_relax_name() -> None:
    relax = [{"after": "10m", "targets": "task.level <= agent.level"}]
    written = rules(rule(targets="task.zone in agent.skills", relax=relax))
    asked = [task(zone="a", level=1), task(zone="a", level=2), task(zone="a", level=1), task()]
    scenario = Scenario(written, *asked)
    lanes = {key: list(lane.numbers()) for key, lane in scenario.state.lanes.items()}
    assert lanes == {("r", 0, (1, "a")): [1, 3], ("r", 0, (2, "a")): [2], ("r", 0, (None, None)): [4]}


def test_who_may_take_from_a_lane_goes_by_its_values() -> None:
    written = rules(rule(targets="task.zone in agent.skills"))
    people = roster(agent("ann", skills=("a",)), agent("bob", skills=("b", "c")))
    scenario = Scenario(written, people, *(task(zone=zone) for zone in "cab"), task(zone="d"), REST)
    assert holders(scenario) == {1: "bob", 2: "ann", 3: "bob", 4: None}


def test_no_lane_is_kept_empty() -> None:
    scenario = Scenario(_RULES, task(), CancelTask(1))
    assert scenario.state.lanes == {}


def test_context_is_time_and_rules_only() -> None:
    assert Context.__struct_fields__ == ("now", "judge")
