"""Where commands are handed in: who asks, under which request id, and what the answer is worth."""

from __future__ import annotations

import asyncio
from math import inf
from typing import Any, TypeAlias

import grpc

from adapters.grpc_api.checks import MAX_ID, Checks
from adapters.grpc_api.failures import refused
from adapters.grpc_api.metadata import ACTOR, ANONYMOUS, CALLER, CORRELATION, TIME, TRACEPARENT, actor_of, traced
from adapters.grpc_api.services import Services
from adapters.grpc_api.telemetry import trace_at_hand
from adapters.grpc_api.told_time import tell_time
from engine.answers import Answer
from engine.commands import Command, Order
from engine.refusals import Refusal

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]


class Desk:
    """Submits commands of one workspace for callers of RPCs."""

    def __init__(self, services: Services) -> None:
        self._writer = services.writer
        self._workspace = services.workspace
        self._clock = services.clock

    def checks(self) -> Checks:
        """For a new request."""
        return Checks(self._workspace)

    async def submit(self, command: Command, request_id: str, context: Context) -> Answer:
        """The durable answer. Raises Failure where the command is refused."""
        actor, correlation, trace = self._caller(context)
        order = Order(command, actor, request_id, correlation, trace)
        outcome = await self._writer.submit(order, _deadline(context))
        if isinstance(outcome, Refusal):
            raise refused(outcome)
        if outcome.refusal is not None:
            raise refused(outcome.refusal)
        return outcome

    def registered(self, request_id: str, uri: str) -> Answer | None:
        """The durable answer this request got when it registered a package from there: the source may be gone since."""
        state = self._writer.state
        answer = state.requests.get(request_id) if request_id else None
        package = state.packages.get(answer.number or 0) if answer is not None else None
        if answer is None or package is None or package.registered.uri != uri:
            return None
        return answer if answer.position <= self._writer.position else None

    def name(self, collection: str, key: int | str | None) -> str:
        """``workspaces/{workspace}/{collection}/{key}``."""
        return f"workspaces/{self._workspace}/{collection}/{key}"

    def _caller(self, context: Context) -> tuple[str, str, str]:
        """Actor, correlation, and the span that what comes of it belongs under."""
        sent = {key: value for key, value in context.invocation_metadata() or () if key in CALLER}
        if not sent:
            return ANONYMOUS, "", trace_at_hand.get()
        checks = self.checks()
        actor = checks.printable(ACTOR, actor_of(sent))
        correlation = checks.line(CORRELATION, str(sent.get(CORRELATION, "")), MAX_ID)
        checks.end()
        if TIME in sent:
            tell_time(self._clock, str(sent[TIME]), self._writer.state.at)
        return actor, correlation, trace_at_hand.get() or traced(str(sent.get(TRACEPARENT, "")))


def _deadline(context: Context) -> float:
    """The caller's, in the event loop's seconds."""
    left = context.time_remaining()
    return inf if left is None else asyncio.get_running_loop().time() + left
