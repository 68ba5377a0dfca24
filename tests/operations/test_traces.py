"""A trace runs from the call through the log to the views and to NATS."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import uuid4

import nats
from paidan.v1.tasks_pb2 import CreateTaskRequest

from adapters.grpc_api.metadata import traced
from adapters.processes.embedded_nats import running_nats
from tests.acceptance.serving import until
from tests.operations.collector import Span
from tests.operations.watching import Watched


def call(watched: Watched, traceparent: str) -> int:
    """Create a task within a trace; gives its number."""
    asked = CreateTaskRequest(parent=watched.served.parent, task_type="errand", request_id=uuid4().hex)
    create = watched.served.client.tasks.CreateTask
    return int(create(asked, timeout=10, metadata=(("traceparent", traceparent),)).number)


def complete(spans: list[Span]) -> bool:
    return {span.name for span in spans} >= {"append", "show", "publish"} and len(spans) >= 5


def test_a_command_is_followed_to_the_view_and_to_nats(watched: Watched) -> None:
    trace, caller = uuid4().hex, "00f067aa0ba902b7"
    task = call(watched, f"00-{trace}-{caller}-01")
    until(lambda: complete(watched.traces.of(trace)), "all spans", 20, lambda: str(watched.traces.of(trace)))
    spans = {span.name: span for span in watched.traces.of(trace)}
    rpc, decided = spans["paidan.v1.TaskService/CreateTask"], spans["decide CreateTask"]
    assert rpc.parent == caller and rpc.values["rpc.grpc.status_code"] == "OK"
    assert decided.parent == rpc.id and decided.values["paidan.outcome"] == "done"
    assert [spans[name].parent for name in ("append", "show", "publish")] == [decided.id] * 3
    assert [spans[name].process for name in ("append", "show", "publish")] == ["server", "projector", "publisher"]
    assert spans["show"].values["paidan.position"] == decided.values["paidan.position"]
    told = asyncio.run(message(watched, task))
    assert told["traceparent"] == f"00-{trace}-{decided.id}-01"


async def message(watched: Watched, task: int) -> dict[str, Any]:
    """The CloudEvent that tells of a task's creation."""
    url = running_nats(watched.served.data)
    assert url is not None
    client = await nats.connect(url)
    try:
        subscription = await client.jetstream().subscribe(f"paidan.{watched.served.workspace}.>", ordered_consumer=True)
        async with asyncio.timeout(20):
            async for told in subscription.messages:
                event: dict[str, Any] = json.loads(told.data)
                if event["subject"] == f"tasks/{task}":
                    return event
    finally:
        await client.close()
    raise AssertionError("Expected a message, but there is none")


def test_a_call_that_nobody_sampled_leaves_no_span_but_keeps_its_trace(watched: Watched) -> None:
    silent, loud = uuid4().hex, uuid4().hex
    call(watched, f"00-{silent}-00f067aa0ba902b7-00")
    call(watched, f"00-{loud}-00f067aa0ba902b7-01")
    until(lambda: complete(watched.traces.of(loud)), "all spans", 20)
    assert not watched.traces.of(silent)
    with watched.served.log() as log:
        assert any(event.trace.startswith(f"00-{silent}-") for event in log.replay())


def test_garbage_in_place_of_a_trace_is_no_reason_to_refuse() -> None:
    good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    assert traced(good) == good
    for bad in ("", "x", good.upper(), good + "-x", "ff" + good[2:], "00-" + "0" * 32 + good[35:], good + "\n"):
        assert traced(bad) == ""


def test_a_call_with_garbage_is_answered(watched: Watched) -> None:
    assert call(watched, "no trace") > 0
