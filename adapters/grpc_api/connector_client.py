"""The way of calls to the outside to the server: their port, over gRPC."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
from paidan.v1 import connector_pb2 as pb
from paidan.v1.connector_pb2_grpc import ConnectorServiceStub

from adapters.grpc_api.metadata import ACTOR, TRACEPARENT, traced
from adapters.grpc_api.status import told
from adapters.outbound.port import OutboundCall, Outcome, OverError, ServerAwayError

TIMEOUT_S = 5.0
MESSAGE_BYTES = 64 * 1024 * 1024
"""A hundred calls, each with the attributes of its task."""
OPTIONS = (
    ("grpc.max_reconnect_backoff_ms", 1_000), ("grpc.max_receive_message_length", MESSAGE_BYTES),
    ("grpc.keepalive_time_ms", 30_000), ("grpc.keepalive_timeout_ms", 10_000),
)  # fmt: skip
"""A server that is gone without a word is noticed, for the stream of calls may be quiet for hours."""
OVER = (
    grpc.StatusCode.ABORTED, grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.ALREADY_EXISTS,
)  # fmt: skip
"""The server will never take the report; whatever else it says is worth another attempt."""
ELSEWHERE = "WORKSPACE_UNKNOWN"
"""The server serves another workspace: that is no fault of the report."""
OUTCOMES = {
    "succeeded": pb.CALLBACK_OUTCOME_SUCCEEDED,
    "declined": pb.CALLBACK_OUTCOME_DECLINED,
    "failed": pb.CALLBACK_OUTCOME_FAILED,
}


@asynccontextmanager
async def connected(target: str, workspace: str) -> AsyncIterator[GrpcOutboundPort]:
    """The port of one workspace of the server at ``target`` (host:port); the connection is made when it is used."""
    async with grpc.aio.insecure_channel(target, options=OPTIONS) as channel:
        yield GrpcOutboundPort(channel, workspace)


class GrpcOutboundPort:
    """``adapters.outbound.port.OutboundPort`` over a channel."""

    def __init__(self, channel: grpc.aio.Channel, workspace: str) -> None:
        self._parent = f"workspaces/{workspace}"
        self._server = ConnectorServiceStub(channel)

    async def calls(self, from_position: int) -> AsyncIterator[OutboundCall]:
        """Calls under way that were made from there on, and then as they come."""
        request = pb.WatchCallsRequest(parent=self._parent, from_position=from_position)
        try:
            async for message in self._server.WatchCalls(request, metadata=((ACTOR, "connector"),)):
                now = asyncio.get_running_loop().time()
                for call in message.calls:
                    yield _call(call, now)
        except grpc.aio.AioRpcError as error:
            raise ServerAwayError(error.details() or error.code().name) from error

    async def report(self, call: OutboundCall, outcome: Outcome, request: str) -> None:
        """Put it on record."""
        try:
            if call.asks:
                await self._server.FinishCallback(
                    self._callback(call, outcome, request), timeout=TIMEOUT_S, metadata=_caller(call)
                )
            else:
                await self._server.FinishDelivery(
                    self._delivery(call, outcome, request), timeout=TIMEOUT_S, metadata=_caller(call)
                )
        except grpc.aio.AioRpcError as error:
            told_of = error.details() or error.code().name
            if error.code() in OVER and told(error).reason != ELSEWHERE:
                raise OverError(told_of) from error
            raise ServerAwayError(told_of) from error

    def _callback(self, call: OutboundCall, outcome: Outcome, request: str) -> pb.FinishCallbackRequest:
        return pb.FinishCallbackRequest(
            name=f"{self._parent}/tasks/{call.task}", started=call.made, outcome=OUTCOMES[outcome.word],
            result=outcome.result, reason=outcome.reason, attempts=outcome.attempts, request_id=request,
        )  # fmt: skip

    def _delivery(self, call: OutboundCall, outcome: Outcome, request: str) -> pb.FinishDeliveryRequest:
        return pb.FinishDeliveryRequest(
            name=f"{self._parent}/tasks/{call.task}", made=call.made, delivered=outcome.word == "succeeded",
            reason=outcome.reason, attempts=outcome.attempts, request_id=request,
        )  # fmt: skip


def _caller(call: OutboundCall) -> tuple[tuple[str, str], ...]:
    trace = ((TRACEPARENT, call.traceparent),) if traced(call.traceparent) else ()
    return ((ACTOR, "connector"), *trace)


def _call(message: pb.OutboundCall, now: float) -> OutboundCall:
    return OutboundCall(
        message.key, message.task, message.made, message.asks, message.url, message.subject, message.secret,
        message.timeout_ms / 1_000, message.attempts, message.backoff_ms / 1_000, now + message.left_ms / 1_000,
        message.body, message.traceparent,
    )  # fmt: skip
