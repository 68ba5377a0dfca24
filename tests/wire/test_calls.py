"""A served workspace, a connector and a callee: from the order to the answer on record, and whoever dies between."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import grpc
import pytest
from paidan.v1 import connector_pb2
from paidan.v1 import tasks_pb2 as pb
from paidan.v1.audit_pb2 import GetTaskHistoryRequest
from paidan.v1.connector_pb2_grpc import ConnectorServiceStub
from paidan.v1.measures_pb2 import GetMeasuresRequest

from adapters.grpc_api.connector_client import connected
from adapters.outbound.attempts import Attempts
from adapters.outbound.http_transport import HttpTransport
from adapters.outbound.nats_transport import NatsTransport
from adapters.outbound.outbound import Outbound, OutboundLimits
from tests.outbound.callee import Callee, Reply, Sent, callee
from tests.outbound.test_signing import SECRET, verified
from tests.wire.served import Served
from tests.wire.telling import refused

RULES = """\
workspace: {{workspace}}
attributes: {{{{task: {{{{what: string}}}}, agent: {{{{level: int}}}}}}}}
task_types:
  check:
    sla: {{{{resolve_within: 1h}}}}
    callback: {{{{url: "{url}/ask", secret: desk, attempts: 2, backoff: 1s}}}}
    feedback_channel: {{{{url: "{url}/told", secret: desk, attempts: 1}}}}
rules:
  - {{{{id: claimed, task_type: check, method: claim}}}}
"""
STOP = threading.Event()


def answering(sent: Sent, before: int) -> Reply:
    """As the task's attribute says."""
    if sent.path == "/told":
        return Reply(410 if json.loads(sent.body)["data"]["attributes"].get("what") == "deaf" else 204, b"")
    what = json.loads(sent.body)["data"]["attributes"].get("what", "")
    if what == "flaky" and not before:
        return Reply(503, headers={"retry-after": "0"})
    if what == "wait":
        return Reply(hold=STOP)
    return Reply(body={"no": b'{"handled": false, "reason": "unknown"}'}.get(what, b'{"balance": 12}'))


@pytest.fixture(scope="module")
def outside(served: Served) -> Iterator[Callee]:
    STOP.clear()
    with callee(answering) as running:
        served.apply_rules(RULES.format(url=running.url))
        served.apply_agents()
        yield running
        STOP.set()


@contextmanager
def connector(served: Served, **fields: Any) -> Iterator[Outbound]:
    """One at work, in the server's loop."""
    made: list[Outbound] = []

    async def run(begun: threading.Event) -> None:
        async with connected(served.target, served.workspace) as port:
            attempts = Attempts(HttpTransport(9_000), NatsTransport(None, 9), {"desk": SECRET}, lambda *_: None)
            made.append(Outbound(fields.get("port", port), attempts, OutboundLimits(8, 100)))
            begun.set()
            with suppress(asyncio.CancelledError):
                await made[0].run()

    begun = threading.Event()
    running = served.begin(run(begun))
    assert begun.wait(10)
    try:
        yield made[0]
    finally:
        running.cancel()


def create(served: Served, what: str = "") -> str:
    request = pb.CreateTaskRequest(parent=served.parent, task_type="check")
    request.attributes["what"].string_value = what
    return str(served.tasks.CreateTask(request).name)


def reached(served: Served, name: str, callback: str, delivery: str = "") -> pb.Task:
    """The task, once its calls stand so."""
    position = served.writer.position
    while True:
        answer = served.tasks.GetTask(pb.GetTaskRequest(name=name, min_position=position), timeout=20)
        if (answer.task.callback.state, answer.task.delivery.state) == (callback, delivery):
            return answer.task
        position = answer.position + 1


def test_answered_outside_it_closes_without_a_human_and_the_channel_is_told(served: Served, outside: Callee) -> None:
    with connector(served):
        name = create(served, "flaky")
        task = reached(served, name, "succeeded", "delivered")
    assert (task.status, task.agent, dict(task.wrap_up)) == (pb.TASK_STATUS_COMPLETED, "", {"balance": "12"})
    assert (task.callback.attempts, task.delivery.attempts) == (2, 1)
    mine = [sent for sent in outside.sent if json.loads(sent.body)["data"]["task"] == task.number]
    assert [sent.path for sent in mine] == ["/ask", "/ask", "/told"]
    assert all(verified(SECRET, sent.headers, sent.body) for sent in mine)
    told = json.loads(mine[-1].body)["data"]
    assert (told["agent"], told["result"], told["in_time"]) == (None, {"balance": "12"}, True)
    history = served.audit.GetTaskHistory(GetTaskHistoryRequest(name=name)).events
    assert [event.type.removesuffix(".v1") for event in history] == [
        "TaskCreated", "CallbacksStarted", "CallbackSucceeded", "ResultDelivered",
    ]  # fmt: skip
    measured = served.measures.GetMeasures(GetMeasuresRequest(parent=served.parent)).measures[0]
    assert (measured.completed, measured.resolved_in_time) == (1, 1)


def test_declined_people_do_it_and_its_result_is_told_or_given_up(served: Served, outside: Callee) -> None:
    with connector(served):
        declined = reached(served, create(served, "no"), "declined")
        assert declined.status == pb.TASK_STATUS_POOLED and declined.callback.reason == "unknown"
        deaf = reached(served, create(served, "deaf"), "succeeded", "undelivered")
        assert deaf.delivery.reason == "HTTP 410"
        claimed = served.tasks.ClaimTask(pb.ClaimTaskRequest(parent=served.parent, agent="A1", task=declined.number))
        about: dict[str, Any] = {"name": declined.name, "agent": "A1", "grant": claimed.grant}
        served.tasks.StartTask(pb.StartTaskRequest(**about))
        served.tasks.CompleteTask(pb.CompleteTaskRequest(**about, wrap_up={"note": "done"}))
        reached(served, declined.name, "declined", "delivered")
    assert json.loads(outside.sent[-1].body)["data"]["agent"] == "A1"


def test_while_asked_it_is_in_no_pool_and_may_be_cancelled(served: Served, outside: Callee) -> None:
    before = len(outside.sent)
    with connector(served):
        name = create(served, "wait")
        outside.wait_for(before + 1)
        listed = pb.ListTasksRequest(parent=served.parent, filter='status = "calling" AND callback = "calling"')
        listed.min_position = served.writer.position
        assert [task.name for task in served.tasks.ListTasks(listed).tasks] == [name]
        told = refused(served.tasks.ReassignTask, pb.ReassignTaskRequest(name=name, agent="A1"))
        assert (told.code, told.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "TASK_NOT_WAITING")
        served.tasks.CancelTask(pb.CancelTaskRequest(name=name, reason="wrong number"))
        cancelled = reached(served, name, "cancelled")
        assert cancelled.status == pb.TASK_STATUS_CANCELLED
        STOP.set()
    STOP.clear()


def test_dead_between_the_call_and_its_report_the_effect_is_one(served: Served, outside: Callee) -> None:
    class Mute:
        """Loses every report."""

        def __init__(self, port: Any) -> None:
            self.calls, self.lost = port.calls, threading.Event()

        async def report(self, *_: object) -> None:
            self.lost.set()
            await asyncio.sleep(3_600)

    async def dies(begun: threading.Event, name: list[str]) -> None:
        async with connected(served.target, served.workspace) as port:
            mute = Mute(port)
            attempts = Attempts(HttpTransport(9_000), NatsTransport(None, 9), {"desk": SECRET}, lambda *_: None)
            outbound = Outbound(mute, attempts, OutboundLimits(8, 100))
            running = asyncio.create_task(outbound.run())
            begun.set()
            await asyncio.to_thread(mute.lost.wait, 20)
            for task in (running, *outbound._workers):
                task.cancel()
            await asyncio.gather(running, *outbound._workers, return_exceptions=True)

    begun = threading.Event()
    dying = served.begin(dies(begun, []))
    assert begun.wait(10)
    name = create(served, "once")
    dying.result(30)
    with connector(served):
        task = reached(served, name, "succeeded", "delivered")
    asked = [sent for sent in outside.sent if sent.path == "/ask" and sent.key.split("-")[-2] == str(task.number)]
    assert len(asked) == 2 and len({(sent.key, sent.body) for sent in asked}) == 1
    history = served.audit.GetTaskHistory(GetTaskHistoryRequest(name=name)).events
    assert sum(event.type == "CallbackSucceeded.v1" for event in history) == 1


def test_reports_are_looked_at_and_late_ones_refused(served: Served, outside: Callee) -> None:
    stub = ConnectorServiceStub(served.channel)
    name = create(served, "never asked")
    (message,) = [
        call
        for call in next(iter(stub.WatchCalls(connector_pb2.WatchCallsRequest(parent=served.parent)))).calls
        if name.endswith(f"/{call.task}")
    ]
    assert message.asks and message.key == f"{served.workspace}-{message.task}-{message.made}" and message.left_ms > 0
    report = connector_pb2.FinishCallbackRequest(name=name, started=message.made)
    assert refused(stub.FinishCallback, report).fields == ["outcome"]
    report.outcome = connector_pb2.CALLBACK_OUTCOME_FAILED
    report.reason = "HTTP 503"
    stub.FinishCallback(report)
    assert refused(stub.FinishCallback, report).reason == "STALE_CALL"
    delivered = connector_pb2.FinishDeliveryRequest(name=name, made=message.made, delivered=True)
    told = refused(stub.FinishDelivery, delivered)
    assert (told.code, told.reason) == (grpc.StatusCode.ABORTED, "STALE_CALL")
    assert reached(served, name, "failed").status == pb.TASK_STATUS_POOLED
