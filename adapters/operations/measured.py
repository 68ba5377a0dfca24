"""The log and the writer with a watch beside them: made in their place where metrics or traces are on."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from time import perf_counter, time_ns
from typing import TYPE_CHECKING

from msgspec.structs import replace

from adapters.log.command_queue import LateError, OverloadedError
from adapters.log.event_log import EventLog
from adapters.log.writer import Writer
from engine.answers import Answer
from engine.commands import Order
from engine.events import Recorded
from engine.refusals import Refusal

if TYPE_CHECKING:
    from adapters.operations.metrics import LogMetrics
    from adapters.operations.traces import OpenSpan, Tracing


class MeasuredLog(EventLog):
    """Appends are counted, timed and shown in the traces of what they make durable; set what is wanted once made."""

    metrics: LogMetrics | None = None
    tracing: Tracing | None = None

    def append(self, recorded: Sequence[Recorded]) -> None:
        """As the log does it."""
        began, start = time_ns(), perf_counter()
        super().append(recorded)
        if not recorded:
            return
        if self.metrics is not None:
            self.metrics.appended(recorded, perf_counter() - start)
        if self.tracing is not None:
            self.tracing.batch("append", recorded, began, {})


class MeasuredWriter(Writer):
    """Commands are counted by outcome; each has a span from being handed in to being durable."""

    metrics: LogMetrics | None = None
    tracing: Tracing | None = None

    async def submit(self, order: Order, until: float = inf) -> Answer | Refusal:
        """As the writer does it."""
        command, span = type(order.command).__name__, None
        if self.tracing is not None:
            span = self.tracing.open(f"decide {command}", order.trace, {})
            order = replace(order, trace=span.traceparent)
        outcome: Answer | Refusal | BaseException | None = None
        try:
            outcome = await super().submit(order, until)
        except BaseException as error:
            outcome = error
            raise
        else:
            return outcome
        finally:
            self._tell(command, outcome, span)

    def _tell(self, command: str, outcome: Answer | Refusal | BaseException | None, span: OpenSpan | None) -> None:
        told = _word(outcome)
        if self.metrics is not None:
            self.metrics.answered(command, told)
        if span is not None:
            position = outcome.position if isinstance(outcome, Answer) else 0
            span.end({"paidan.outcome": told, "paidan.position": position}, "" if told in _FINE else told)


_FINE = ("done", "refused")


def _word(outcome: Answer | Refusal | BaseException | None) -> str:
    if isinstance(outcome, Answer):
        return "done" if outcome.refusal is None else "refused"
    if isinstance(outcome, Refusal):
        return "refused"
    if isinstance(outcome, OverloadedError):
        return "overloaded"
    return "late" if isinstance(outcome, LateError) else "unanswered"
