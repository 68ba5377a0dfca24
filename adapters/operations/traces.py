"""Traces over OpenTelemetry, sent as OTLP over gRPC. Imported only where an endpoint is configured.

A trace runs on through the log: an order carries its ``traceparent``, the event keeps it, and whoever takes the event
further (the views, the publisher) adds a span of its own under it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import time_ns

from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from engine.events import Recorded

Values = Mapping[str, str | int | Sequence[str]]

FLUSH_MS = 2_000
"""For the last spans to leave when the process ends; a collector that is away must not hold it."""

_read = TraceContextTextMapPropagator().extract


class OpenSpan:
    """Something under way."""

    def __init__(self, span: Span) -> None:
        self._span = span

    @property
    def traceparent(self) -> str:
        """For whatever comes under it."""
        context = self._span.get_span_context()
        return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"

    def end(self, values: Values, wrong: str = "") -> None:
        """It is over; ``wrong``: why it failed."""
        self._span.set_attributes(values)
        if wrong:
            self._span.set_status(Status(StatusCode.ERROR, wrong))
        self._span.end()


class Tracing:
    """Spans of one process."""

    def __init__(self, role: str, workspace: str, exporter: SpanExporter) -> None:
        named = {"service.name": "paidan", "service.instance.id": f"{workspace}/{role}", "paidan.process": role}
        self._provider = TracerProvider(resource=Resource.create({**named, "paidan.workspace": workspace}))
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("paidan")

    def open(self, name: str, traceparent: str, values: Values, *, called: bool = False) -> OpenSpan:
        """A span that begins now, under ``traceparent`` where that is one; ``called``: by an RPC."""
        kind = SpanKind.SERVER if called else SpanKind.INTERNAL
        context = _read({"traceparent": traceparent}) if traceparent else None
        return OpenSpan(self._tracer.start_span(name, context=context, kind=kind, attributes=values))

    def batch(self, name: str, recorded: Sequence[Recorded], began: int, values: Values) -> None:
        """Something was done with events at once, from ``began`` (ns since 1970) to now: a span in each one's trace."""
        ended = time_ns()
        for traceparent, position in {event.trace: event.position for event in recorded if event.trace}.items():
            context = _read({"traceparent": traceparent})
            if not context:
                continue
            attributes = {"paidan.position": position, "paidan.batch": len(recorded), **values}
            span = self._tracer.start_span(name, context=context, start_time=began, attributes=attributes)
            span.end(ended)

    def close(self) -> None:
        """Send what is left, within bounds."""
        self._provider.force_flush(FLUSH_MS)
        self._provider.shutdown()


def over_otlp(endpoint: str) -> SpanExporter:
    """The exporter. ``OTEL_EXPORTER_OTLP_HEADERS`` and the certificate variables are read by the library itself."""
    url = endpoint if "://" in endpoint else f"http://{endpoint}"
    return OTLPSpanExporter(endpoint=url, insecure=url.startswith("http://"), timeout=2)
