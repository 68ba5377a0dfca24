"""The server as such: health, reflection, limits, deadlines, standing by, and its end."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from paidan.v1 import audit_pb2, importer_pb2, rules_pb2, tasks_pb2

from adapters.grpc_api.readiness import wait_until_serving
from adapters.grpc_api.serving import SERVICES
from adapters.log.command_queue import CommandQueue
from tests.wire.served import Served, fresh
from tests.wire.telling import refused

SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


@pytest.fixture
def own(postgres: str, tmp_path: Path) -> Iterator[Served]:
    """A server that the test may end."""
    running = Served(postgres, f"own-{fresh()[:8]}", tmp_path / "spool")
    running.start()
    running.apply_rules()
    yield running
    running.stop()


def create(served: Served, **options: object) -> tasks_pb2.CreateTaskResponse:
    request = tasks_pb2.CreateTaskRequest(parent=served.parent, task_type="ticket", request_id=fresh())
    return served.tasks.CreateTask(request, **options)


def test_health_follows_ownership(ruled: Served) -> None:
    ask = health_pb2_grpc.HealthStub(ruled.channel).Check
    for service in ("", *SERVICES):
        assert ask(health_pb2.HealthCheckRequest(service=service)).status == SERVING
    assert wait_until_serving(ruled.target, 5)
    ruled.wait(ruled.serving.owns(False))
    assert ask(health_pb2.HealthCheckRequest(service="paidan.v1.TaskService")).status == NOT_SERVING
    ruled.wait(ruled.serving.owns(True))
    assert refused(ask, health_pb2.HealthCheckRequest(service="nope")).code == grpc.StatusCode.NOT_FOUND


def test_reflection_shows_every_service(ruled: Served) -> None:
    stub = reflection_pb2_grpc.ServerReflectionStub(ruled.channel)
    asked = [reflection_pb2.ServerReflectionRequest(list_services="")]
    found = {
        service.name
        for answer in stub.ServerReflectionInfo(iter(asked))
        for service in answer.list_services_response.service
    }
    assert found == {*SERVICES, "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"}
    asked = [reflection_pb2.ServerReflectionRequest(file_containing_symbol="paidan.v1.TaskService")]
    assert next(iter(stub.ServerReflectionInfo(iter(asked)))).file_descriptor_response.file_descriptor_proto


def test_a_method_that_is_not_there(ruled: Served) -> None:
    call = ruled.channel.unary_unary("/paidan.v1.TaskService/Nope")
    assert refused(call, b"").code == grpc.StatusCode.UNIMPLEMENTED
    garbage = ruled.channel.unary_unary("/paidan.v1.TaskService/CreateTask")
    assert refused(garbage, b"\xff\xff").code == grpc.StatusCode.INVALID_ARGUMENT
    upload = ruled.channel.stream_unary("/paidan.v1.PackageService/UploadPackage")
    assert refused(upload, iter([b"\xff\xff"])).fields == ["header"]


def test_a_message_over_the_limit_is_turned_away(ruled: Served) -> None:
    request = rules_pb2.ApplyRulesRequest(parent=ruled.parent, source="x" * (17 * 1024 * 1024))
    with grpc.insecure_channel(ruled.target, options=[("grpc.max_send_message_length", -1)]) as channel:
        method = rules_pb2.DESCRIPTOR.services_by_name["RuleService"].full_name
        call = channel.unary_unary(
            f"/{method}/ApplyRules", request_serializer=lambda message: message.SerializeToString()
        )
        assert refused(call, request).code == grpc.StatusCode.RESOURCE_EXHAUSTED


def test_a_query_that_must_wait_too_long_says_so(ruled: Served) -> None:
    position = create(ruled).position
    ruled.pause_views()
    made = create(ruled)
    request = tasks_pb2.GetTaskRequest(name=made.name, min_position=made.position)
    late = refused(ruled.tasks.GetTask, request, timeout=0.5)
    assert late.code == grpc.StatusCode.DEADLINE_EXCEEDED
    held = tasks_pb2.GetTaskRequest(name=ruled.name("tasks", made.number - 1), min_position=position)
    ruled.resume_views()
    assert ruled.tasks.GetTask(held, timeout=10).position >= position
    assert ruled.tasks.GetTask(request, timeout=10).position >= made.position


def test_a_query_without_a_deadline_waits_a_while(own: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.grpc_api.waiting.PATIENCE_S", 0.3)
    for request, method in (
        (tasks_pb2.GetTaskRequest(name=own.name("tasks", 1), min_position=10_000), own.tasks.GetTask),
        (audit_pb2.ExplainTaskRequest(name=own.name("tasks", 1), min_position=10_000), own.audit.ExplainTask),
        (importer_pb2.NextPackageRequest(parent=own.parent, min_position=10_000), own.importer.NextPackage),
    ):
        found = refused(method, request)
        assert found.code == grpc.StatusCode.UNAVAILABLE and found.reason in ("VIEW_BEHIND", "POSITION_NOT_REACHED")


def test_a_cancelled_command_is_still_done(own: Served) -> None:
    own.wait(_hold(own.writer, 0.5))
    request = tasks_pb2.CreateTaskRequest(parent=own.parent, task_type="ticket", request_id=fresh())
    assert refused(own.tasks.CreateTask, request, timeout=0.2).code == grpc.StatusCode.DEADLINE_EXCEEDED
    assert own.tasks.CreateTask(request).number == 1
    assert own.tasks.CreateTask(request).number == 1


async def _hold(writer: object, seconds: float) -> None:
    """Appends take this long."""
    append = writer._log.append  # type: ignore[attr-defined]

    def slowly(events: object) -> None:
        time.sleep(seconds)
        append(events)

    writer._log.append = slowly  # type: ignore[attr-defined]


def test_an_overloaded_server_says_so(own: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own.writer, "queue", CommandQueue(0, 1.0))
    found = refused(create, own)
    assert (found.code, found.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED")


def test_standing_by_is_unavailable_and_still_answers_queries(own: Served) -> None:
    made = create(own)
    own.tasks.GetTask(tasks_pb2.GetTaskRequest(name=made.name, min_position=made.position), timeout=10)
    own.wait(own.writer.close())
    found = refused(create, own)
    assert (found.code, found.reason) == (grpc.StatusCode.UNAVAILABLE, "NOT_SERVING")
    assert refused(own.importer.NextPackage, importer_pb2.NextPackageRequest(parent=own.parent)).reason == "NOT_SERVING"
    assert own.tasks.GetTask(tasks_pb2.GetTaskRequest(name=made.name)).task.number == made.number


def test_a_repeat_is_answered_after_a_restart(postgres: str, tmp_path: Path) -> None:
    first = Served(postgres, f"own-{fresh()[:8]}", tmp_path / "spool")
    first.start()
    first.apply_rules()
    request = tasks_pb2.CreateTaskRequest(parent=first.parent, task_type="ticket", request_id=fresh())
    answer = first.tasks.CreateTask(request)
    first.stop()
    second = Served(postgres, first.workspace, tmp_path / "spool")
    second.start()
    assert second.tasks.CreateTask(request) == answer
    second.stop()


def test_an_end_finishes_what_was_accepted(own: Served) -> None:
    create(own)
    own.wait(_hold(own.writer, 0.3))
    answers: list[object] = []
    callers = [threading.Thread(target=lambda: answers.append(create(own))) for _ in range(8)]
    following = own.audit.ReadEvents(audit_pb2.ReadEventsRequest(parent=own.parent, follow=True))
    watching = health_pb2_grpc.HealthStub(own.channel).Watch(health_pb2.HealthCheckRequest())
    assert next(following).events and next(watching).status == SERVING
    for caller in callers:
        caller.start()
    time.sleep(0.1)
    began = time.monotonic()
    own.wait(own.serving.stop(10.0))
    assert time.monotonic() - began < 3
    for caller in callers:
        caller.join()
    assert len(answers) == 8 and {answer.number for answer in answers} == set(range(2, 10))
    with pytest.raises(grpc.RpcError) as ended:
        list(following)
    assert ended.value.code() == grpc.StatusCode.UNAVAILABLE
    assert refused(create, own, timeout=2).code == grpc.StatusCode.UNAVAILABLE


def test_an_address_that_is_taken(own: Served, postgres: str) -> None:
    from adapters.grpc_api.services import Services
    from adapters.grpc_api.serving import Serving

    async def second(listen: str) -> None:
        serving = Serving(Services(own.workspace, own.writer, None, None, None, None), listen)  # type: ignore[arg-type]
        try:
            await serving.start()
        finally:
            await serving.stop(0)

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match="Expected to listen on"):
            asyncio.run(second(f"127.0.0.1:{taken.getsockname()[1]}"))
