"""RuleService and AgentService over the wire."""

from __future__ import annotations

import grpc
import pytest
from paidan.v1 import agents_pb2
from paidan.v1 import rules_pb2 as pb
from paidan.v1.tasks_pb2 import CreateTaskRequest

from tests.wire.served import RULES, Served, fresh
from tests.wire.telling import refused

MORE = RULES.replace("cap_per_agent: 3", "cap_per_agent: 4, ageing: 15m").replace("by-hand", "by-phone").replace(
    "note: string", "note: string, zone: string"
)  # fmt: skip


def apply(served: Served, source: str = RULES, **fields: object) -> pb.ApplyRulesResponse:
    written = source.format(workspace=served.workspace) if "{{" in source else source
    return served.rules.ApplyRules(pb.ApplyRulesRequest(parent=served.parent, source=written, **fields))


@pytest.fixture(scope="module")
def versions(ruled: Served) -> Served:
    """Two versions in force one after the other, the second over two waiting tasks."""
    for _ in range(2):
        ruled.tasks.CreateTask(CreateTaskRequest(parent=ruled.parent, task_type="case"))
    return ruled


def test_a_dry_run_says_what_would_change_and_changes_nothing(versions: Served) -> None:
    before = versions.writer.position
    found = apply(versions, MORE, validate_only=True, request_id=fresh(), expected_version=1)
    assert (found.version, found.changed, found.waiting_tasks) == (1, True, 2)
    changes = {change.rule: change for change in found.rule_changes}
    assert {rule: change.kind for rule, change in changes.items()} == {
        "by-hand": pb.CHANGE_KIND_REMOVED, "by-phone": pb.CHANGE_KIND_ADDED, "claimed": pb.CHANGE_KIND_CHANGED,
    }  # fmt: skip
    fields = {field.field: (field.before, field.after) for field in changes["claimed"].fields}
    assert fields == {"cap_per_agent": ("3", "4"), "ageing": ('"1h"', '"15m"')}
    assert [(item.attribute, item.kind) for item in found.attribute_changes] == [("task.zone", pb.CHANGE_KIND_ADDED)]
    assert [(move.from_rule, move.to_rule, move.tasks) for move in found.moves] == [("by-hand", "by-phone", 2)]
    assert versions.writer.position == before
    stale = refused(apply, versions, MORE, validate_only=True, expected_version=9)
    assert (stale.code, stale.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "RULES_MOVED_ON")


def test_versions_are_applied_shown_listed_and_compared(versions: Served) -> None:
    given = fresh()
    answer = apply(versions, MORE, reason="more room", expected_version=1, request_id=given)
    assert (answer.version, answer.changed, answer.name) == (2, True, versions.name("ruleSets", 2))
    assert apply(versions, MORE, reason="more room", expected_version=1, request_id=given).version == 2
    assert not apply(versions, MORE).changed
    get = versions.rules.GetRuleSet
    current = get(pb.GetRuleSetRequest(name=versions.name("ruleSets", "current"), min_position=answer.position))
    assert (current.rule_set.version, current.rule_set.reason) == (2, "more room")
    assert current.rule_set.source == MORE.format(workspace=versions.workspace)
    assert current.position >= answer.position == current.rule_set.applied_position
    assert get(pb.GetRuleSetRequest(name=versions.name("ruleSets", 1))).rule_set.rule_count == 3
    first = versions.rules.ListRuleSets(pb.ListRuleSetsRequest(parent=versions.parent, page_size=1))
    assert [item.version for item in first.rule_sets] == [2] and not first.rule_sets[0].source
    request = pb.ListRuleSetsRequest(parent=versions.parent, page_size=1, page_token=first.next_page_token)
    second = versions.rules.ListRuleSets(request)
    assert [item.version for item in second.rule_sets] == [1] and not second.next_page_token
    diff = versions.rules.DiffRuleSets(pb.DiffRuleSetsRequest(parent=versions.parent, from_version=1))
    assert (diff.from_version, diff.to_version, len(diff.rule_changes)) == (1, 2, 3)
    back = versions.rules.DiffRuleSets(pb.DiffRuleSetsRequest(parent=versions.parent, from_version=2, to_version=1))
    assert {change.kind for change in back.rule_changes} == {change.kind for change in diff.rule_changes}
    whole = versions.rules.DiffRuleSets(pb.DiffRuleSetsRequest(parent=versions.parent, to_version=1))
    assert [change.kind for change in whole.rule_changes] == [pb.CHANGE_KIND_ADDED] * 3


def test_a_document_that_is_wrong_is_refused_line_by_line(ruled: Served) -> None:
    wrong = RULES.replace("task.days > 5", 'task.dayz > "5"').replace("method: claim", "method: clam")
    for validate_only in (False, True):
        found = refused(apply, ruled, wrong, validate_only=validate_only)
        assert (found.code, found.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "RULES_INVALID")
        assert len(found.fields) == 2 and all(field.startswith("line ") for field in found.fields)
    other = refused(apply, ruled, RULES.format(workspace="elsewhere"))
    assert (other.code, other.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "WRONG_WORKSPACE")


def test_hundreds_of_problems_reach_the_caller(ruled: Served) -> None:
    specs = [agents_pb2.AgentSpec(agent_id=f"agent-{n:05}", weight=0) for n in range(5_000)]
    request = agents_pb2.ApplyRosterRequest(parent=ruled.parent, agents=specs)
    found = refused(ruled.agents.ApplyRoster, request)
    assert (found.code, found.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "ROSTER_INVALID")
    assert 10 < len(found.fields) < 100 and found.violations[""].endswith(" more")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"parent": "x"}, "parent"),
        ({"source": ""}, "source"),
        ({"source": "x" * (2 * 1024 * 1024 + 1)}, "source"),
        ({"reason": "x" * 5_000}, "reason"),
        ({"expected_version": -1}, "expected_version"),
        ({"request_id": "x" * 129}, "request_id"),
    ],
)
def test_bad_input_to_rules_names_its_field(ruled: Served, changes: dict[str, object], field: str) -> None:
    request = pb.ApplyRulesRequest(**{"parent": ruled.parent, "source": RULES, **changes})
    found = refused(ruled.rules.ApplyRules, request)
    assert (found.code, found.fields) == (grpc.StatusCode.INVALID_ARGUMENT, [field])


def test_versions_that_are_not_there(ruled: Served) -> None:
    found = refused(ruled.rules.GetRuleSet, pb.GetRuleSetRequest(name=ruled.name("ruleSets", 99)))
    assert (found.code, found.reason) == (grpc.StatusCode.NOT_FOUND, "RULE_SET_UNKNOWN")
    wrong = refused(ruled.rules.GetRuleSet, pb.GetRuleSetRequest(name=ruled.name("ruleSets", "last")))
    assert wrong.fields == ["name"]
    assert refused(ruled.rules.DiffRuleSets, pb.DiffRuleSetsRequest(parent=ruled.parent, from_version=-1)).fields == [
        "from_version"
    ]
    unknown = pb.DiffRuleSetsRequest(parent=ruled.parent, from_version=77)
    assert refused(ruled.rules.DiffRuleSets, unknown).reason == "RULE_SET_UNKNOWN"


def test_agents_are_registered_listed_and_change_presence(ruled: Served) -> None:
    specs = [
        agents_pb2.AgentSpec(agent_id=f"B{n}", display_name=f"张 {n}", team="b", presence=agents_pb2.PRESENCE_AWAY)
        for n in range(3)
    ]
    specs[0].attributes["regions"].strings.values.extend(["JS", "ZJ"])
    given = fresh()
    request = agents_pb2.ApplyRosterRequest(parent=ruled.parent, agents=specs, request_id=given)
    answer = ruled.agents.ApplyRoster(request)
    assert answer.changed and ruled.agents.ApplyRoster(request) == answer
    assert not ruled.agents.ApplyRoster(agents_pb2.ApplyRosterRequest(parent=ruled.parent, agents=specs)).changed
    name = ruled.name("agents", "B0")
    busy = ruled.agents.SetPresence(
        agents_pb2.SetPresenceRequest(name=name, presence=agents_pb2.PRESENCE_BUSY, reason="call")
    )
    found = ruled.agents.GetAgent(agents_pb2.GetAgentRequest(name=name, min_position=busy.position))
    agent = found.agent
    assert (agent.agent_id, agent.capacity, agent.weight, agent.team) == ("B0", 10, 1, "b")
    assert agent.presence == agents_pb2.PRESENCE_BUSY and list(agent.attributes["regions"].strings.values) == [
        "JS",
        "ZJ",
    ]
    again = ruled.agents.SetPresence(agents_pb2.SetPresenceRequest(name=name, presence=agents_pb2.PRESENCE_BUSY))
    assert not again.changed
    asked = {
        "parent": ruled.parent,
        "filter": 'team = "b" AND display_name : "张"',
        "order_by": "agent_id desc",
        "page_size": 2,
    }
    page = ruled.agents.ListAgents(agents_pb2.ListAgentsRequest(**asked))
    assert [item.agent_id for item in page.agents] == ["B2", "B1"]
    last = ruled.agents.ListAgents(agents_pb2.ListAgentsRequest(**asked, page_token=page.next_page_token))
    assert [item.agent_id for item in last.agents] == ["B0"] and not last.next_page_token
    elsewhere = agents_pb2.ListAgentsRequest(parent=ruled.parent, page_token=page.next_page_token)
    assert refused(ruled.agents.ListAgents, elsewhere).fields == ["page_token"]


def test_odd_ids_are_found_again(ruled: Served) -> None:
    odd = 'a "b" \\ c%'
    ruled.agents.ApplyRoster(
        agents_pb2.ApplyRosterRequest(parent=ruled.parent, agents=[agents_pb2.AgentSpec(agent_id=odd)])
    )
    request = agents_pb2.GetAgentRequest(name=ruled.name("agents", odd), min_position=ruled.writer.position)
    assert ruled.agents.GetAgent(request).agent.agent_id == odd


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"agent_id": ""}, "agents[0].agent_id"),
        ({"agent_id": "a/b"}, "agents[a/b].agent_id"),
        ({"agent_id": "x", "display_name": "x" * 200}, "agents[x].display_name"),
        ({"agent_id": "x", "team": "\n"}, "agents[x].team"),
        ({"agent_id": "x", "capacity": -1}, "agents[x].capacity"),
        ({"agent_id": "x", "weight": 2_000}, "agents[x].weight"),
        ({"agent_id": "x", "presence": 77}, "agents[x].presence"),
        ({"agent_id": "x", "attributes": {"level": {"string_value": "3"}}}, "agents[x].attributes.level"),
    ],
)
def test_bad_input_to_the_roster_names_its_field(ruled: Served, spec: dict[str, object], field: str) -> None:
    request = agents_pb2.ApplyRosterRequest(parent=ruled.parent, agents=[agents_pb2.AgentSpec(**spec)])
    found = refused(ruled.agents.ApplyRoster, request)
    assert found.code == grpc.StatusCode.INVALID_ARGUMENT and found.fields == [field]


def test_an_empty_roster_and_presence_of_nobody(ruled: Served) -> None:
    assert refused(ruled.agents.ApplyRoster, agents_pb2.ApplyRosterRequest(parent=ruled.parent)).fields == ["agents"]
    missing = agents_pb2.SetPresenceRequest(name=ruled.name("agents", "A1"))
    assert refused(ruled.agents.SetPresence, missing).fields == ["presence"]
    nobody = agents_pb2.SetPresenceRequest(name=ruled.name("agents", "nobody"), presence=1)
    assert refused(ruled.agents.SetPresence, nobody).reason == "AGENT_UNKNOWN"
    assert (
        refused(ruled.agents.GetAgent, agents_pb2.GetAgentRequest(name=ruled.name("agents", "nobody"))).reason
        == "AGENT_UNKNOWN"
    )
