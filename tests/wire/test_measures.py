"""Measures over the wire and at the command line, of a few tasks lived through on a real server."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from paidan.v1 import measures_pb2 as pb
from paidan.v1 import tasks_pb2
from typer.testing import CliRunner, Result

from adapters.cli.app import app
from projections import measuring
from tests.wire.served import Served
from tests.wire.telling import refused


@pytest.fixture(scope="module")
def busy(ruled: Served) -> Served:
    """Two tickets claimed by A1: one of them done, the other cancelled."""
    first, last = (_claimed(ruled) for _ in range(2))
    mine = {"name": first.name, "agent": "A1", "grant": first.grant}
    ruled.tasks.StartTask(tasks_pb2.StartTaskRequest(**mine))
    ruled.tasks.CompleteTask(tasks_pb2.CompleteTaskRequest(**mine))
    ruled.tasks.CancelTask(tasks_pb2.CancelTaskRequest(name=last.name, grant=last.grant))
    return ruled


def _claimed(served: Served) -> tasks_pb2.ClaimTaskResponse:
    served.tasks.CreateTask(tasks_pb2.CreateTaskRequest(parent=served.parent, task_type="ticket"))
    return served.tasks.ClaimTask(tasks_pb2.ClaimTaskRequest(parent=served.parent, agent="A1"))


def ask(served: Served, **fields: object) -> pb.GetMeasuresResponse:
    request = pb.GetMeasuresRequest(parent=served.parent, min_position=served.writer.position, **fields)
    return served.measures.GetMeasures(request)


def test_what_was_done(busy: Served) -> None:
    found = ask(busy, group_by=["MEASURE_GROUP_AGENT", "MEASURE_GROUP_RULE"])
    assert found.position >= busy.writer.position
    rows = {(row.agent, row.rule): row for row in found.measures}
    assert rows["", ""].created == 2 and set(rows) == {("", ""), ("A1", "claimed")}
    done = rows["A1", "claimed"]
    assert (done.assigned, done.started, done.completed, done.cancelled) == (2, 1, 1, 1)
    assert done.with_resolve_by == 0 and done.to_start.count == 1
    assert done.to_assign.p50_ms <= done.to_start.p50_ms <= done.to_complete.p50_ms == done.to_complete.p99_ms
    assert not rows["", ""].HasField("to_complete")


def test_a_range_without_anything_in_it(busy: Served) -> None:
    (found,) = ask(busy, end_time=Timestamp(seconds=1)).measures
    assert found.created == found.completed == 0 and not found.HasField("to_assign")
    assert not ask(busy, end_time=Timestamp(seconds=1), bucket_ms=60_000).measures
    day = ask(busy, bucket_ms=24 * 3_600_000).measures[0].bucket_time
    assert day.seconds % 86_400 == 0 and day.seconds > 1_500_000_000


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"start_time": Timestamp(seconds=9), "end_time": Timestamp(seconds=9)}, "end_time"),
        ({"start_time": Timestamp(seconds=-1)}, "start_time"),
        ({"start_time": Timestamp(seconds=2**62)}, "start_time"),
        ({"end_time": Timestamp(seconds=1, nanos=-5)}, "end_time"),
        ({"group_by": [0]}, "group_by"),
        ({"group_by": [77]}, "group_by"),
        ({"group_by": [1, 1]}, "group_by"),
        ({"bucket_ms": 59_999}, "bucket_ms"),
        ({"bucket_ms": 2**62}, "bucket_ms"),
        ({"min_position": -1}, "min_position"),
        ({"parent": "x"}, "parent"),
    ],
)
def test_what_is_wrong_is_named(busy: Served, fields: dict[str, object], field: str) -> None:
    found = refused(busy.measures.GetMeasures, pb.GetMeasuresRequest(**{"parent": busy.parent, **fields}))
    assert found.code is grpc.StatusCode.INVALID_ARGUMENT and found.fields == [field]
    assert found.violations[field].startswith("Expected")


def test_too_many_rows_are_refused(busy: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "MAX_ROWS", 1)
    request = pb.GetMeasuresRequest(parent=busy.parent, group_by=["MEASURE_GROUP_AGENT"])
    found = refused(busy.measures.GetMeasures, request)
    assert (found.code, found.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_ROWS")
    assert found.retry_s == 0


@pytest.fixture
def slow(busy: Served, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Every query for measures takes a while; the event is set when one is asked."""
    asked = measuring.question
    started = threading.Event()

    def slowly(question: measuring.MeasuresAsked) -> tuple[str, dict[str, object]]:
        started.set()
        sql, values = asked(question)
        return "SELECT m.* FROM pg_sleep(0.3), LATERAL (" + sql + ") m", values

    monkeypatch.setattr(measuring, "question", slowly)
    yield started


def test_other_queries_are_answered_meanwhile(busy: Served, slow: threading.Event) -> None:
    """However many ask for measures, two connections at most are taken up by them."""
    request = pb.GetMeasuresRequest(parent=busy.parent)
    under_way = [busy.measures.GetMeasures.future(request) for _ in range(6)]
    assert slow.wait(10)
    busy.tasks.ListTasks(tasks_pb2.ListTasksRequest(parent=busy.parent))
    assert not all(call.done() for call in under_way)
    assert [call.result().measures[0].created for call in under_way] == [2] * 6


# --- at the command line ---------------------------------------------------------------------------------------------


def paidan(served: Served, *arguments: str, code: int = 0) -> Result:
    where = ("--server", served.target, "--workspace", served.workspace)
    result = CliRunner().invoke(app, ["stats", *arguments, *where])
    assert result.exit_code == code, result.output
    return result


def test_a_table_for_people(busy: Served) -> None:
    table = paidan(busy, "--by", "agent,rule", "--from", "1d").stdout
    assert "A1" in table and "claimed" in table and "(none)" in table and "on time" in table
    assert "T00:00:00" in paidan(busy, "--bucket", "1d", "--from", "2020-01-01").stdout
    assert "Nothing happened" in paidan(busy, "--by", "team", "--to", "2020-01-01T08:00+08:00").stdout


def test_json_for_programs(busy: Served) -> None:
    rows = [json.loads(line) for line in paidan(busy, "--by", "agent", "--json").stdout.splitlines()]
    assert [(row["agent"], row["created"], row["completed"]) for row in rows] == [("", 2, 0), ("A1", 0, 1)]
    assert rows[0]["to_complete"] is None and rows[1]["to_complete"]["count"] == 1 and rows[1]["bucket_time"] is None


def test_without_options_it_says_how_things_stand(busy: Served) -> None:
    assert "status" in paidan(busy).stdout
    assert json.loads(paidan(busy, "--json").stdout)["counts"]


@pytest.mark.parametrize(
    "arguments", [("--from", "soon"), ("--to", "0d"), ("--by", "colour"), ("--by", ","), ("--bucket", "1y")]
)
def test_what_cannot_be_read(busy: Served, arguments: tuple[str, str]) -> None:
    assert f"Expected {arguments[0]}" in paidan(busy, *arguments, code=2).stderr
