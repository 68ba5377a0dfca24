"""The intake's way to the server: what is asked, and what each way to fail means."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2
from paidan.v1.tasks_pb2 import CreateTaskRequest, CreateTaskResponse

from adapters.grpc_api.failures import Failure, invalid, not_found, overloaded, unavailable
from adapters.grpc_api.intake_client import GrpcIntakePort, connected, request_of
from adapters.grpc_api.status import status_of
from adapters.grpc_api.values import of_values
from adapters.nats_bus.intake_message import NewPerson, NewTask
from adapters.nats_bus.intake_port import RefusedError, ServerAwayError, ServerFailedError
from adapters.nats_bus.intake_reading import Wish
from engine.refusals import Violation

WISH = Wish("nats:1", NewTask("errand"), "corr", "00-" + "1" * 32 + "-" + "2" * 16 + "-01")
INTERNAL = Failure("internal", "INTERNAL", "Expected to serve, but the server failed")


class Server:
    """Answers CreateTask with a failure, or with nothing wrong; notes what it was asked."""

    def __init__(self, failure: Failure | None = None) -> None:
        self.failure = failure
        self.asked: list[tuple[CreateTaskRequest, dict[str, Any]]] = []

    async def create(self, request: CreateTaskRequest, context: Any) -> CreateTaskResponse:
        self.asked.append((request, dict(context.invocation_metadata())))
        if self.failure is not None:
            await context.abort_with_status(status_of(self.failure))
        return CreateTaskResponse(number=1)

    async def check(self, request: Any, _context: Any) -> Any:
        return health_pb2.HealthCheckResponse(status=1 if request.service == "commands" else 2)

    def ask(self, question: Callable[[GrpcIntakePort], Any], **options: Any) -> Any:
        async def asking() -> Any:
            server = grpc.aio.server(options=list(options.items()))
            server.add_generic_rpc_handlers((_handlers(self),))
            address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
            await server.start()
            try:
                async with connected(address, "desk") as port:
                    return await question(port)
            finally:
                await server.stop(None)

        return asyncio.run(asking())


def _handlers(server: Server) -> Any:
    methods = {
        ("paidan.v1.TaskService", "CreateTask"): (server.create, CreateTaskRequest),
        ("grpc.health.v1.Health", "Check"): (server.check, health_pb2.HealthCheckRequest),
    }

    class Handlers(grpc.GenericRpcHandler):
        def service(self, details: Any) -> Any:
            behaviour, request = methods[tuple(details.method.strip("/").split("/"))]  # type: ignore[index]  # two parts
            return grpc.unary_unary_rpc_method_handler(
                behaviour, request.FromString, lambda answer: answer.SerializeToString()
            )

    return Handlers()


def test_it_asks_for_what_the_message_says() -> None:
    server = Server()
    server.ask(lambda port: port.create(WISH))
    ((request, metadata),) = server.asked
    assert (request.parent, request.task_type, request.request_id) == ("workspaces/desk", "errand", "nats:1")
    said = {name: metadata[name] for name in ("paidan-actor", "paidan-correlation", "traceparent")}
    assert said == {"paidan-actor": "connector", "paidan-correlation": "corr", "traceparent": WISH.trace}
    assert server.ask(lambda port: port.is_serving()) is True


def test_every_field_arrives() -> None:
    attributes: Any = {"a": 1, "b": 1.5, "c": True, "d": "x", "e": ["x"], "f": [1, 2], "g": None}
    task = NewTask("t", "b", attributes, "c", "o", "r", 9, NewPerson("n", "m", "i"))
    request = request_of("workspaces/desk", Wish("q", task))
    assert of_values(request.attributes) == {**attributes, "e": ("x",), "f": (1, 2)}
    assert (request.business_type, request.customer, request.owner, request.region) == ("b", "c", "o", "r")
    assert (request.priority, request.person.full_name, request.person.mobile, request.person.id_card) == (9, *"nmi")


@pytest.mark.parametrize("correlation", ["中", "a\nb", "x" * 129])
def test_a_correlation_that_cannot_travel_is_left_out(correlation: str) -> None:
    server = Server()
    server.ask(lambda port: port.create(Wish("q", NewTask("t"), correlation, "no trace")))
    assert {"paidan-correlation", "traceparent"}.isdisjoint(server.asked[0][1])


@pytest.mark.parametrize(
    ("failure", "meaning"),
    [
        (unavailable("NOT_SERVING", "Expected …"), ServerAwayError),
        (overloaded("OVERLOADED", "Expected …"), ServerAwayError),
        (Failure("deadline", "DEADLINE_EXCEEDED", "late"), ServerAwayError),
        (not_found("WORKSPACE_UNKNOWN", "Expected another"), ServerAwayError),
        (INTERNAL, ServerFailedError),
        (invalid(Violation("priority", "Expected 0 to 100")), RefusedError),
        (Failure("already_exists", "REQUEST_ID_REUSED", "Expected a new one"), RefusedError),
        (Failure("precondition", "ANYTHING", "Expected …"), RefusedError),
    ],
)
def test_what_a_failure_means(failure: Failure, meaning: type[Exception]) -> None:
    with pytest.raises(meaning) as found:
        Server(failure).ask(lambda port: port.create(WISH))
    if isinstance(found.value, RefusedError):
        assert found.value.reason == failure.reason
        assert all(wrong.field in str(found.value) for wrong in failure.violations)


def test_what_no_server_takes_is_refused_and_not_tried_for_ever() -> None:
    large = Wish("q", NewTask("t", attributes={str(number): "x" * 4_000 for number in range(10)}))
    with pytest.raises(RefusedError) as found:
        Server().ask(lambda port: port.create(large), **{"grpc.max_receive_message_length": 4_096})
    assert found.value.reason == "MESSAGE_TOO_LARGE"
    mixed = Wish("q", NewTask("t", attributes={"a": [1, "b"]}))
    with pytest.raises(RefusedError, match="mixes"):
        Server().ask(lambda port: port.create(mixed))


def test_a_server_that_is_not_there_is_away() -> None:
    async def play() -> None:
        async with connected("127.0.0.1:1", "desk") as port:
            assert not await port.is_serving()
            with pytest.raises(ServerAwayError):
                await port.create(WISH)

    asyncio.run(play())
