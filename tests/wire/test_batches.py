"""BatchCreateTasks over the wire: all or none, numbers in order, the same for a repeat."""

from __future__ import annotations

import grpc
import pytest
from paidan.v1 import tasks_pb2 as pb
from paidan.v1.values_pb2 import Value

from engine.decide.batches import MAX_BATCH
from tests.wire.served import Served, fresh
from tests.wire.telling import refused


def one(task_type: str = "ticket", **fields: object) -> pb.CreateTaskRequest:
    return pb.CreateTaskRequest(task_type=task_type, **fields)  # type: ignore[arg-type]


def batch(served: Served, *requests: pb.CreateTaskRequest, request_id: str = "") -> pb.BatchCreateTasksResponse:
    request = pb.BatchCreateTasksRequest(parent=served.parent, requests=requests, request_id=request_id)
    answer: pb.BatchCreateTasksResponse = served.tasks.BatchCreateTasks(request)
    return answer


def head(served: Served) -> int:
    return int(served.writer.position)


def test_numbers_come_in_the_order_of_the_requests(ruled: Served) -> None:
    person = pb.Person(full_name="张三", mobile="13812345678")
    before = head(ruled)
    made = batch(
        ruled, one(customer="C1"), one("case", customer="C2", person=person, parent=ruled.parent), one(customer="C3")
    )
    assert list(made.numbers) == list(range(made.numbers[0], made.numbers[0] + 3))
    assert list(made.names) == [ruled.name("tasks", number) for number in made.numbers]
    assert made.position == before + 4, "an event a task, and one for all of them"
    found = [get(ruled, name, made.position) for name in made.names]
    assert [task.customer for task in found] == ["C1", "C2", "C3"]
    assert [task.waiting_for for task in found] == ["to_be_claimed", "to_be_assigned", "to_be_claimed"]
    assert found[1].person_masked.mobile == "138****5678"


def get(served: Served, name: str, position: int) -> pb.Task:
    task: pb.Task = served.tasks.GetTask(pb.GetTaskRequest(name=name, min_position=position), timeout=10).task
    return task


def test_a_repeat_gets_the_same_numbers(ruled: Served) -> None:
    given, requests = fresh(), (one(), one("case"))
    first = batch(ruled, *requests, request_id=given)
    batch(ruled, one())
    position = head(ruled)
    assert batch(ruled, *requests, request_id=given) == first and head(ruled) == position
    other = refused(batch, ruled, one(), request_id=given)
    assert (other.code, other.reason) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")


def test_what_is_wrong_is_told_by_place_and_nothing_is_created(ruled: Served) -> None:
    position = head(ruled)
    days = {"days": Value(string_value="many")}
    found = refused(batch, ruled, one(), one("call", attributes=days), one(), one("call", attributes=days))
    assert (found.code, found.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "TASK_INVALID")
    assert found.fields == ["requests[1].attributes.days", "requests[3].attributes.days"]
    bad = one("", priority=500, request_id="x", parent="nonsense")
    found = refused(batch, ruled, one(), bad)
    wrong = ["parent", "request_id", "task_type", "priority"]
    assert found.fields == [f"requests[1].{field}" for field in wrong]
    assert head(ruled) == position


@pytest.mark.parametrize("number", [0, MAX_BATCH + 1])
def test_a_batch_has_bounds(ruled: Served, number: int) -> None:
    found = refused(batch, ruled, *[one()] * number)
    assert (found.code, found.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["requests"])


def test_the_largest_batch_is_one_append(ruled: Served) -> None:
    before = head(ruled)
    made = batch(ruled, *[one("unruled")] * MAX_BATCH)
    assert len(made.numbers) == MAX_BATCH and made.position == before + MAX_BATCH + 1
