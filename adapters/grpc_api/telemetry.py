"""Beside every RPC: what it was, for lines that are logged meanwhile; how it ended, for metrics; its span, for traces.

It stands outside the guard, so that it also sees what was turned away at the door.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from functools import partial
from time import perf_counter
from typing import Any, Protocol

import grpc
from google.rpc.error_details_pb2 import ErrorInfo  # type: ignore[import-untyped]
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]

from adapters.grpc_api.guard import Handler
from adapters.grpc_api.metadata import CORRELATION, TRACEPARENT

Values = Mapping[str, str | int]
About = Callable[[], dict[str, str]]

trace_at_hand: ContextVar[str] = ContextVar("trace_at_hand", default="")
"""``traceparent`` of the span of the RPC being served, where there is one."""

NAMES = {code.value[0]: code.name for code in grpc.StatusCode}
DETAILS = "grpc-status-details-bin"


class RpcMetrics(Protocol):
    """Where RPCs are counted."""

    def answered(self, method: str, code: str, seconds: float) -> None: ...

    def streamed(self, method: str, code: str) -> None: ...

    def refused(self, reason: str) -> None: ...


class Span(Protocol):
    """Something under way in a trace."""

    @property
    def traceparent(self) -> str: ...

    def end(self, values: Values, wrong: str = "") -> None: ...


class Spans(Protocol):
    """Where spans begin."""

    def open(self, name: str, traceparent: str, values: Values, *, called: bool = False) -> Span: ...


class Telemetry:
    """Wraps handlers of methods. What is None costs nothing."""

    def __init__(
        self,
        metrics: RpcMetrics | None = None,
        spans: Spans | None = None,
        call_at_hand: ContextVar[About | None] | None = None,
    ) -> None:
        self._metrics, self._spans, self._call_at_hand = metrics, spans, call_at_hand

    def around(self, handler: Handler, method: str) -> Handler:
        """The handler of ``/package.Service/Method``, watched."""
        asked = "stream" if handler.request_streaming else "unary"
        kind = f"{asked}_stream" if handler.response_streaming else f"{asked}_unary"
        return handler._replace(**{kind: self._call(getattr(handler, kind), method, handler.response_streaming)})

    def _call(
        self, behaviour: Callable[[Any, Any], Awaitable[Any]], method: str, streams: bool
    ) -> Callable[[Any, Any], Any]:
        """The guard writes streams out itself, so those too are awaited."""

        async def call(request: Any, context: Any) -> Any:
            began, span = perf_counter(), self._begin(method, request, context)
            code = "CANCELLED"
            try:
                answer = await behaviour(request, context)
            except Exception:
                code = _code(context)
                raise
            else:
                code = "OK"
                return answer
            finally:
                if self._metrics is not None:
                    self._count(method, code, None if streams else perf_counter() - began)
                if code != "OK" or span is not None:
                    self._ended(code, span, context)

        return call

    def _count(self, method: str, code: str, seconds: float | None) -> None:
        assert self._metrics is not None
        if seconds is None:
            self._metrics.streamed(method, code)
        else:
            self._metrics.answered(method, code, seconds)

    def _begin(self, method: str, request: Any, context: Any) -> Span | None:
        """Each RPC is a task of its own, so what is set here ends with it."""
        if self._call_at_hand is not None:
            self._call_at_hand.set(partial(_about, method, request, context))
        if self._spans is None:
            return None
        span = self._spans.open(method[1:], _sent(context, TRACEPARENT), {"rpc.system": "grpc"}, called=True)
        trace_at_hand.set(span.traceparent)
        return span

    def _ended(self, code: str, span: Span | None, context: Any) -> None:
        reason = "" if code == "OK" else _reason(context)
        if reason and self._metrics is not None:
            self._metrics.refused(reason)
        if span is not None:
            wrong = reason or code if code in ("INTERNAL", "UNKNOWN", "UNAVAILABLE", "RESOURCE_EXHAUSTED") else ""
            span.end({"rpc.grpc.status_code": code, **({"paidan.reason": reason} if reason else {})}, wrong)


def _code(context: Any) -> str:
    """Of an RPC that was aborted; an exception without a code is gRPC's own UNKNOWN."""
    code = context.code()
    number = code.value[0] if isinstance(code, grpc.StatusCode) else code
    return NAMES.get(number, "UNKNOWN") if number else "UNKNOWN"


def _reason(context: Any) -> str:
    status, info = Status(), ErrorInfo()
    for key, value in context.trailing_metadata() or ():
        if key == DETAILS:
            status.ParseFromString(value)
    for detail in status.details:
        if detail.Unpack(info):
            return str(info.reason)
    return ""


def _about(method: str, request: Any, context: Any) -> dict[str, str]:
    """Of a call, for those who read the log: nothing of what it is about."""
    found = {
        "rpc": method,
        "request": str(getattr(request, "request_id", "")),
        "correlation": _sent(context, CORRELATION),
        "trace": trace_at_hand.get() or _sent(context, TRACEPARENT),
    }
    return {key: value[:200] for key, value in found.items() if value}


def _sent(context: Any, wanted: str) -> str:
    return next((str(value) for key, value in context.invocation_metadata() or () if key == wanted), "")
