"""The intake's way to the server: its port, over gRPC."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from paidan.v1.tasks_pb2 import CreateTaskRequest, Person
from paidan.v1.tasks_pb2_grpc import TaskServiceStub
from paidan.v1.values_pb2 import Value

from adapters.grpc_api.metadata import ACTOR, CORRELATION, TRACEPARENT, traced
from adapters.grpc_api.status import told
from adapters.grpc_api.values import to_value
from adapters.nats_bus.intake_message import NewTask
from adapters.nats_bus.intake_port import RefusedError, ServerAwayError, ServerFailedError
from adapters.nats_bus.intake_reading import Wish

TIMEOUT_S = 5.0
"""Less than NATS waits for the acknowledgement."""
HEALTH_S = 2.0
CODE = grpc.StatusCode
REFUSED = (CODE.INVALID_ARGUMENT, CODE.NOT_FOUND, CODE.ALREADY_EXISTS, CODE.FAILED_PRECONDITION, CODE.OUT_OF_RANGE)
FAILED = (CODE.INTERNAL, CODE.UNKNOWN, CODE.DATA_LOSS)
"""Whatever is neither refused nor failed is worth another attempt."""
ELSEWHERE = "WORKSPACE_UNKNOWN"
"""The server serves another workspace: that is no fault of the message."""
TOO_LARGE = "larger than max"
"""What gRPC says to a message that the server does not take for its size, under a code that also means overload."""


@asynccontextmanager
async def connected(target: str, workspace: str) -> AsyncIterator[GrpcIntakePort]:
    """The port of one workspace of the server at ``target`` (host:port); the connection is made when it is used."""
    options = [("grpc.max_reconnect_backoff_ms", 1_000)]
    async with grpc.aio.insecure_channel(target, options=options) as channel:
        yield GrpcIntakePort(channel, workspace)


class GrpcIntakePort:
    """``adapters.nats_bus.intake_port.IntakePort`` over a channel."""

    def __init__(self, channel: grpc.aio.Channel, workspace: str) -> None:
        self._parent = f"workspaces/{workspace}"
        self._tasks = TaskServiceStub(channel)
        self._health = health_pb2_grpc.HealthStub(channel)

    async def create(self, wish: Wish) -> None:
        """Resolves once the task is in the log."""
        try:
            request = request_of(self._parent, wish)
        except (ValueError, TypeError) as error:  # such as half of a character's two code units
            raise RefusedError("MESSAGE_INVALID", f"Expected what the server can be told, but {error}") from error
        try:
            await self._tasks.CreateTask(request, timeout=TIMEOUT_S, metadata=_caller(wish))
        except grpc.aio.AioRpcError as error:
            raise _meaning(error) from error

    async def is_serving(self) -> bool:
        """Whether commands are decided there now."""
        try:
            answer = await self._health.Check(health_pb2.HealthCheckRequest(service="commands"), timeout=HEALTH_S)
        except grpc.aio.AioRpcError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def request_of(parent: str, wish: Wish) -> CreateTaskRequest:
    """The request that asks for what the message asks for. Raises ValueError or TypeError."""
    task = wish.task
    request = CreateTaskRequest(
        parent=parent, task_type=task.task_type, business_type=task.business_type or "", customer=task.customer or "",
        owner=task.owner or "", region=task.region or "", priority=task.priority, request_id=wish.request,
        attributes=_values(task),
    )  # fmt: skip
    if task.person is not None:
        given = task.person
        person = Person(full_name=given.name or "", mobile=given.mobile or "", id_card=given.id_card or "")
        request.person.CopyFrom(person)
    return request


def _values(task: NewTask) -> dict[str, Value]:
    found = {}
    for name, value in task.attributes.items():
        if isinstance(value, list) and len({type(member) for member in value}) > 1:
            raise ValueError(f"attribute {name!r} mixes texts and numbers")
        found[name] = to_value(tuple(value) if isinstance(value, list) else value)
    return found


def _caller(wish: Wish) -> tuple[tuple[str, str], ...]:
    """Metadata. A correlation that cannot travel there is no reason to refuse the task."""
    said = [(ACTOR, "connector")]
    if 0 < len(wish.correlation) <= 128 and wish.correlation.isascii() and wish.correlation.isprintable():
        said.append((CORRELATION, wish.correlation))
    if traced(wish.trace):
        said.append((TRACEPARENT, wish.trace))
    return tuple(said)


def _meaning(error: grpc.aio.AioRpcError) -> Exception:
    status: Any = told(error)
    message = error.details() or error.code().name
    if error.code() in FAILED:
        return ServerFailedError(message)
    if error.code() is CODE.RESOURCE_EXHAUSTED and TOO_LARGE in message:
        return RefusedError("MESSAGE_TOO_LARGE", f"Expected a message that the server takes, but {message}")
    if error.code() not in REFUSED or status.reason == ELSEWHERE:
        return ServerAwayError(message)
    details = "".join(f"; {wrong.field}: {wrong.description}" for wrong in status.violations)
    return RefusedError(status.reason or error.code().name, message + details)
