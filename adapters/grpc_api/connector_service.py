"""ConnectorService: hands calls to the outside to the connector process, and takes what came of them."""

# ruff: noqa: N802 - RPCs are named as in the contract
from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Literal

from paidan.v1 import connector_pb2 as pb
from paidan.v1.connector_pb2_grpc import ConnectorServiceServicer

from adapters.grpc_api.checks import Checks
from adapters.grpc_api.desk import Context, Desk
from adapters.grpc_api.services import Services
from adapters.grpc_api.waiting import Tail
from adapters.log.writer import wall_clock
from adapters.outbound.answers import MAX_FIELDS, MAX_TEXT
from adapters.outbound.bodies import body_of
from engine import commands as cmd
from engine.state.calls import Call

AT_A_TIME = 100
"""Calls of one message."""
OUTCOMES: dict[int, Literal["succeeded", "declined", "failed"]] = {
    pb.CALLBACK_OUTCOME_SUCCEEDED: "succeeded",
    pb.CALLBACK_OUTCOME_DECLINED: "declined",
    pb.CALLBACK_OUTCOME_FAILED: "failed",
}


class ConnectorService(ConnectorServiceServicer):
    """Which calls are under way is read from the writer's state, as far as it is durable: nobody outside is to hear of
    what may yet not have been.
    """

    def __init__(self, desk: Desk, services: Services, tail: Tail) -> None:
        self._desk, self._writer, self._tail = desk, services.writer, tail
        self._workspace, self._clock = services.workspace, services.clock or wall_clock

    async def WatchCalls(
        self, request: pb.WatchCallsRequest, _context: Context
    ) -> AsyncIterator[pb.WatchCallsResponse]:
        checks = self._desk.checks()
        checks.parent(request.parent)
        told = checks.number("from_position", request.from_position) - 1
        checks.end()
        while True:
            durable = self._writer.position
            new = self._made(told, durable)
            for place in range(0, len(new), AT_A_TIME):
                some = [call for call in new[place : place + AT_A_TIME] if self._is_under_way(call)]
                yield pb.WatchCallsResponse(calls=[self._message(call) for call in some], position=durable)
            told = max(told, durable)
            await self._tail.moved()

    async def FinishCallback(self, request: pb.FinishCallbackRequest, context: Context) -> pb.FinishCallbackResponse:
        checks = self._desk.checks()
        task = checks.number_in("tasks", request.name)
        started = checks.number("started", request.started)
        if request.outcome not in OUTCOMES:
            checks.wrong("outcome", "Expected what came of it, but it is not set")
        _check_result(checks, request.result)
        reason, attempts = _check_rest(checks, request)
        checks.end()
        command = cmd.FinishCallback(task, started, OUTCOMES[request.outcome], dict(request.result), reason, attempts)
        answer = await self._desk.submit(command, request.request_id, context)
        return pb.FinishCallbackResponse(position=answer.position)

    async def FinishDelivery(self, request: pb.FinishDeliveryRequest, context: Context) -> pb.FinishDeliveryResponse:
        checks = self._desk.checks()
        task = checks.number_in("tasks", request.name)
        made = checks.number("made", request.made)
        reason, attempts = _check_rest(checks, request)
        checks.end()
        command = cmd.FinishDelivery(task, made, request.delivered, reason, attempts)
        answer = await self._desk.submit(command, request.request_id, context)
        return pb.FinishDeliveryResponse(position=answer.position)

    def _made(self, after: int, durable: int) -> list[Call]:
        """Those made above one position and up to the other, oldest first."""
        calls = self._writer.state.calls
        found: list[Call] = []
        for kind in (calls.callbacks, calls.results):
            newest = []
            for call in reversed(kind.values()):
                if call.made <= after:
                    break
                if call.made <= durable:
                    newest.append(call)
            found += reversed(newest)
        return found

    def _is_under_way(self, call: Call) -> bool:
        calls = self._writer.state.calls
        if call.result is None:
            return calls.callbacks.get(call.task) is call
        return calls.results.get(call.made) is call

    def _message(self, call: Call) -> pb.OutboundCall:
        to = call.to
        return pb.OutboundCall(
            key=call.key(self._workspace), task=call.task, made=call.made, asks=call.result is None, url=to.url or "",
            subject=to.subject or "", secret=to.secret or "", timeout_ms=to.timeout_ms, attempts=to.attempts,
            backoff_ms=to.backoff_ms, left_ms=max(0, call.due - self._clock()),
            body=body_of(call, self._workspace), traceparent=call.trace,
        )  # fmt: skip


def _check_result(checks: Checks, result: Mapping[str, str]) -> None:
    if len(result) > MAX_FIELDS or any(len(text) > MAX_TEXT for text in (*result, *result.values())):
        checks.wrong("result", f"Expected at most {MAX_FIELDS} fields of {MAX_TEXT} characters, but there is more")


def _check_rest(checks: Checks, request: pb.FinishCallbackRequest | pb.FinishDeliveryRequest) -> tuple[str, int]:
    """Reason and attempts."""
    checks.line("request_id", request.request_id)
    return checks.text("reason", request.reason), checks.number("attempts", request.attempts)
