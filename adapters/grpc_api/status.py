"""The one table from refusals and failures to gRPC codes; the google.rpc.Status of each, written and read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import grpc
import msgspec
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo  # type: ignore[import-untyped]
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from grpc_status import rpc_status

from adapters.grpc_api.failures import Failure
from engine.refusals import Violation

DOMAIN = "paidan"

CODES: dict[str, grpc.StatusCode] = {
    "invalid": grpc.StatusCode.INVALID_ARGUMENT,
    "not_found": grpc.StatusCode.NOT_FOUND,
    "already_exists": grpc.StatusCode.ALREADY_EXISTS,
    "precondition": grpc.StatusCode.FAILED_PRECONDITION,
    "stale": grpc.StatusCode.ABORTED,
    "overloaded": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "unavailable": grpc.StatusCode.UNAVAILABLE,
    "deadline": grpc.StatusCode.DEADLINE_EXCEEDED,
    "internal": grpc.StatusCode.INTERNAL,
}

MAX_MESSAGE = 600
MAX_VIOLATIONS = 3_600
"""Bytes. A status travels in headers, and a client takes 8 KB of those, base64 included."""


def status_of(failure: Failure) -> grpc.Status:
    """The status an RPC is aborted with."""
    number, _ = CODES[failure.kind].value
    status = Status(code=number, message=_cut(failure.message, MAX_MESSAGE), details=map(_packed, _details(failure)))
    return rpc_status.to_status(status)


class Told(msgspec.Struct, frozen=True):
    """What a status told its receiver; ``reason`` is empty where Paidan did not write it."""

    reason: str
    violations: tuple[Violation, ...]


def told(call: Any) -> Told:
    """The details of a call that failed."""
    status = rpc_status.from_call(call) or Status()
    info, request = ErrorInfo(), BadRequest()
    for detail in status.details:
        detail.Unpack(info)
        detail.Unpack(request)
    return Told(info.reason, tuple(Violation(item.field, item.description) for item in request.field_violations))


def _details(failure: Failure) -> Iterator[Message]:
    metadata = {key: _cut(value, 200) for key, value in failure.metadata.items()}
    yield ErrorInfo(reason=failure.reason, domain=DOMAIN, metadata=metadata)
    if failure.violations:
        yield BadRequest(field_violations=_fitting(failure.violations))
    if failure.retry_after is not None:
        yield RetryInfo(retry_delay=Duration(nanos=0, seconds=max(1, round(failure.retry_after))))


def _fitting(violations: Iterable[Violation]) -> list[BadRequest.FieldViolation]:
    """As many as a client can receive; the last one says how many there are more."""
    found: list[BadRequest.FieldViolation] = []
    left, space = 0, MAX_VIOLATIONS
    for violation in violations:
        item = BadRequest.FieldViolation(field=_cut(violation.field, 200), description=_cut(violation.description, 400))
        space -= item.ByteSize() + 4
        if space < 0 or left:
            left += 1
            continue
        found.append(item)
    if left:
        found.append(BadRequest.FieldViolation(field="", description=f"and {left} more"))
    return found


def _packed(message: Message) -> AnyMessage:
    packed = AnyMessage()
    packed.Pack(message)
    return packed


def _cut(text: str, limit: int) -> str:
    """Text of at most ``limit`` bytes of UTF-8, valid whatever was in it."""
    data = text.encode("utf-8", "replace")
    return text if len(data) <= limit else data[: limit - 3].decode("utf-8", "ignore") + "…"
