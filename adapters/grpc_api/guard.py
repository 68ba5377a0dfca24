"""Stands around every RPC: lets in as many as there is room for; whatever goes wrong inside leaves as one status with
details, never as a traceback.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any
from uuid import uuid4

from google.protobuf.message import DecodeError

from adapters.grpc_api.call_classes import Gates
from adapters.grpc_api.failures import Failure, invalid, unavailable
from adapters.grpc_api.foreign import failure_of
from adapters.grpc_api.gates import Gate
from adapters.grpc_api.slow_readers import SlowReaders
from adapters.grpc_api.status import status_of
from adapters.settings.limits import Limits
from engine.refusals import Violation

log = logging.getLogger("paidan.grpc")

Handler = Any
"""grpc.RpcMethodHandler; the stubs give its fields no types."""


class Guard:
    """Wraps handlers of methods; knows when no RPC is under way."""

    def __init__(self, limits: Limits) -> None:
        self.gates = Gates(limits)
        self.readers = SlowReaders(limits.stream_write_s)
        self.closing = False
        """Set when the server ends: what comes now is told to come again."""
        self.seen = 0
        """RPCs that ever came."""
        self._under_way = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def around(self, handler: Handler, method: str) -> Handler:
        """The handler of ``/package.Service/Method``, guarded."""
        asked = "stream" if handler.request_streaming else "unary"
        handler = handler._replace(request_deserializer=_readable(handler.request_deserializer))
        if handler.response_streaming:
            kind = f"{asked}_stream"
            return handler._replace(**{kind: self._stream(getattr(handler, kind), method)})
        kind = f"{asked}_unary"
        return handler._replace(**{kind: self._unary(getattr(handler, kind), method)})

    @property
    def is_idle(self) -> bool:
        """Whether no RPC is under way."""
        return self._idle.is_set()

    async def idle(self) -> None:
        """Return once no RPC is under way."""
        await self._idle.wait()

    def _unary(self, behaviour: Callable[[Any, Any], Awaitable[Any]], method: str) -> Callable[[Any, Any], Any]:
        gate = self.gates.of(method, streams=False)
        large = gate is self.gates.queries

        async def call(request: Any, context: Any) -> Any:
            self._enter()
            try:
                self._admit(gate, context)
                answer = await behaviour(_read(request), context)
                if large:
                    self.readers.watch(context)
            except Exception as error:
                await context.abort_with_status(status_of(_failure(error, method)))
            else:
                return answer
            finally:
                self._leave()

        return call

    def _stream(self, behaviour: Callable[[Any, Any], AsyncGenerator[Any, None]], method: str) -> Callable[..., Any]:
        """Written out message by message: handed to gRPC as a generator, a write could not be timed."""
        gate = self.gates.of(method, streams=True)

        async def call(request: Any, context: Any) -> None:
            self._enter()
            try:
                self._admit(gate, context)
                async with aclosing(behaviour(_read(request), context)) as messages:
                    async for message in messages:
                        await self.readers.write(context, message)
            except Exception as error:
                await self.readers.end(context, status_of(_failure(error, method)))
            finally:
                self._leave()

        return call

    def _admit(self, gate: Gate, context: Any) -> None:
        """Room is given back when gRPC is through with the call, its answer handed on. Raises Failure."""
        if self.closing:
            raise unavailable("STOPPING", "Expected the server to go on, but it is being stopped; ask again shortly")
        gate.enter(peer := context.peer())
        context.add_done_callback(lambda _: gate.leave(peer))

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
