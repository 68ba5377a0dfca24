"""AuditService and PoolService over the wire."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from paidan.v1 import audit_pb2 as pb
from paidan.v1 import packages_pb2, pools_pb2, tasks_pb2
from paidan.v1.values_pb2 import Event, Value

from tests.wire.served import Served
from tests.wire.telling import refused
from tests.wire.test_packages import bring, watch


@pytest.fixture(scope="module")
def busy(ruled: Served, tmp_path_factory: pytest.TempPathFactory) -> Served:
    """Tasks 1 to 6 from a package with personal data, task 7 alone; A1 holds four of them."""
    file: Path = tmp_path_factory.mktemp("lists") / "list.csv"
    lines = [f"C{n},张{n},1380000{n:04},r,{n * 10}" for n in range(1, 7)]
    file.write_text("\n".join(["cust,who,phone,area,days", *lines, "C7,秘密,13811112222,r,none"]) + "\n")
    answer = bring(ruled, file)
    watch(ruled, answer.number, answer.position)
    person = tasks_pb2.Person(full_name="李四", mobile="13911112222")
    request = tasks_pb2.CreateTaskRequest(parent=ruled.parent, task_type="ticket", person=person)
    request.attributes["days"].CopyFrom(Value(int_value=1))
    ruled.tasks.CreateTask(request)
    return ruled


def read(served: Served, **fields: object) -> Iterator[Event]:
    for batch in served.audit.ReadEvents(pb.ReadEventsRequest(parent=served.parent, **fields), timeout=10):
        assert batch.position == batch.events[-1].position
        yield from batch.events


def test_the_log_is_read_in_order(busy: Served) -> None:
    events = list(read(busy))
    assert [event.position for event in events] == list(range(1, busy.writer.position + 1))
    assert [event.type for event in events[:2]] == ["RuleSetApplied.v1", "AgentsRegistered.v1"]
    assert all(json.loads(event.data_json) and event.actor and event.event_time.seconds for event in events)
    assert [event.position for event in read(busy, from_position=3, limit=2)] == [3, 4]
    assert not list(read(busy, from_position=10_000))


def test_the_log_shows_no_personal_data(busy: Served) -> None:
    whole = "".join(event.data_json for event in read(busy))
    for secret in ("张1", "13800000001", "李四", "13911112222", "秘密", "13811112222"):
        assert secret not in whole
    assert "138****0001" in whole


def test_the_log_is_followed(busy: Served) -> None:
    head = busy.writer.position
    following = busy.audit.ReadEvents(
        pb.ReadEventsRequest(parent=busy.parent, from_position=head, follow=True), timeout=10
    )
    assert next(following).position == head
    request = tasks_pb2.CreateTaskRequest(parent=busy.parent, task_type="ticket")
    made = busy.tasks.CreateTask(request)
    assert next(following).events[0].position == head + 1 <= made.position
    following.cancel()


def test_following_ends_with_the_deadline(busy: Served) -> None:
    request = pb.ReadEventsRequest(parent=busy.parent, from_position=1, follow=True)
    assert refused(busy.audit.ReadEvents, request, timeout=0.5).code == grpc.StatusCode.DEADLINE_EXCEEDED


def test_a_task_s_history_says_what_concerns_it(busy: Served) -> None:
    request = pb.GetTaskHistoryRequest(name=busy.name("tasks", 2), min_position=busy.writer.position)
    events = busy.audit.GetTaskHistory(request).events
    assert [event.type for event in events] == ["TasksImported.v1", "TasksPooled.v1", "TasksAllocated.v1"]
    came, pooled, given = (json.loads(event.data_json) for event in events)
    assert came["task"] == 2 and came["line"] == 3 and came["attributes"] == {"days": 20}
    assert came["person"][1] == "138****0002"
    assert pooled["rule"] == "pushed" and given["agent"] == "A1" and given["picked_by"] == "least_loaded"
    assert sum(len(event.data_json) for event in events) < 1_000
    alone = busy.audit.GetTaskHistory(pb.GetTaskHistoryRequest(name=busy.name("tasks", 7))).events
    assert [event.type for event in alone] == ["TaskCreated.v1", "TasksPooled.v1"]
    missing = refused(busy.audit.GetTaskHistory, pb.GetTaskHistoryRequest(name=busy.name("tasks", 900)))
    assert missing.reason == "TASK_UNKNOWN"


def test_a_history_comes_by_the_page(busy: Served) -> None:
    ask = busy.audit.GetTaskHistory
    first = ask(pb.GetTaskHistoryRequest(name=busy.name("tasks", 2), page_size=2))
    again = pb.GetTaskHistoryRequest(name=busy.name("tasks", 2), page_size=2, page_token=first.next_page_token)
    last = ask(again)
    whole = ask(pb.GetTaskHistoryRequest(name=busy.name("tasks", 2)))
    assert [*first.events, *last.events] == list(whole.events) and len(first.events) == 2
    assert first.next_page_token and not last.next_page_token and not whole.next_page_token
    again.name = busy.name("tasks", 1)
    assert refused(ask, again).fields == ["page_token"]


def test_assignments_of_a_task_an_agent_a_package(busy: Served) -> None:
    ask = busy.audit.ListAssignments
    one = ask(pb.ListAssignmentsRequest(parent=busy.parent, task=1)).assignments
    assert len(one) == 1 and one[0].name == busy.name("tasks", f"1/assignments/{one[0].grant}")
    assert (one[0].agent, one[0].rule, one[0].outcome) == ("A1", "pushed", pb.ASSIGNMENT_OUTCOME_IN_FORCE)
    page = ask(pb.ListAssignmentsRequest(parent=busy.parent, agent="A1", page_size=3))
    more = ask(pb.ListAssignmentsRequest(parent=busy.parent, agent="A1", page_size=3, page_token=page.next_page_token))
    assert [item.task for item in (*page.assignments, *more.assignments)] == [1, 2, 3, 4]
    assert len(ask(pb.ListAssignmentsRequest(parent=busy.parent, package=1)).assignments) == 4
    for whose in ({}, {"task": 1, "agent": "A1"}, {"task": 1, "package": 1}):
        assert refused(ask, pb.ListAssignmentsRequest(parent=busy.parent, **whose)).fields == ["task"]


def test_an_explanation(busy: Served) -> None:
    found = busy.audit.ExplainTask(pb.ExplainTaskRequest(name=busy.name("tasks", 1)))
    assert (found.summary, found.agent, found.confirmed, found.position) == ("A1 got it", "A1", True, 9)
    assert [(item.agent, item.chosen, item.load) for item in found.agents] == [("A1", True, 0), ("A2", False, 2)]
    assert list(found.interventions) == ["eve said: call 138****1234 (position 7)"]
    missing = refused(busy.audit.ExplainTask, pb.ExplainTaskRequest(name=busy.name("tasks", 2_000)))
    assert missing.code == grpc.StatusCode.NOT_FOUND


def test_what_nobody_foresaw_stays_inside(busy: Served) -> None:
    found = refused(busy.audit.ExplainTask, pb.ExplainTaskRequest(name=busy.name("tasks", 1), grant=13))
    assert (found.code, found.reason) == (grpc.StatusCode.INTERNAL, "INTERNAL")
    assert "secret" not in found.message and "Traceback" not in found.message and "reference" in found.message


def test_a_check_and_a_simulation_end_with_a_report(busy: Served) -> None:
    steps = list(busy.audit.Verify(pb.VerifyRequest(parent=busy.parent)))
    assert [step.WhichOneof("content") for step in steps] == ["progress", "report"]
    report = steps[-1].report
    assert not report.ok and [item.ok for item in report.findings] == [True, False] and report.head_hash == "ab12"
    steps = list(busy.audit.Simulate(pb.SimulateRequest(parent=busy.parent, source="rules: []")))
    counts = {item.subject: (item.before, item.after) for item in steps[-1].report.agents}
    assert counts == {"A1": (2, 1), "A2": (0, 1)}
    wrong = refused(busy.audit.Simulate, pb.SimulateRequest(parent=busy.parent, source="wrong"))
    assert wrong.reason == "RULES_INVALID"
    assert refused(busy.audit.Simulate, pb.SimulateRequest(parent=busy.parent)).fields == ["source"]


def test_views_and_building_one_again(busy: Served) -> None:
    found = busy.audit.ListViews(pb.ListViewsRequest(parent=busy.parent, min_position=busy.writer.position))
    assert {view.view for view in found.views} >= {"tasks", "agents", "packages", "rule_sets"}
    assert {view.view_position for view in found.views} == {found.position} == {busy.writer.position}
    steps = list(busy.audit.RebuildView(pb.RebuildViewRequest(name=busy.name("views", "tasks"))))
    assert [step.complete for step in steps] == [False, False, True]
    unknown = refused(busy.audit.RebuildView, pb.RebuildViewRequest(name=busy.name("views", "nope")))
    assert (unknown.code, unknown.reason) == (grpc.StatusCode.NOT_FOUND, "VIEW_UNKNOWN")
    assert refused(busy.audit.ListViews, pb.ListViewsRequest(parent=busy.parent, page_token="x")).fields == [
        "page_token"
    ]


def test_pools_and_statistics(busy: Served) -> None:
    position = busy.writer.position
    pools = busy.pools.ListPools(pools_pb2.ListPoolsRequest(parent=busy.parent, min_position=position)).pools
    waiting = {pool.rule: (pool.waiting, pool.waiting_for) for pool in pools}
    assert waiting["pushed"] == (2, "all_at_capacity") and waiting["claimed"][1] == "to_be_claimed"
    found = busy.pools.GetStatistics(pools_pb2.GetStatisticsRequest(parent=busy.parent, min_position=position))
    counts = {(item.rule, item.status): item.count for item in found.counts}
    assert counts["pushed", tasks_pb2.TASK_STATUS_ASSIGNED] == 4
    spread = {item.rule: (item.agents, item.tasks, item.least, item.most) for item in found.spread}
    assert spread == {"pushed": (1, 4, 4, 4)} and found.position >= position
    assert refused(busy.pools.ListPools, pools_pb2.ListPoolsRequest(parent=busy.parent, page_size=-1)).fields == [
        "page_size"
    ]
    assert refused(busy.pools.GetStatistics, pools_pb2.GetStatisticsRequest(parent="x")).fields == ["parent"]


@pytest.mark.parametrize(
    ("method", "message", "field"),
    [
        ("ReadEvents", pb.ReadEventsRequest(from_position=-1), "from_position"),
        ("ReadEvents", pb.ReadEventsRequest(limit=-1), "limit"),
        ("ExplainTask", pb.ExplainTaskRequest(grant=-1), "grant"),
        ("ExplainTask", pb.ExplainTaskRequest(min_position=-1), "min_position"),
        ("Verify", pb.VerifyRequest(min_position=-1), "min_position"),
        ("RebuildView", pb.RebuildViewRequest(request_id="x" * 200), "request_id"),
        ("GetTaskHistory", pb.GetTaskHistoryRequest(name="x"), "name"),
        ("ListAssignments", pb.ListAssignmentsRequest(task=-1), "task"),
    ],
)
def test_bad_input_names_its_field(busy: Served, method: str, message: object, field: str) -> None:
    found = refused(getattr(busy.audit, method), message)
    assert found.code == grpc.StatusCode.INVALID_ARGUMENT and field in found.fields


def test_pages_of_tasks_hold_together(busy: Served) -> None:
    asked = tasks_pb2.ListTasksRequest(parent=busy.parent, order_by="line desc", page_size=4)
    asked.filter = 'package = 1 AND create_time > "2020-01-01T00:00:00Z"'
    first = busy.tasks.ListTasks(asked)
    asked.page_token = first.next_page_token
    second = busy.tasks.ListTasks(asked)
    assert [task.line for task in (*first.tasks, *second.tasks)] == [7, 6, 5, 4, 3, 2]
    assert not second.next_page_token
    asked.filter = 'rule = "pushed" AND attributes.days >= 50 AND status = "pooled"'
    asked.page_token = ""
    assert {task.number for task in busy.tasks.ListTasks(asked).tasks} == {5, 6}
    listed = packages_pb2.ListPackagesRequest(parent=busy.parent, filter='create_time = "create_time"')
    assert refused(busy.packages.ListPackages, listed).fields == ["filter"]
