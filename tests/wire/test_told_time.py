"""A clock that callers drive: in rehearsals time is what they say, and elsewhere they have no say in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from paidan.v1.tasks_pb2 import CreateTaskRequest, GetTaskRequest, Task

from adapters.grpc_api.metadata import TIME
from adapters.log.driven_clock import DrivenClock
from tests.wire.served import Served, fresh
from tests.wire.telling import refused

RULES = """\
workspace: {workspace}
attributes: {{task: {{}}, agent: {{}}}}
rules:
  - {{id: tickets, task_type: ticket, method: claim, escalation: [{{at: 4h, mark_overdue: true}}]}}
"""
AT_ONE, BEFORE_FIVE, AT_FIVE = "2016-02-29T01:00:00Z", "2016-02-29T04:59:59.999Z", "2016-02-29T05:00:00+00:00"


@pytest.fixture
def rehearsal(postgres: str, tmp_path: Path) -> Iterator[Served]:
    running = Served(postgres, f"rehearsal-{fresh()[:8]}", tmp_path / "spool", clock=DrivenClock())
    running.start()
    running.apply_rules(RULES)
    yield running
    running.stop()


def create(served: Served, time: str) -> Task:
    made = served.tasks.CreateTask(asked(served), metadata=[(TIME, time)])
    return seen(served, made.name, made.position)


def seen(served: Served, name: str, position: int) -> Task:
    return served.tasks.GetTask(GetTaskRequest(name=name, min_position=position)).task


def asked(served: Served) -> CreateTaskRequest:
    return CreateTaskRequest(parent=served.parent, task_type="ticket")


def test_it_is_as_late_as_callers_say(rehearsal: Served) -> None:
    first, moment = create(rehearsal, AT_ONE), Timestamp()
    moment.FromJsonString(AT_ONE)
    assert first.create_time == moment
    still = rehearsal.tasks.CreateTask(asked(rehearsal))
    assert seen(rehearsal, still.name, still.position).create_time == moment, (
        "who does not tell the time finds it still"
    )
    assert not seen(rehearsal, first.name, create(rehearsal, BEFORE_FIVE).positions[0]).overdue
    assert seen(rehearsal, first.name, create(rehearsal, AT_FIVE).positions[0]).overdue, "due by then, so it came first"


def test_time_does_not_go_back(rehearsal: Served) -> None:
    create(rehearsal, AT_FIVE)
    told = refused(rehearsal.tasks.CreateTask, asked(rehearsal), metadata=[(TIME, AT_ONE)])
    assert (told.code, told.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "TIME_PASSED")
    assert "2016-02-29T05:00:00" in told.message


def test_what_is_no_time_is_refused(rehearsal: Served) -> None:
    for time in ("", "soon", "2016-02-29T01:00:00", "1456707600000", "2016-02-30T01:00:00Z"):
        told = refused(rehearsal.tasks.CreateTask, asked(rehearsal), metadata=[(TIME, time)])
        assert (told.code, told.fields) == (grpc.StatusCode.INVALID_ARGUMENT, [TIME]), time


def test_elsewhere_nobody_tells_the_time(ruled: Served) -> None:
    told = refused(ruled.tasks.CreateTask, asked(ruled), metadata=[(TIME, AT_ONE)])
    assert (told.code, told.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "CLOCK_NOT_DRIVEN")
