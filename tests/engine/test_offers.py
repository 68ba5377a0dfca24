"""Method offer: an agent is asked, and has the task only once he accepts."""

from __future__ import annotations

from itertools import pairwise

import pytest

from engine import events as ev
from engine.commands import (
    AcceptOffer,
    CancelTask,
    CompleteTask,
    HandOverTasks,
    Held,
    ReassignTask,
    RejectOffer,
    SetPresence,
    StartTask,
    WithdrawPackage,
)
from engine.explain import Explanation, explain
from tests.engine.given import agent, package, roster, row, rule, rules, task
from tests.engine.scenario import DUE, MINUTE, NOW, REST, RESTART, After, Refused, Scenario, Step, expect, holders

_THREE = roster("ann", "bob", "cat")


def _offering(rounds: int = 5, **more: object) -> list[Step]:
    return [rules(rule(method="offer", offer={"accept_within": "1m", "rounds": rounds}, **more))]


_ANN: list[Step] = [*_offering(), roster("ann"), task(), REST]
_GRANT = 5


def _reject(scenario: Scenario, number: int = 1) -> list[ev.Event]:
    """Whoever is offered the task rejects it, and the next is asked."""
    asked = scenario.state.tasks[number]
    told = scenario.do(RejectOffer(number, asked.agent or "", asked.grant, "no"))
    assert isinstance(told, list)
    return [*told, *scenario.rest()]


def _asked(scenario: Scenario) -> list[str]:
    """Who was offered tasks, one after another."""
    rounds = [event for event in scenario.events if isinstance(event, ev.TasksAllocated)]
    return [event.agents[who] for event in rounds for who in event.who]


def test_a_round_offers_and_says_until_when() -> None:
    told = ev.TasksAllocated(
        1, 1, ("ann",), ("r",), (ev.Pick("least_loaded"),), (1,), (0,), (0,), (0,), until=(NOW + MINUTE,)
    )
    scenario = expect(_ANN[:-1], REST, [told])
    offered = scenario.state.tasks[1]
    assert (offered.status, offered.agent, offered.grant) == ("offered", "ann", _GRANT)
    assert scenario.state.agents["ann"].load == 1 and scenario.state.timers.entries() == [(NOW + MINUTE, "offer", 1)]


def test_who_accepts_has_it_under_the_offers_grant() -> None:
    scenario = expect(_ANN, AcceptOffer(1, "ann", _GRANT), [ev.OfferAccepted(1, "ann", _GRANT)])
    assert scenario.state.timers.entries() == [] and scenario.state.agents["ann"].load == 1
    assert scenario.do(StartTask(1, "ann", _GRANT)) == [ev.TaskStarted(1, "ann", _GRANT)]


def test_the_time_to_begin_counts_from_the_acceptance() -> None:
    given: list[Step] = [*_offering(recycle_after="10m"), roster("ann"), task(), REST, After(MINUTE - 1)]
    scenario = Scenario(*given, AcceptOffer(1, "ann", _GRANT))
    assert scenario.state.timers.entries() == [(scenario.now + 10 * MINUTE, "recycle", 1)]


def test_an_acceptance_in_the_moment_the_time_is_over_comes_too_late() -> None:
    for command in (AcceptOffer(1, "ann", _GRANT), RejectOffer(1, "ann", _GRANT)):
        expect([*_ANN, After(MINUTE)], command, Refused("precondition", "OFFER_ENDED"))
        assert isinstance(Scenario(*_ANN, After(MINUTE - 1)).do(command), list)


def test_who_rejects_is_passed_over_and_the_next_is_asked() -> None:
    scenario = Scenario(*_ANN, roster("bob"), REST)
    told = scenario.do(RejectOffer(1, "ann", _GRANT, "no Cantonese"))
    assert told == [
        ev.OffersReturned((1,), ("ann",), "rejected", "no Cantonese"),
        ev.TasksPooled(1, (ev.Placement("r", (1,)),)),
    ]
    scenario.do(REST)
    assert holders(scenario) == {1: "bob"} and scenario.state.agents["ann"].load == 0


def test_offers_that_nobody_accepts_in_time_come_back_together() -> None:
    given: list[Step] = [*_offering(), roster(agent("ann", capacity=9)), *package([row(2), row(3), row(4)]), REST]
    scenario = Scenario(*given, After(MINUTE - 1), DUE, roster(agent("bob", capacity=9)), After(1))
    told = scenario.do(DUE)
    assert told[0] == ev.OffersReturned((1, 2, 3), ("ann",) * 3, "timed_out")
    assert holders(scenario) == {1: "bob", 2: "bob", 3: "bob"}
    assert (scenario.state.packages[1].distributed, scenario.state.packages[1].waiting) == (3, 0)


def test_everybody_is_asked_before_anybody_is_asked_again() -> None:
    scenario = Scenario(*_offering(9, strategy=["least_loaded"]), _THREE, task(), REST)
    for _ in range(6):
        _reject(scenario)
    asked = _asked(scenario)
    assert [sorted(asked[at : at + 3]) for at in (0, 3)] == [["ann", "bob", "cat"]] * 2
    assert all(one != other for one, other in pairwise(asked)), "straight back"


def test_who_comes_late_is_asked_before_anybody_is_asked_again() -> None:
    scenario = Scenario(*_offering(9), roster("ann", "bob"), task(), REST)
    _reject(scenario)
    scenario.do(_THREE)
    _reject(scenario)
    assert _asked(scenario) == ["ann", "bob", "cat"]


@pytest.mark.parametrize("strategy", [["owner", "least_loaded"], ["last_agent"], ["region", "round_robin"]])
def test_no_strategy_asks_the_same_one_while_another_is_left(strategy: list[str]) -> None:
    people = roster(agent("ann", regions=("JS",)), agent("bob", regions=()), agent("cat", regions=()))
    work = task(owner="ann", customer="c1", region="JS")
    scenario = Scenario(*_offering(9, strategy=strategy), people, work, REST)
    _reject(scenario)
    _reject(scenario)
    assert sorted(_asked(scenario)) == ["ann", "bob", "cat"]


def test_the_next_go_round_begins_as_the_first_did() -> None:
    given: list[Step] = [*_offering(9, strategy=["owner", "least_loaded"]), _THREE, task(owner="bob"), REST]
    scenario = Scenario(*given)
    for _ in range(3):
        _reject(scenario)
    assert _asked(scenario) == ["bob", "ann", "cat", "bob"], "its owner first, each time round"


def test_after_its_rounds_a_supervisor_is_told_and_it_is_not_offered_any_more() -> None:
    scenario = Scenario(*_offering(2), _THREE, task(), REST)
    assert not any(isinstance(event, ev.TasksEscalated) for event in _reject(scenario))
    told = _reject(scenario)
    assert told[1] == ev.TasksEscalated((1,), "offer_rounds")
    assert holders(scenario) == {1: None} and scenario.state.tasks[1].status == "pooled"
    scenario.do(roster("dan"))
    assert scenario.do(RESTART) and scenario.do(REST) == [] and scenario.state.timers.entries() == []
    told = scenario.do(ReassignTask(1, "ann", 0))
    assert isinstance(told, list) and scenario.state.tasks[1].status == "assigned", (
        "nobody asks whom a supervisor names"
    )


def test_a_supervisors_word_begins_the_rounds_anew() -> None:
    scenario = Scenario(*_offering(1), roster("ann", "bob"), task(), REST)
    _reject(scenario)
    scenario.do(ReassignTask(1, "ann", 0))
    scenario.do(HandOverTasks("ann", (Held(1, scenario.state.tasks[1].grant),)))
    scenario.do(REST)
    assert scenario.state.tasks[1].status == "offered" and holders(scenario) == {1: "bob"}
    assert any(isinstance(event, ev.TasksEscalated) for event in _reject(scenario)), "again, or nobody would know"


def test_what_is_set_aside_holds_up_nothing_behind_it() -> None:
    scenario = Scenario(*_offering(1), roster(agent("ann", capacity=1)), task(priority=90), REST)
    _reject(scenario)
    scenario.do(task())
    scenario.do(REST)
    assert holders(scenario) == {1: None, 2: "ann"}


def test_another_rule_asks_from_the_start() -> None:
    both = [rule(method="offer", offer={"accept_within": "1m", "rounds": 1})]
    scenario = Scenario(rules(*both), roster("ann"), task(), REST)
    _reject(scenario)
    scenario.do(rules(rule("other", method="offer", offer={"accept_within": "2m"})))
    scenario.do(REST)
    assert scenario.state.tasks[1].status == "offered" and holders(scenario) == {1: "ann"}


def test_an_escalation_to_others_asks_them_from_the_start() -> None:
    steps = [{"at": "10m", "reassign": 'agent.team == "west"'}]
    scenario = Scenario(*_offering(1, escalation=steps), roster("ann", agent("wes", team="west")), task(), REST)
    _reject(scenario)
    scenario.do(After(10 * MINUTE))
    scenario.do(DUE)
    assert scenario.state.tasks[1].status == "offered" and holders(scenario) == {1: "wes"}


def test_an_escalation_takes_an_offer_away_too() -> None:
    steps = [{"at": "30s", "reassign": 'agent.team == "west"'}]
    scenario = Scenario(*_offering(escalation=steps), roster("ann"), task(), REST, After(30_000), DUE)
    assert holders(scenario) == {1: None} and scenario.state.agents["ann"].load == 0
    assert scenario.state.timers.entries() == []


def test_an_offer_takes_a_place_so_accepting_overshoots_no_cap() -> None:
    scenario = Scenario(*_offering(cap_per_agent=1), roster(agent("ann", capacity=2)), task(), task(), REST)
    assert holders(scenario) == {1: "ann", 2: None}
    assert scenario.state.lanes[("r", 0, ())].stalled == "all_at_rule_cap"


def test_who_goes_offline_gives_offers_back_without_losing_a_round() -> None:
    scenario = Scenario(*_offering(1), roster("ann", "bob"), task(), REST)
    told = scenario.do(SetPresence("ann", "offline"))
    assert ev.OffersReturned((1,), ("ann",), "agent_offline") in told
    scenario.do(REST)
    assert holders(scenario) == {1: "bob"} and scenario.state.tasks[1].marks.asking is None


def test_who_is_removed_gives_offers_back_too() -> None:
    scenario = Scenario(*_ANN)
    scenario.do(roster("bob", prune=True))
    scenario.do(REST)
    assert holders(scenario) == {1: "bob"}


def test_a_rule_may_leave_offers_with_who_is_offline_until_their_time() -> None:
    scenario = Scenario(*_offering(on_agent_loss="keep"), roster("ann"), task(), REST, SetPresence("ann", "offline"))
    assert holders(scenario) == {1: "ann"}
    scenario.do(After(MINUTE))
    scenario.do(DUE)
    assert holders(scenario) == {1: None}


def test_a_supervisor_takes_an_offer_away() -> None:
    scenario = Scenario(*_ANN, roster("bob"), ReassignTask(1, "bob", _GRANT))
    assert holders(scenario) == {1: "bob"} and scenario.state.tasks[1].status == "assigned"
    assert scenario.do(AcceptOffer(1, "ann", _GRANT)) == Refused("stale", "STALE_GRANT")
    assert scenario.state.timers.entries() == []
    scenario = Scenario(*_ANN, CancelTask(1, _GRANT))
    assert scenario.state.tasks == {} and scenario.state.timers.entries() == []


def test_a_withdrawn_package_takes_its_offers_with_it() -> None:
    scenario = Scenario(*_offering(), roster("ann"), *package([row(2)]), REST, WithdrawPackage(1), REST)
    assert scenario.state.tasks == {} and scenario.state.agents["ann"].load == 0


def test_push_and_offer_share_one_order_of_urgency() -> None:
    two = rule("p", "mail"), rule("o", method="offer", offer={"accept_within": "1m"})
    work: list[Step] = [task("mail", priority=1), task(priority=9), task("mail", priority=5)]
    scenario = Scenario(rules(*two), *work, roster(agent("ann", capacity=2)), REST)
    given = next(event for event in scenario.events if isinstance(event, ev.TasksAllocated))
    assert (given.tasks, given.until) == ((2, 3), (NOW + MINUTE, 0))
    assert [scenario.state.tasks[number].status for number in (1, 2, 3)] == ["pooled", "offered", "assigned"]


def test_an_offer_alone_does_not_make_the_last_agent() -> None:
    scenario = Scenario(*_offering(), roster("ann"), task(customer="c1"), REST)
    assert scenario.state.last_agents == {}
    scenario.do(AcceptOffer(1, "ann", scenario.state.tasks[1].grant))
    assert scenario.state.last_agents == {"c1": "ann"}


def test_a_rule_that_no_longer_offers_gives_what_comes_back() -> None:
    scenario = Scenario(*_offering(1), roster("ann"), task(), REST, rules(rule(method="push")), REST)
    told = _reject(scenario)
    assert not any(isinstance(event, ev.TasksEscalated) for event in told)
    assert scenario.state.tasks[1].status == "assigned"


def test_relaxing_goes_on_while_nobody_is_left_to_ask() -> None:
    wider = [{"after": "10m", "targets": "true"}]
    scenario = Scenario(*_offering(9, targets='agent.team == "east"', relax=wider), task(), REST)
    scenario.do(roster(agent("wes", team="west")))
    scenario.do(After(10 * MINUTE))
    scenario.do(DUE)
    assert holders(scenario) == {1: "wes"}


# --- why --------------------------------------------------------------------------------------------------------------


def _explained(scenario: Scenario, grant: int = 0) -> Explanation:
    found = explain(lambda: scenario.log, "bank", 1, grant)
    assert isinstance(found, Explanation) and found.confirmed
    return found


def test_an_offer_is_explained_with_who_let_it_pass() -> None:
    scenario = Scenario(*_offering(), _THREE, task(), REST)
    _reject(scenario)
    _reject(scenario)
    found = _explained(scenario)
    assert "offered task 1 to cat" in found.summary
    assert "ann, bob had let it pass; 2 offers came back before" in found.summary
    reasons = {verdict.agent: verdict.reason for verdict in found.agents}
    assert reasons == {
        "ann": "let it pass; others come first",
        "bob": "let it pass; others come first",
        "cat": "chosen",
    }


def test_what_waits_for_a_supervisor_says_so() -> None:
    scenario = Scenario(*_offering(1), _THREE, task(), REST)
    _reject(scenario)
    found = _explained(scenario)
    assert "a supervisor has to assign it (to_be_assigned)" in found.summary and "1 offer came back" in found.summary
    assert {verdict.reason for verdict in found.agents} == {"could be given it"}


def test_a_finished_task_is_explained_by_the_offer() -> None:
    given: list[Step] = [AcceptOffer(1, "ann", _GRANT), StartTask(1, "ann", _GRANT), CompleteTask(1, "ann", _GRANT)]
    assert "offered task 1 to ann" in _explained(Scenario(*_ANN, *given)).summary
