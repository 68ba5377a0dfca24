"""Duplicates and remarks over the wire."""

from __future__ import annotations

import json
from typing import Any

import pytest
from paidan.v1 import tasks_pb2 as pb
from paidan.v1.audit_pb2 import GetTaskHistoryRequest

from engine.decide.merging import MAX_DUPLICATES
from tests.wire.served import Served, fresh
from tests.wire.telling import refused
from tests.wire.test_keeping import INVALID, LONG, NOT_FOUND, STALE
from tests.wire.test_supervising import RULES, reprioritise, shown, ticket


@pytest.fixture(scope="module")
def ruled(served: Served) -> Served:
    served.apply_rules(RULES)
    return served


def merge(served: Served, *duplicates: int, **fields: Any) -> pb.MergeTasksResponse:
    named = [pb.DuplicateTask(task=number) for number in duplicates]
    return served.tasks.MergeTasks(pb.MergeTasksRequest(parent=served.parent, duplicates=named, **fields))


def history(served: Served, name: str, position: int) -> dict[str, dict[str, Any]]:
    told = served.audit.GetTaskHistory(GetTaskHistoryRequest(name=name, min_position=position))
    return {one.type: json.loads(one.data_json) for one in told.events}


def test_duplicates_end_and_their_urgency_goes_on(ruled: Served) -> None:
    one, other, into = (ticket(ruled) for _ in range(3))
    reprioritise(ruled, other.name, 60)
    given = fresh()
    done = merge(ruled, one.number, other.number, into=into.number, reason="one call", request_id=given)
    assert done.name == into.name
    again = merge(ruled, one.number, other.number, into=into.number, reason="one call", request_id=given)
    assert again == done
    ended, goes_on = (shown(ruled, made.name, done.position) for made in (one, into))
    assert (ended.status, ended.merged_into, ended.waiting_for) == (pb.TASK_STATUS_MERGED, into.number, "")
    assert (goes_on.status, goes_on.priority, goes_on.rule) == (pb.TASK_STATUS_POOLED, 60, "urgent")
    of_one, of_into = (history(ruled, made.name, done.position)["TasksMerged.v1"] for made in (one, into))
    assert (of_one["task"], of_one["into"], of_one["reason"]) == (one.number, into.number, "one call")
    assert (of_into["tasks"], of_into["priority"]) == ([one.number, other.number], 60)


def test_what_is_refused_leaves_all_as_they_were(ruled: Served) -> None:
    one, into = ticket(ruled), ticket(ruled)
    assert refused(merge, ruled, one.number, 999_999, into=into.number).code == NOT_FOUND
    held = pb.MergeTasksRequest(parent=ruled.parent, into=into.number)
    held.duplicates.add(task=one.number, grant=7)
    assert refused(ruled.tasks.MergeTasks, held).code == STALE
    assert refused(merge, ruled, one.number, one.number, into=into.number).reason == "MERGE_INVALID"
    assert shown(ruled, one.name, into.position).status == pb.TASK_STATUS_POOLED


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"parent": "x"}, "parent"),
        ({"duplicates": []}, "duplicates"),
        ({"duplicates": [pb.DuplicateTask(task=1)] * (MAX_DUPLICATES + 1)}, "duplicates"),
        ({"duplicates": [pb.DuplicateTask(task=0)]}, "duplicates[0].task"),
        ({"duplicates": [pb.DuplicateTask(task=1, grant=-1)]}, "duplicates[0].grant"),
        ({"into": 0}, "into"),
        ({"reason": LONG}, "reason"),
        ({"request_id": LONG}, "request_id"),
    ],
)
def test_a_bad_merge_names_its_field(ruled: Served, fields: dict[str, Any], field: str) -> None:
    valid = {"parent": ruled.parent, "duplicates": [pb.DuplicateTask(task=1)], "into": 2}
    found = refused(ruled.tasks.MergeTasks, pb.MergeTasksRequest(**(valid | fields)))
    assert found.code == INVALID and found.fields == [field], found.violations


def comment(served: Served, name: str, text: str, **fields: Any) -> pb.CommentTaskResponse:
    return served.tasks.CommentTask(pb.CommentTaskRequest(name=name, text=text, **fields))


def test_a_remark_stands_with_the_task(ruled: Served) -> None:
    made, given = ticket(ruled), fresh()
    first = comment(ruled, made.name, "call 13800001234", request_id=given)
    assert comment(ruled, made.name, "call 13800001234", request_id=given) == first
    last = comment(ruled, made.name, "he wants\nhis money|back")
    task = shown(ruled, made.name, last.position)
    assert [one.text for one in task.comments] == ["call 138****1234", "he wants\nhis money|back"]
    assert [one.position for one in task.comments] == [first.position, last.position]
    assert all(one.actor and one.comment_time.seconds for one in task.comments)
    assert {first.position, last.position} <= set(task.positions)
    assert refused(comment, ruled, ruled.name("tasks", 999_999), "x").code == NOT_FOUND


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": "tasks/1"}, "name"),
        ({"text": " "}, "text"),
        ({"text": "a\0b"}, "text"),
        ({"text": LONG}, "text"),
        ({"request_id": LONG}, "request_id"),
    ],
)
def test_a_bad_remark_names_its_field(ruled: Served, fields: dict[str, Any], field: str) -> None:
    valid = {"name": ruled.name("tasks", 1), "text": "he called"}
    found = refused(ruled.tasks.CommentTask, pb.CommentTaskRequest(**(valid | fields)))
    assert found.code == INVALID and found.fields == [field], found.violations
