"""Work that comes back: nobody began it in time, its agent went, or he handed it over."""

from __future__ import annotations

import pytest

from engine import events as ev
from engine.commands import HandOverTasks, Held, LockTask, SetPresence, StartTask, UnlockTask
from engine.refusals import Refusal
from tests.engine.given import agent, package, roster, row, rule, rules, task
from tests.engine.scenario import DUE, MINUTE, REST, RESTART, After, Refused, Scenario, Step, expect, holders

_RECYCLED = rules(rule(recycle_after="10m"))
_TWO = roster("ann", "bob")
_ANN: list[Step] = [_RECYCLED, roster("ann"), task(), REST, _TWO, REST]
_GRANT = 5
_HANDED: list[Step] = [rules(rule(handover={"raise_priority": 30, "limit": 2})), roster("ann"), task(), REST, _TWO]


def _hand_over(number: int = 1, grant: int = _GRANT, **more: str) -> HandOverTasks:
    return HandOverTasks("ann", (Held(number, grant),), **more)


def test_what_nobody_began_in_time_goes_to_another_agent() -> None:
    scenario = Scenario(*_ANN, After(10 * MINUTE - 1), DUE)
    assert holders(scenario) == {1: "ann"}
    scenario.do(After(1))
    told = scenario.do(DUE)
    assert told[:2] == [ev.TasksRecycled((1,), ("ann",), "not_started"), ev.TasksPooled(1, (ev.Placement("r", (1,)),))]
    assert holders(scenario) == {1: "bob"}


def test_work_begun_is_not_recycled() -> None:
    scenario = Scenario(*_ANN, StartTask(1, "ann", _GRANT), After(60 * MINUTE))
    assert scenario.state.timers.entries() == [] and scenario.do(DUE) == []


def test_it_goes_back_to_the_same_agent_where_nobody_else_can_take_it() -> None:
    scenario = Scenario(_RECYCLED, roster("ann"), task(), REST, After(10 * MINUTE), DUE)
    assert holders(scenario) == {1: "ann"} and scenario.state.timers.next_due() == scenario.now + 10 * MINUTE


@pytest.mark.parametrize("strategy", [["owner", "least_loaded"], ["last_agent"], ["region", "round_robin"]])
def test_no_strategy_sends_it_straight_back(strategy: list[str]) -> None:
    north = [agent("ann", regions=("JS",)), agent("bob", regions=())]
    work = task(owner="ann", customer="c1", region="JS")
    scenario = Scenario(rules(rule(recycle_after="10m", strategy=strategy)), roster(north[0]), work, REST)
    scenario.do(roster(*north))
    scenario.do(After(10 * MINUTE))
    scenario.do(DUE)
    assert holders(scenario) == {1: "bob"}


def test_the_last_round_is_escalated_and_ends_recycling() -> None:
    given = [rules(rule(recycle_after="10m", recycle_limit=2)), roster("ann"), task(), REST, After(10 * MINUTE), DUE]
    scenario = Scenario(*given, After(10 * MINUTE))
    told = scenario.do(DUE)
    assert ev.TasksEscalated((1,), "recycle_limit") in told and holders(scenario) == {1: "ann"}
    assert scenario.state.timers.entries() == []


def test_rows_of_a_package_are_recycled_together_and_counted_once() -> None:
    given: list[Step] = [_RECYCLED, roster(agent("ann", capacity=9)), *package([row(2), row(3), row(4)]), REST]
    scenario = Scenario(*given, After(10 * MINUTE), DUE)
    assert [event.tasks for event in scenario.events if isinstance(event, ev.TasksRecycled)] == [(1, 2, 3)]
    assert (scenario.state.packages[1].distributed, scenario.state.packages[1].waiting) == (3, 0)


def test_who_goes_offline_gives_back_what_is_neither_begun_nor_locked() -> None:
    given: list[Step] = [rules(rule()), roster("ann"), task(), task(), task(), REST, StartTask(1, "ann", 9)]
    scenario = Scenario(*given, LockTask(2, "ann", 9, MINUTE))
    told = scenario.do(SetPresence("ann", "offline"))
    assert ev.TasksRecycled((3,), ("ann",), "agent_offline") in told
    assert holders(scenario) == {1: "ann", 2: "ann", 3: None} and scenario.state.tasks[3].marks.recycled == 0


def test_a_rule_may_leave_work_with_who_is_offline() -> None:
    kept = rules(rule(on_agent_loss="keep"))
    told = [ev.AgentPresenceChanged("ann", "offline")]
    scenario = expect([kept, roster("ann"), task(), REST], SetPresence("ann", "offline"), told)
    assert holders(scenario) == {1: "ann"}


def test_who_is_removed_gives_it_back_too() -> None:
    scenario = Scenario(rules(rule()), roster("ann"), task(), REST)
    scenario.do(roster("bob", prune=True))
    scenario.do(REST)
    assert holders(scenario) == {1: "bob"} and list(scenario.state.agents) == ["bob"]


def test_a_handover_raises_the_priority_and_finds_another_agent() -> None:
    scenario = expect(
        _HANDED,
        _hand_over(note="speaks Uighur"),
        [
            ev.TasksHandedOver("ann", (1,), (30,), "speaks Uighur"),
            ev.TasksPooled(1, (ev.Placement("r", (1,)),)),
        ],
    )
    scenario.do(REST)
    assert holders(scenario) == {1: "bob"} and scenario.state.tasks[1].priority == 30


def test_priority_ends_at_a_hundred() -> None:
    given: list[Step] = [rules(rule(handover={"raise_priority": 30})), roster("ann"), task(priority=90), REST]
    told = Scenario(*given).do(_hand_over(grant=5))
    assert told[0] == ev.TasksHandedOver("ann", (1,), (100,))


def test_one_handover_too_many_is_escalated() -> None:
    scenario = Scenario(*_HANDED)
    for handed in range(3):
        held = scenario.state.tasks[1]
        told = scenario.do(HandOverTasks(held.agent or "", (Held(1, held.grant),)))
        assert (ev.TasksEscalated((1,), "handover_limit") in told) == (handed == 2)
        scenario.do(REST)


def test_several_are_handed_over_all_or_none() -> None:
    scenario = Scenario(rules(rule()), roster("ann"), task(), task(), REST)
    both = HandOverTasks("ann", (Held(1, 7), Held(2, 5)))
    assert scenario.do(both) == Refused("stale", "STALE_GRANT") and holders(scenario) == {1: "ann", 2: "ann"}
    told = scenario.do(HandOverTasks("ann", (Held(1, 7), Held(2, 7))))
    assert told[0] == ev.TasksHandedOver("ann", (1, 2), (0, 0))


def test_a_handover_to_a_named_agent_keeps_its_cap() -> None:
    given: list[Step] = [rules(rule(cap_per_agent=1)), roster("ann"), task(), REST, _TWO, task(), REST]
    assert Scenario(*given).do(_hand_over(to_agent="bob")) == Refused("precondition", "RULE_CAP_REACHED")
    scenario = Scenario(*given[:-2])
    told = scenario.do(_hand_over(grant=5, to_agent="bob"))
    assert told[1] == ev.TaskReassigned(1, "bob", "", "r", 1, again=True) and holders(scenario) == {1: "bob"}


def test_a_handover_into_another_rules_pool_stays_there_when_rules_are_applied_anew() -> None:
    both = rule(), rule("west", when="false", targets='agent.team == "west"')
    scenario = Scenario(rules(*both), roster("ann"), task(), REST, _hand_over(grant=5, to_rule="west"), REST)
    assert scenario.state.tasks[1].rule == "west" and holders(scenario) == {1: None}
    scenario.do(rules(*both, rule("more")))
    scenario.do(REST)
    assert scenario.state.tasks[1].rule == "west"
    scenario.do(roster("ann", agent("wes", team="west")))
    scenario.do(REST)
    assert holders(scenario) == {1: "wes"}
    scenario.do(RESTART)
    assert scenario.rest() == []


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"to_agent": "eve"}, "AGENT_UNKNOWN"),
        ({"to_agent": "ann"}, "SAME_AGENT"),
        ({"to_rule": "none"}, "RULE_UNKNOWN"),
        ({"to_agent": "bob", "to_rule": "r"}, "HANDOVER_INVALID"),
    ],
)
def test_a_handover_to_nowhere_is_refused(more: dict[str, str], reason: str) -> None:
    told = Scenario(*_HANDED).do(_hand_over(grant=5, **more))
    assert isinstance(told, Refused) and told.reason == reason


# --- locks ------------------------------------------------------------------------------------------------------------

_LOCKABLE: list[Step] = [rules(rule(recycle_after="10m", lock_max="30m")), roster("ann"), task(), REST, _TWO, REST]


def _lock(minutes: int) -> LockTask:
    return LockTask(1, "ann", 5, minutes * MINUTE)


def test_a_lock_keeps_the_task_and_ends_by_itself() -> None:
    scenario = Scenario(*_LOCKABLE, _lock(20), After(10 * MINUTE), DUE)
    assert holders(scenario) == {1: "ann"}
    scenario.do(After(10 * MINUTE))
    assert scenario.do(DUE) == [ev.TaskUnlocked(1, "ann", 5, "ended")]
    told = scenario.do(DUE)
    assert told[0] == ev.TasksRecycled((1,), ("ann",), "not_started"), "its time was over while it was locked"


def test_a_lock_may_last_as_long_as_the_rule_lets_it_and_no_longer() -> None:
    assert isinstance(Scenario(*_LOCKABLE).do(_lock(30)), list)
    told = Scenario(*_LOCKABLE).answer(_lock(31))
    assert isinstance(told, Refusal) and "1800000" in told.message and "1860000" in told.message


def test_a_lock_is_renewed_from_now_on() -> None:
    scenario = Scenario(*_LOCKABLE, _lock(20), After(5 * MINUTE), _lock(20))
    assert [kind for _, kind, _ in scenario.state.timers.entries()] == ["unlock"]
    assert scenario.state.timers.next_due() == scenario.now + 20 * MINUTE


def test_an_early_unlock_gives_back_the_time_that_was_left() -> None:
    scenario = Scenario(*_LOCKABLE)
    due = scenario.state.timers.next_due()
    scenario.do(_lock(20))
    scenario.do(UnlockTask(1, "ann", 5))
    assert scenario.state.timers.next_due() == due


def test_starting_in_a_lock_ends_the_wait_for_a_start() -> None:
    scenario = Scenario(*_LOCKABLE, _lock(20), StartTask(1, "ann", 5), After(20 * MINUTE), DUE)
    assert scenario.state.timers.entries() == []


def test_a_lock_survives_a_restart() -> None:
    scenario = Scenario(*_LOCKABLE, _lock(20), RESTART, REST)
    assert scenario.state.tasks[1].locked and scenario.do(_lock(1)) != []
