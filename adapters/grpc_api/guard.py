"""Stands around every RPC: whatever goes wrong inside leaves as one status with details, never as a traceback."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import uuid4

import grpc
from google.protobuf.message import DecodeError

from adapters.grpc_api.failures import Failure, invalid, unavailable
from adapters.grpc_api.foreign import failure_of
from adapters.grpc_api.status import status_of
from engine.refusals import Violation

log = logging.getLogger("paidan.grpc")

Handler = Any
"""grpc.RpcMethodHandler; the stubs give its fields no types."""
Continuation = Callable[[grpc.HandlerCallDetails], Awaitable[Handler]]

STANDARD = "/grpc."
"""Health and reflection look after themselves."""


class Guard(grpc.aio.ServerInterceptor):  # type: ignore[type-arg]  # generic in the stubs alone
    """Wraps each method once and keeps the wrapped handler; knows when no RPC is under way."""

    def __init__(self) -> None:
        self.closing = False
        """Set when the server ends: what comes now is told to come again."""
        self.seen = 0
        """RPCs that ever came."""
        self._guarded: dict[str, Handler] = {}
        self._under_way = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def intercept_service(self, continuation: Continuation, details: grpc.HandlerCallDetails) -> Handler:
        """The method's handler, guarded; None where there is no such method."""
        method = details.method
        handler = self._guarded.get(method)
        if handler is not None:
            return handler
        plain = await continuation(details)
        if plain is None or method.startswith(STANDARD):
            return plain
        self._guarded[method] = handler = self._wrapped(plain, method)
        return handler

    async def idle(self) -> None:
        """Return once no RPC is under way."""
        await self._idle.wait()

    def _wrapped(self, handler: Handler, method: str) -> Handler:
        asked = "stream" if handler.request_streaming else "unary"
        handler = handler._replace(request_deserializer=_readable(handler.request_deserializer))
        if handler.response_streaming:
            kind = f"{asked}_stream"
            return handler._replace(**{kind: self._stream(getattr(handler, kind), method)})
        kind = f"{asked}_unary"
        return handler._replace(**{kind: self._unary(getattr(handler, kind), method)})

    def _unary(self, behaviour: Callable[[Any, Any], Awaitable[Any]], method: str) -> Callable[[Any, Any], Any]:
        async def call(request: Any, context: Any) -> Any:
            self._enter()
            try:
                self._check_open()
                return await behaviour(_read(request), context)
            except Exception as error:
                await context.abort_with_status(status_of(_failure(error, method)))
            finally:
                self._leave()

        return call

    def _stream(self, behaviour: Callable[[Any, Any], AsyncIterator[Any]], method: str) -> Callable[[Any, Any], Any]:
        async def call(request: Any, context: Any) -> AsyncIterator[Any]:
            self._enter()
            try:
                self._check_open()
                async for message in behaviour(_read(request), context):
                    yield message
            except Exception as error:
                await context.abort_with_status(status_of(_failure(error, method)))
            finally:
                self._leave()

        return call

    def _check_open(self) -> None:
        if self.closing:
            raise unavailable("STOPPING", "Expected the server to go on, but it is being stopped; ask again shortly")

    def _enter(self) -> None:
        self.seen += 1
        self._under_way += 1
        self._idle.clear()

    def _leave(self) -> None:
        self._under_way -= 1
        if not self._under_way:
            self._idle.set()


def _readable(read: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    """Gives None for bytes that are no message; gRPC itself would only say that something is wrong."""

    def readable(data: bytes) -> Any:
        try:
            return read(data)
        except DecodeError:
            return None

    return readable


def _read(request: Any) -> Any:
    if request is None:
        raise invalid(Violation("", "Expected the method's request, but its bytes cannot be read"))
    return request


def _failure(error: Exception, method: str) -> Failure:
    """What the caller is told; the unforeseen is logged under a reference that the caller gets too."""
    known = failure_of(error)
    if known is not None:
        return known
    reference = uuid4().hex[:12]
    log.error("%s failed, reference %s", method, reference, exc_info=error)
    return Failure(
        "internal",
        "INTERNAL",
        f"Expected to serve {method}, but the server failed; its log has the reason under reference {reference}",
        metadata={"reference": reference},
    )
