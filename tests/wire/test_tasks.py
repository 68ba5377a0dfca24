"""TaskService over the wire."""

from __future__ import annotations

import grpc
import pytest
from paidan.v1 import tasks_pb2 as pb
from paidan.v1.values_pb2 import Value

from tests.wire.served import Served, fresh
from tests.wire.telling import refused

METADATA = (("paidan-actor", "li"), ("paidan-correlation", "case-7"))


def create(served: Served, task_type: str = "ticket", **fields: object) -> pb.CreateTaskResponse:
    return served.tasks.CreateTask(pb.CreateTaskRequest(parent=served.parent, task_type=task_type, **fields))


def claim(served: Served, agent: str = "A1", **fields: object) -> pb.ClaimTaskResponse:
    return served.tasks.ClaimTask(pb.ClaimTaskRequest(parent=served.parent, agent=agent, **fields))


def get(served: Served, number: int, position: int) -> pb.Task:
    request = pb.GetTaskRequest(name=served.name("tasks", number), min_position=position)
    return served.tasks.GetTask(request, timeout=10).task


def start(served: Served, held: pb.ClaimTaskResponse) -> pb.StartTaskResponse:
    return served.tasks.StartTask(pb.StartTaskRequest(name=held.name, agent="A1", grant=held.grant))


def test_a_task_carries_what_it_was_given(ruled: Served) -> None:
    values = {
        "days": Value(int_value=3), "rate": Value(float_value=1.0), "vip": Value(bool_value=True),
        "note": Value(string_value="7"), "tags": Value(strings={"values": ["x", "y"]}),
    }  # fmt: skip
    person = pb.Person(full_name="张三", mobile="13812345678", id_card="110101199001011234")
    made = create(
        ruled, "call", business_type="loan", attributes=values, customer="C1", owner="A1", region="JS", priority=7,
        person=person, request_id=fresh(),
    )  # fmt: skip
    task = get(ruled, made.number, made.position)
    assert made.name == ruled.name("tasks", made.number) == task.name
    assert dict(task.attributes) == values
    assert task.attributes["rate"].WhichOneof("kind") == "float_value"
    assert (task.business_type, task.customer, task.owner, task.region, task.priority) == ("loan", "C1", "A1", "JS", 7)
    assert task.person_masked.mobile == "138****5678" and "张三" not in str(task)
    assert (task.status, task.waiting_for) == (pb.TASK_STATUS_POOLED, "no_rule_governs")
    assert task.create_time.seconds > 1_700_000_000 and not task.HasField("end_time")


def test_the_life_of_a_claimed_task(ruled: Served) -> None:
    made = create(ruled)
    held = claim(ruled, task=made.number, request_id=fresh())
    assert (held.number, held.name) == (made.number, made.name) and held.grant == held.position > made.position
    start(ruled, held)
    request = pb.CompleteTaskRequest(name=held.name, agent="A1", grant=held.grant, wrap_up={"b": "2", "a": "1"})
    done = ruled.tasks.CompleteTask(request)
    task = get(ruled, made.number, done.position)
    assert task.status == pb.TASK_STATUS_COMPLETED and dict(task.wrap_up) == {"a": "1", "b": "2"}
    assert task.picked_by == "claim" and len(task.positions) >= 4
    again = refused(ruled.tasks.CompleteTask, request)
    assert (again.code, again.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "TASK_ENDED")


def test_a_stale_grant_is_aborted(ruled: Served) -> None:
    held = claim(ruled, task=create(ruled).number)
    request = pb.ReassignTaskRequest(name=held.name, agent="A2", grant=held.grant, reason="ill", request_id=fresh())
    moved = ruled.tasks.ReassignTask(request)
    assert moved.grant > held.grant
    stale = refused(start, ruled, held)
    assert (stale.code, stale.reason) == (grpc.StatusCode.ABORTED, "STALE_GRANT")
    ruled.tasks.CancelTask(pb.CancelTaskRequest(name=held.name, grant=moved.grant, reason="gone"))


def test_reassigning_and_cancelling_what_waits(ruled: Served) -> None:
    made = create(ruled, "case")
    moved = ruled.tasks.ReassignTask(pb.ReassignTaskRequest(name=made.name, agent="A2"))
    ended = ruled.tasks.CancelTask(pb.CancelTaskRequest(name=made.name, grant=moved.grant))
    assert get(ruled, made.number, ended.position).status == pb.TASK_STATUS_CANCELLED
    waiting = create(ruled, "case")
    assert ruled.tasks.CancelTask(pb.CancelTaskRequest(name=waiting.name)).position > waiting.position


def test_wrap_up_is_demanded_field_by_field(ruled: Served) -> None:
    made = create(ruled, "call", attributes={"days": Value(int_value=9)})
    task = get(ruled, made.number, made.position + 1)
    assert task.agent == "A1" and task.rule == "pushed"
    named = {"name": made.name, "agent": "A1", "grant": task.grant}
    ruled.tasks.StartTask(pb.StartTaskRequest(**named))
    found = refused(ruled.tasks.CompleteTask, pb.CompleteTaskRequest(**named))
    assert (found.code, found.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["wrap_up.disposition"])
    ruled.tasks.CompleteTask(pb.CompleteTaskRequest(**named, wrap_up={"disposition": "paid"}))


def test_a_repeated_request_gets_the_first_answer(ruled: Served) -> None:
    given, attributes = fresh(), {"note": Value(string_value="x"), "days": Value(int_value=1)}
    first = create(ruled, request_id=given, attributes=attributes)
    again = create(ruled, request_id=given, attributes=dict(reversed(attributes.items())))
    assert again == first
    other = refused(create, ruled, request_id=given, customer="C2")
    assert (other.code, other.reason) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")


def test_a_refusal_is_told_again_too(ruled: Served) -> None:
    request = pb.ClaimTaskRequest(
        parent=ruled.parent, agent="A2", task=create(ruled, "case").number, request_id=fresh()
    )
    first, again = refused(ruled.tasks.ClaimTask, request), refused(ruled.tasks.ClaimTask, request)
    assert first.reason == again.reason == "NOT_CLAIMABLE" and first.message == again.message


def test_who_asks_stands_in_the_log(ruled: Served) -> None:
    request = pb.CreateTaskRequest(parent=ruled.parent, task_type="ticket", request_id=fresh())
    made = ruled.tasks.CreateTask(request, metadata=METADATA)
    from paidan.v1.audit_pb2 import ReadEventsRequest

    batch = next(iter(ruled.audit.ReadEvents(ReadEventsRequest(parent=ruled.parent, from_position=made.position - 1))))
    assert (batch.events[0].actor, batch.events[0].correlation_id) == ("li", "case-7")
    found = refused(ruled.tasks.CreateTask, request, metadata=(("paidan-actor", "x" * 200),))
    assert found.fields == ["paidan-actor"]
    for name in (b"\xff", "张\u202e三".encode(), "a\u200bb".encode(), "张\n三".encode(), b"", "张".encode() * 129):
        found = refused(ruled.tasks.CreateTask, request, metadata=(("paidan-actor-bin", name),))
        assert (found.code, found.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["paidan-actor"])


LONG = "x" * 5_000
CREATE, CLAIM, START = "CreateTask", "ClaimTask", "StartTask"


@pytest.mark.parametrize(
    ("method", "changes", "field"),
    [
        (CREATE, {"parent": "workspace/x"}, "parent"),
        (CREATE, {"parent": ""}, "parent"),
        (CREATE, {"task_type": ""}, "task_type"),
        (CREATE, {"task_type": "a\nb"}, "task_type"),
        (CREATE, {"task_type": "x" * 129}, "task_type"),
        (CREATE, {"business_type": LONG}, "business_type"),
        (CREATE, {"customer": LONG}, "customer"),
        (CREATE, {"owner": LONG}, "owner"),
        (CREATE, {"region": LONG}, "region"),
        (CREATE, {"priority": 101}, "priority"),
        (CREATE, {"priority": -1}, "priority"),
        (CREATE, {"request_id": LONG}, "request_id"),
        (CREATE, {"person": pb.Person(mobile=LONG)}, "person.mobile"),
        (CREATE, {"attributes": {"nope": Value(int_value=1)}}, "attributes.nope"),
        (CREATE, {"attributes": {"days": Value(string_value="1")}}, "attributes.days"),
        (CREATE, {"attributes": {f"a{n}": Value() for n in range(201)}}, "attributes"),
        (CLAIM, {"agent": ""}, "agent"),
        (CLAIM, {"agent": LONG}, "agent"),
        (CLAIM, {"task": -1}, "task"),
        (CLAIM, {"request_id": "a\x00"}, "request_id"),
        (START, {"name": "tasks/1"}, "name"),
        (START, {"name": "{parent}/tasks/x"}, "name"),
        (START, {"name": "{parent}/tasks/0"}, "name"),
        (START, {"name": "{parent}/tasks/" + "9" * 30}, "name"),
        (START, {"name": "{parent}/agents/1"}, "name"),
        (START, {"agent": ""}, "agent"),
        (START, {"grant": 0}, "grant"),
        (START, {"grant": -4}, "grant"),
        ("CompleteTask", {"wrap_up": {"a": LONG}}, "wrap_up.a"),
        ("CancelTask", {"reason": LONG}, "reason"),
        ("CancelTask", {"grant": -1}, "grant"),
        ("ReassignTask", {"agent": ""}, "agent"),
        ("ReassignTask", {"reason": "\x00"}, "reason"),
        ("GetTask", {"min_position": -1}, "min_position"),
        ("ListTasks", {"page_size": -1}, "page_size"),
        ("ListTasks", {"page_token": "nonsense"}, "page_token"),
        ("ListTasks", {"filter": "status = "}, "filter"),
        ("ListTasks", {"filter": 'nope = "x"'}, "filter"),
        ("ListTasks", {"order_by": "nope"}, "order_by"),
    ],
)
def test_bad_input_names_its_field(ruled: Served, method: str, changes: dict[str, object], field: str) -> None:
    message = getattr(pb, f"{method}Request")
    valid = {"parent": ruled.parent, "task_type": "ticket", "name": ruled.name("tasks", 1), "agent": "A1", "grant": 1}
    known = {name: value for name, value in valid.items() if name in message.DESCRIPTOR.fields_by_name}
    changes = {
        key: item.replace("{parent}", ruled.parent) if isinstance(item, str) else item for key, item in changes.items()
    }
    found = refused(getattr(ruled.tasks, method), message(**(known | changes)))
    assert found.code == grpc.StatusCode.INVALID_ARGUMENT
    assert field in found.fields, found.violations
    assert all(told.startswith("Expected") for told in found.violations.values())


def test_everything_wrong_is_told_at_once(ruled: Served) -> None:
    request = pb.CreateTaskRequest(parent="x", task_type="", priority=500, request_id=LONG)
    found = refused(ruled.tasks.CreateTask, request)
    assert found.fields == ["parent", "task_type", "priority", "request_id"]
    assert found.reason == "REQUEST_INVALID"


def test_what_is_not_there_is_not_found(ruled: Served) -> None:
    name = ruled.name("tasks", 999_999)
    assert refused(ruled.tasks.GetTask, pb.GetTaskRequest(name=name)).reason == "TASK_UNKNOWN"
    started = refused(ruled.tasks.StartTask, pb.StartTaskRequest(name=name, agent="A1", grant=1))
    assert (started.code, started.reason) == (grpc.StatusCode.NOT_FOUND, "TASK_UNKNOWN")
    elsewhere = refused(ruled.tasks.GetTask, pb.GetTaskRequest(name="workspaces/other/tasks/1"))
    assert (elsewhere.code, elsewhere.reason) == (grpc.StatusCode.NOT_FOUND, "WORKSPACE_UNKNOWN")
    assert refused(claim, ruled, "nobody").reason == "AGENT_UNKNOWN"
