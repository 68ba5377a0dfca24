"""A line to the server on which the first answer of each named method is lost after the server has given it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc


class _Losing(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # it takes none when the program runs
    """Hands every call on as it is: bytes in, bytes out; on the wire a unary call is a stream of one message."""

    def __init__(self, channel: grpc.Channel, methods: set[str]) -> None:
        self._channel, self._methods = channel, methods

    def service(self, details: Any) -> Any:
        method = str(details.method)

        def forward(requests: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
            metadata = tuple(pair for pair in context.invocation_metadata() if pair[0].startswith("paidan-"))
            answers = self._channel.stream_stream(method, None, None)(requests, metadata=metadata)
            try:
                yield from self._kept(method, answers, context)
            except grpc.RpcError:
                context.set_trailing_metadata(answers.trailing_metadata())
                context.abort(answers.code(), answers.details())

        return grpc.stream_stream_rpc_method_handler(forward)

    def _kept(self, method: str, answers: Any, context: grpc.ServicerContext) -> Iterator[bytes]:
        name = method.rpartition("/")[2]
        if name not in self._methods:
            yield from answers
            return
        list(answers)
        self._methods.discard(name)
        context.abort(grpc.StatusCode.UNAVAILABLE, "the line broke")


@contextmanager
def losing(target: str, *methods: str) -> Iterator[str]:
    """Address of the line."""
    with grpc.insecure_channel(target) as channel, ThreadPoolExecutor(8) as threads:
        line = grpc.server(threads, handlers=[_Losing(channel, set(methods))])
        port = line.add_insecure_port("127.0.0.1:0")
        line.start()
        try:
            yield f"127.0.0.1:{port}"
        finally:
            line.stop(None).wait()
