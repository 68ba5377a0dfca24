"""A collector of traces, as small as one can be: OTLP over gRPC, kept in memory."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock
from typing import Any

import grpc
import msgspec
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

METHOD = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


class Span(msgspec.Struct, frozen=True):
    """What the tests look at."""

    process: str
    name: str
    trace: str
    id: str
    parent: str
    values: dict[str, Any]


class Collector(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # generic in the stubs alone
    """Takes what is exported."""

    def __init__(self) -> None:
        self._lock, self._spans = Lock(), list[Span]()

    def of(self, trace: str) -> list[Span]:
        """The spans of a trace, so far."""
        with self._lock:
            return [span for span in self._spans if span.trace == trace]

    def service(self, details: Any) -> Any:
        if details.method != METHOD:
            return None
        return grpc.unary_unary_rpc_method_handler(
            self._export, ExportTraceServiceRequest.FromString, ExportTraceServiceResponse.SerializeToString
        )

    def _export(self, request: ExportTraceServiceRequest, _context: Any) -> ExportTraceServiceResponse:
        with self._lock:
            self._spans += _spans(request)
        return ExportTraceServiceResponse()


def _spans(request: ExportTraceServiceRequest) -> Iterator[Span]:
    for resource in request.resource_spans:
        process = _values(resource.resource.attributes)["paidan.process"]
        for scope in resource.scope_spans:
            for span in scope.spans:
                ids = span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex()
                yield Span(process, span.name, *ids, _values(span.attributes))


def _values(attributes: Any) -> dict[str, Any]:
    return {item.key: getattr(item.value, item.value.WhichOneof("value")) for item in attributes}


@contextmanager
def collecting() -> Iterator[tuple[Collector, str]]:
    """A collector that runs, and its endpoint."""
    collector, server = Collector(), grpc.server(ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers((collector,))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield collector, f"http://127.0.0.1:{port}"
    finally:
        server.stop(None).wait()
