"""What supervisors change of tasks that go on, over the wire."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from paidan.v1 import tasks_pb2 as pb
from paidan.v1.audit_pb2 import GetTaskHistoryRequest

from tests.wire.served import Served, fresh
from tests.wire.telling import refused
from tests.wire.test_keeping import INVALID, LONG, NOT_FOUND, STALE, events, position

RULES = """\
workspace: {workspace}
rules:
  - {{id: urgent, task_type: ticket, method: claim, when: "task.priority >= 50", precedence: 5}}
  - {{id: usual, task_type: ticket, method: manual, sla: {{resolve_within: 2h}}}}
"""


@pytest.fixture(scope="module")
def ruled(served: Served) -> Served:
    served.apply_rules(RULES)
    return served


def ticket(served: Served) -> pb.CreateTaskResponse:
    return served.tasks.CreateTask(pb.CreateTaskRequest(parent=served.parent, task_type="ticket"))


def reprioritise(served: Served, name: str, priority: int, **fields: Any) -> pb.ReprioritiseTaskResponse:
    return served.tasks.ReprioritiseTask(pb.ReprioritiseTaskRequest(name=name, priority=priority, **fields))


def shown(served: Served, name: str, at: int) -> pb.Task:
    return served.tasks.GetTask(pb.GetTaskRequest(name=name, min_position=at)).task


def test_a_waiting_task_goes_where_its_new_priority_belongs(ruled: Served) -> None:
    made, before, given = ticket(ruled), position(ruled), fresh()
    done = reprioritise(ruled, made.name, 60, reason="the mayor calls", request_id=given)
    assert done.changed and events(ruled, before, done.position) == ["TaskReprioritised.v1", "TasksPooled.v1"]
    task = shown(ruled, made.name, done.position)
    assert (task.priority, task.rule, before + 1 in task.positions) == (60, "urgent", True)
    assert reprioritise(ruled, made.name, 60, reason="the mayor calls", request_id=given) == done
    told = ruled.audit.GetTaskHistory(GetTaskHistoryRequest(name=made.name, min_position=done.position))
    said = next(json.loads(one.data_json) for one in told.events if one.type == "TaskReprioritised.v1")
    assert (said["priority"], said["before"], said["reason"]) == (60, 0, "the mayor calls")


def test_the_priority_it_has_already_changes_nothing(ruled: Served) -> None:
    made, given = ticket(ruled), fresh()
    done = reprioritise(ruled, made.name, 0, request_id=given)
    assert not done.changed and reprioritise(ruled, made.name, 0, request_id=given) == done


def test_what_is_refused(ruled: Served) -> None:
    made = ticket(ruled)
    stale = refused(reprioritise, ruled, made.name, 5, grant=7)
    assert (stale.code, stale.reason) == (STALE, "STALE_GRANT")
    assert refused(reprioritise, ruled, ruled.name("tasks", 999_999), 5).code == NOT_FOUND


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": "tasks/1"}, "name"),
        ({"grant": -1}, "grant"),
        ({"priority": None}, "priority"),
        ({"priority": -1}, "priority"),
        ({"priority": 101}, "priority"),
        ({"reason": LONG}, "reason"),
        ({"request_id": LONG}, "request_id"),
    ],
)
def test_a_bad_priority_names_its_field(ruled: Served, fields: dict[str, Any], field: str) -> None:
    valid = {"name": ruled.name("tasks", 1), "priority": 5}
    found = refused(ruled.tasks.ReprioritiseTask, pb.ReprioritiseTaskRequest(**(valid | fields)))
    assert found.code == INVALID and found.fields == [field], found.violations


LATER = Timestamp(seconds=4_000_000_000, nanos=5_000_000)


def change(served: Served, name: str, **fields: Any) -> pb.ChangeDeadlinesResponse:
    return served.tasks.ChangeDeadlines(pb.ChangeDeadlinesRequest(name=name, **fields))


def test_a_limit_is_moved_and_the_other_stays(ruled: Served) -> None:
    made, given = ticket(ruled), fresh()
    done = change(ruled, made.name, resolve_by_time=LATER, reason="he travels", request_id=given)
    assert (
        done.changed and change(ruled, made.name, resolve_by_time=LATER, reason="he travels", request_id=given) == done
    )
    assert not change(ruled, made.name, resolve_by_time=LATER).changed
    done = change(ruled, made.name, respond_by_time=LATER)
    task = shown(ruled, made.name, done.position)
    assert (task.respond_by_time, task.resolve_by_time) == (LATER, LATER) and done.position in task.positions
    told = ruled.audit.GetTaskHistory(GetTaskHistoryRequest(name=made.name, min_position=done.position))
    assert [one.type for one in told.events].count("TaskDeadlinesChanged.v1") == 2


def test_a_limit_of_the_past_is_refused(ruled: Served) -> None:
    made = ticket(ruled)
    found = refused(change, ruled, made.name, resolve_by_time=Timestamp(seconds=1_000_000_000))
    assert (found.code, found.reason, found.fields) == (INVALID, "DEADLINES_INVALID", ["resolve_by"])
    assert refused(change, ruled, made.name, resolve_by_time=LATER, grant=7).reason == "STALE_GRANT"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": "tasks/1"}, "name"),
        ({"grant": -1}, "grant"),
        ({"resolve_by_time": None}, "resolve_by_time"),
        ({"resolve_by_time": Timestamp(seconds=-1)}, "resolve_by_time"),
        ({"respond_by_time": Timestamp(seconds=253_402_300_800)}, "respond_by_time"),
        ({"respond_by_time": Timestamp(seconds=5, nanos=-1)}, "respond_by_time"),
        ({"reason": LONG}, "reason"),
        ({"request_id": LONG}, "request_id"),
    ],
)
def test_bad_limits_name_their_field(ruled: Served, fields: dict[str, Any], field: str) -> None:
    valid = {"name": ruled.name("tasks", 1), "resolve_by_time": LATER}
    found = refused(ruled.tasks.ChangeDeadlines, pb.ChangeDeadlinesRequest(**(valid | fields)))
    assert found.code == INVALID and found.fields == [field], found.violations
