"""Every pick of every round can be made again, and every agent gets a verdict."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from adapters.audit.verify import explain as explain_stored
from engine import events as ev
from engine.commands import AllocateTasks, ClaimTask, FinishCallback, ReassignTask, SetPresence
from engine.explain import Explanation, explain
from engine.refusals import Refusal
from engine.verdicts import AgentVerdict
from tests.engine.given import agent, package, roster, row, rule, rules, task
from tests.engine.scenario import DUE, MINUTE, REST, After, Scenario
from tests.projections.drawing import draws, opened, openings, seeded
from tests.projections.live import Live


def explained(scenario: Scenario, number: int, grant: int = 0) -> Explanation:
    found = explain(lambda: scenario.log, "bank", number, grant)
    assert isinstance(found, Explanation)
    return found


def verdicts(found: Explanation) -> dict[str, str]:
    return {verdict.agent: verdict.reason for verdict in found.agents}


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(rules=openings, steps=draws)
def test_every_assignment_is_confirmed(rules: int, steps: list) -> None:
    story = opened(rules, [*steps, (3, 5, 1), (11, 0, 0)])
    for recorded in story.log:
        for number in _given_by(recorded.event):
            found = explained(story.scenario, number, recorded.position)
            assert found.confirmed, found
            assert found.decision_position == recorded.position
            assert [verdict.agent for verdict in found.agents if verdict.chosen] == [found.agent]


def _given_by(event: ev.Event) -> tuple[int, ...]:
    if isinstance(event, ev.TasksAllocated):
        return event.tasks
    return (event.task,) if isinstance(event, ev.TaskClaimed | ev.TaskReassigned) else ()


def test_deep_inside_a_round_loads_are_those_of_that_moment() -> None:
    agents = [agent("ann", capacity=9), agent("bob", capacity=9, weight=2), agent("cyd", capacity=2)]
    scenario = Scenario(
        rules(rule(strategy=["weighted"])), roster(*agents), *package([row(n) for n in range(2, 14)]), REST
    )
    rounds = [event for event in scenario.events if isinstance(event, ev.TasksAllocated)]
    assert len(rounds) == 1
    held = dict.fromkeys(("ann", "bob", "cyd"), 0)
    for place, number in enumerate(rounds[0].tasks):
        found = explained(scenario, number)
        assert found.confirmed
        assert {verdict.agent: verdict.load for verdict in found.agents} == held
        held[rounds[0].agents[rounds[0].who[place]]] += 1


def test_targets_that_open_with_load_are_as_they_were() -> None:
    scenario = Scenario(
        rules(rule(targets="agent.load >= 1 or agent.level == 1", strategy=["round_robin"])),
        roster(agent("ann", level=1, capacity=9), agent("bob", level=2, capacity=9)),
        *package([row(n) for n in range(2, 9)]),
        REST,
    )
    for number in (number for event in scenario.events for number in _given_by(event)):
        assert explained(scenario, number).confirmed


def test_each_hindrance_by_name() -> None:
    scenario = Scenario(
        rules(rule(strategy=["region", "least_loaded"], targets="agent.level >= 1", cap_per_agent=2)),
        roster(
            agent("chosen", level=1, regions=("JS",)), agent("outside", level=0, regions=("JS",)),
            agent("away", level=1, presence="away", regions=("JS",)), agent("full", level=1, capacity=0),
            agent("elsewhere", level=1, regions=("ZJ",)), agent("second", level=1, regions=("JS",)),
        ),
        task(region="JS"), REST,
    )  # fmt: skip
    found = explained(scenario, 1)
    assert (found.agent, found.picked_by, found.confirmed) == ("chosen", "region+least_loaded", True)
    assert found.summary == "Round 1 gave task 1 to chosen under rule r: region+least_loaded decided."
    assert verdicts(found) == {
        "chosen": "chosen", "outside": "outside the targets", "away": "away", "full": "at capacity: 0 of 0",
        "elsewhere": "outside the region JS", "second": "behind chosen: registered 6, against 1",
    }  # fmt: skip
    assert {verdict.agent for verdict in found.agents if verdict.eligible} == {"chosen", "elsewhere", "second"}


def test_the_chain_as_it_went_and_a_cap() -> None:
    scenario = Scenario(
        rules(rule(strategy=["owner", "least_loaded"], cap_per_agent=1)),
        roster(agent("ann"), agent("bob"), agent("cyd")),
        *package([row(2, owner="ann"), row(3, owner="ann"), row(4, owner="zoe")]),
        REST,
    )
    first, second, third = (explained(scenario, number) for number in (1, 2, 3))
    assert (first.picked_by, verdicts(first)["bob"]) == ("owner", "ann came first as owner")
    assert (second.agent, second.passed) == ("bob", ("owner: at rule cap",))
    assert verdicts(second)["ann"] == "at rule cap: 1 of 1"
    assert verdicts(second)["cyd"] == "behind bob: registered 3, against 2"
    assert (third.agent, third.passed) == ("cyd", ("owner: not in the roster",))


def test_a_round_that_looked_only_at_some() -> None:
    scenario = Scenario(rules(rule()), task(), task(), roster(agent("ann"), agent("bob")))
    scenario.do(AllocateTasks(1, among=("bob",)))
    found = explained(scenario, 1)
    assert (found.agent, found.confirmed) == ("bob", True)
    assert verdicts(found)["ann"] == "not looked at: the round was for agents who had just come free"


def test_why_this_rule_and_why_not_those_before() -> None:
    scenario = Scenario(
        rules(
            rule("visits", "visit", precedence=9), rule("cards", business_type="card", precedence=8),
            rule("high", when='task.level > 3 and task.zone == "n"', precedence=7), rule("rest"), rule("never"),
        ),
        roster("ann"), task(level=2), REST,
    )  # fmt: skip
    assert [(verdict.rule, verdict.matches, verdict.reason) for verdict in explained(scenario, 1).rules] == [
        ("visits", False, "it is for tasks of type visit, and this is a call"),
        ("cards", False, "it is for business type card, and this is loan"),
        (
            "high",
            False,
            'its condition does not hold: task.level > 3 and task.zone == "n" (level is 2, zone is absent)',
        ),
        ("rest", True, "the first whose condition holds: true"),
    ]


def test_claimed_and_reassigned_say_who_did_it() -> None:
    scenario = Scenario(
        rules(rule(method="claim", targets="agent.level >= 1")),
        roster(agent("ann", level=1), agent("bob", level=1, presence="busy"), agent("cyd", level=0)),
        task(), REST, ClaimTask("ann"),
    )  # fmt: skip
    claimed = explained(scenario, 1)
    assert (claimed.summary, claimed.confirmed) == ("ann claimed task 1 under rule r; op sent the claim.", True)
    assert verdicts(claimed) == {"ann": "chosen", "bob": "could have claimed it", "cyd": "outside the targets"}
    grant = scenario.state.tasks[1].grant
    scenario.do(ReassignTask(1, "cyd", grant, "ann is ill"))
    moved = explained(scenario, 1)
    assert moved.summary == "op gave task 1 from ann to cyd, because: ann is ill."
    assert (moved.picked_by, moved.agent) == ("manual", "cyd")
    assert explained(scenario, 1, grant).summary == claimed.summary


WAITING = [
    (rule(targets="agent.level >= 5"), agent("ann", level=1), "no_agent_within_targets", "outside the targets"),
    (rule(), agent("ann", presence="busy"), "nobody_available", "busy"),
    (rule(), agent("ann", capacity=0), "all_at_capacity", "at capacity: 0 of 0"),
    (rule(method="claim"), agent("ann", presence="busy"), "to_be_claimed", "may claim it"),
    (rule(method="manual"), agent("ann"), "to_be_assigned", "could be given it"),
]


@pytest.mark.parametrize(("written", "one", "reason", "verdict"), WAITING, ids=[reason for _, _, reason, _ in WAITING])
def test_why_a_task_waits(written: dict, one: ev.AgentSpec, reason: str, verdict: str) -> None:
    scenario = Scenario(rules(written), roster(one), task(), REST)
    found = explained(scenario, 1)
    assert found.summary.startswith("Task 1 waits under rule r: ") and f"({reason})" in found.summary
    assert found.confirmed and found.rule == "r" and not found.agent
    assert found.agents == (AgentVerdict("ann", False, verdict.startswith(("may", "could")), verdict, 0),)


def test_waiting_without_a_rule_at_a_cap_and_after_a_relax_step() -> None:
    scenario = Scenario(
        rules(rule(targets="false", relax=[{"after": "5m", "targets": "agent.level > 2"}])), task("other"), task(), REST
    )
    assert explained(scenario, 1).summary == "Task 1 waits: no rule in force governs it."
    scenario.do(roster(agent("ann", level=1)))
    for step in (REST, After(6 * MINUTE), DUE):
        scenario.do(step)
    assert "under rule r after relax step 1" in explained(scenario, 2).summary


def test_a_task_that_nobody_ever_had_or_nobody_knows() -> None:
    scenario = Scenario(rules(rule(method="manual")), task())
    from engine.commands import CancelTask

    scenario.do(CancelTask(1))
    assert explained(scenario, 1).summary == "Task 1 was cancelled before anybody had it."
    for number, grant in ((7, 0), (1, 2)):
        assert isinstance(explain(lambda: scenario.log, "bank", number, grant), Refusal)


def test_a_task_that_somebody_outside_is_asked_about() -> None:
    kinds = {"call": {"callback": {"url": "https://checks.local:8/ask?key=x"}}}
    scenario = Scenario(rules(rule(method="manual"), task_types=kinds), task(), task())
    told = "Task 1 is not in a pool yet: https://checks.local:8 is asked first."
    assert explained(scenario, 1).summary == told
    scenario.do(FinishCallback(1, 3, "succeeded", {}))
    scenario.do(FinishCallback(2, 5, "failed"))
    assert "its callback did it" in explained(scenario, 1).summary
    assert "waits under rule r" in explained(scenario, 2).summary


def test_a_new_rule_under_which_it_does_not_yet_stand() -> None:
    scenario = Scenario(rules(rule(method="manual")), task(), rules(rule("other")))
    assert "waits to be pooled anew" in explained(scenario, 1).summary


def test_a_decision_that_does_not_follow_is_not_confirmed() -> None:
    scenario = Scenario(rules(rule()), roster("ann", "bob"), task(), REST)
    scenario.do(SetPresence("bob", "away"))
    place, recorded = next((n, r) for n, r in enumerate(scenario.log) if isinstance(r.event, ev.TasksAllocated))
    forged = ev.TasksAllocated(1, 1, ("bob",), ("r",), (ev.Pick("least_loaded"),), (1,), (0,), (0,), (0,))
    scenario.log[place] = ev.Recorded(recorded.position, recorded.at, "op", "", "", forged)
    found = explained(scenario, 1)
    assert (found.agent, found.confirmed) == ("bob", False)


def test_from_the_stored_log(empty: Live) -> None:
    story = seeded(41, 150)
    empty.put(story.log)
    for number in range(1, story.scenario.state.last_task + 1):
        assert explain_stored(empty.dsn, empty.workspace, number) == explain(lambda: story.log, "bank", number)
