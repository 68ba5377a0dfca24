"""The thin client of the command line: one channel, and every failure as one exception with its exit code."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar
from uuid import uuid4

import grpc
from paidan.v1.agents_pb2_grpc import AgentServiceStub
from paidan.v1.audit_pb2_grpc import AuditServiceStub
from paidan.v1.measures_pb2_grpc import MeasureServiceStub
from paidan.v1.packages_pb2_grpc import PackageServiceStub
from paidan.v1.pools_pb2_grpc import PoolServiceStub
from paidan.v1.rules_pb2_grpc import RuleServiceStub
from paidan.v1.tasks_pb2_grpc import TaskServiceStub

from adapters.grpc_api.metadata import naming
from adapters.grpc_api.status import told
from engine.refusals import Violation

Answer = TypeVar("Answer")

TIMEOUT_S = 60.0
MESSAGE_BYTES = 16 * 1024 * 1024

LARGER = re.compile(r"larger than max \((\d+) vs\. (\d+)\)")

REFUSED, UNREACHABLE = 1, 3
AWAY = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)


class CallError(Exception):
    """The server refused, or could not be asked."""

    def __init__(
        self,
        exit_code: int,
        message: str,
        reason: str = "",
        violations: tuple[Violation, ...] = (),
        *,
        late: bool = False,
    ) -> None:
        super().__init__(message)
        self.late = late
        """The time given was too short."""
        self.exit_code = exit_code
        self.message = message
        self.reason = reason
        self.violations = violations


class Client:
    """One server, asked in the name of one actor."""

    def __init__(self, server: str, actor: str) -> None:
        options = [("grpc.max_receive_message_length", MESSAGE_BYTES), ("grpc.max_metadata_size", 16 * 1024)]
        self._server = server
        self._channel = grpc.insecure_channel(server, options=options)
        self._metadata = (naming(actor),)
        self.rules = RuleServiceStub(self._channel)
        self.agents = AgentServiceStub(self._channel)
        self.packages = PackageServiceStub(self._channel)
        self.tasks = TaskServiceStub(self._channel)
        self.pools = PoolServiceStub(self._channel)
        self.audit = AuditServiceStub(self._channel)
        self.measures = MeasureServiceStub(self._channel)

    def ask(self, method: Callable[..., Answer], request: Any, timeout: float = TIMEOUT_S) -> Answer:
        """The answer to one request, or to a stream of them. Raises CallError."""
        try:
            return method(request, timeout=timeout, metadata=self._metadata)
        except grpc.RpcError as error:
            raise self._told(error) from error

    def stream(self, method: Callable[..., Iterable[Answer]], request: Any) -> Iterator[Answer]:
        """The messages of a stream, for as long as it takes. Raises CallError."""
        try:
            yield from method(request, metadata=self._metadata)
        except grpc.RpcError as error:
            raise self._told(error) from error

    def close(self) -> None:
        """Give the connection back."""
        self._channel.close()

    def _told(self, error: grpc.RpcError) -> CallError:
        call: Any = error
        found = told(call)
        code = UNREACHABLE if call.code() in AWAY else REFUSED
        late = call.code() == grpc.StatusCode.DEADLINE_EXCEEDED
        if code == UNREACHABLE and not found.reason:
            message = f"Expected a server at {self._server}, but it does not answer ({call.details()}); is it running?"
            return CallError(code, message, late=late)
        if call.code() == grpc.StatusCode.RESOURCE_EXHAUSTED and not found.reason:
            return CallError(code, _over_a_limit(str(call.details())), call.code().name)
        return CallError(code, call.details(), found.reason or call.code().name, found.violations, late=late)


def _over_a_limit(details: str) -> str:
    """What gRPC itself refuses, in our words."""
    sizes = LARGER.search(details)
    if sizes is None:
        return f"Expected no more than the server takes on, but it said: {details}; ask again shortly"
    return f"Expected a message of at most {sizes[2]} bytes, but it has {sizes[1]}; send or ask for less at a time"


def fresh_request_id() -> str:
    """One that nobody used before."""
    return uuid4().hex
