"""The server process: gRPC, the writer, and nothing that takes long."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from adapters.audit.questions import Questions
from adapters.grpc_api.services import Services
from adapters.grpc_api.serving import Serving
from adapters.grpc_api.telemetry import Telemetry as RpcTelemetry
from adapters.importing.spool import Spool
from adapters.log.driven_clock import DrivenClock
from adapters.log.event_log import EventLog, LogUnavailableError
from adapters.log.ownership import Ownership
from adapters.log.writer import Writer, wall_clock
from adapters.log.writer_limits import Limits as WriterLimits
from adapters.operations.logs import call_at_hand
from adapters.operations.measured import MeasuredLog, MeasuredWriter
from adapters.operations.standing import Standing
from adapters.operations.telemetry import Telemetry
from adapters.processes.parent import ends_with_parent
from adapters.settings.limits import Limits
from adapters.settings.model import Settings
from adapters.views.queries import Queries

log = logging.getLogger("paidan.server")

RETRY_S = 0.5
SWITCH_S = 0.0005
"""The log's thread gives the interpreter back to gRPC this soon; the default would cost a call 5 ms a turn."""


async def serve_workspace(settings: Settings, telemetry: Telemetry) -> None:
    """Serve until SIGTERM, SIGINT or the supervisor's end; what was accepted is finished first.

    Raises UnknownEventError where a newer program wrote the log, OSError where the address is taken.
    """
    sys.setswitchinterval(SWITCH_S)
    gc.freeze()  # a look through all that the imports made would hold up every call for 20 ms
    gc.set_threshold(5_000)  # tasks and rows hold no cycles; calls leave some, and 50,000 take 90 ms to look through
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    ends_with_parent(loop, stop.set)
    driven = _driven_clock(settings)
    event_log, writer = _log_and_writer(settings, telemetry, driven or wall_clock)
    if not await _created(event_log, stop):
        return
    dsn, workspace = settings.postgres, settings.workspace
    queries = _queries(settings)
    serving = Serving(_services(settings, writer, queries, driven), settings.listen, _beside_calls(telemetry))
    await queries.open()
    try:
        await serving.start()
        standing = _standing(settings, telemetry, queries, writer, serving).run()
        owning = Ownership(dsn, workspace, writer, serving.owns).hold_for_ever()
        await _until(stop, serving, owning, standing)
    finally:
        await queries.close()
        event_log.close()


async def _until(
    stop: asyncio.Event, serving: Serving, owning: Coroutine[Any, Any, None], standing: Coroutine[Any, Any, None]
) -> None:
    """Own and look until told to stop, or until one of the two cannot go on; raises what ended it."""
    tasks = [asyncio.create_task(standing), asyncio.create_task(owning)]
    for task in tasks:
        task.add_done_callback(lambda _: stop.set())
    await stop.wait()
    tasks[0].cancel()
    await serving.stop()
    tasks[1].cancel()
    for task in tasks:
        with suppress(asyncio.CancelledError):
            await task


def _driven_clock(settings: Settings) -> DrivenClock | None:
    if settings.clock == "wall":
        return None
    log.warning("THE CLOCK IS DRIVEN BY CALLERS: workspace %s is a rehearsal", settings.workspace)
    return DrivenClock()


def _log_and_writer(settings: Settings, telemetry: Telemetry, clock: Callable[[], int]) -> tuple[EventLog, Writer]:
    dsn, workspace, limits = settings.postgres, settings.workspace, _writer_limits(settings.limits)
    if not telemetry.metrics and telemetry.tracing is None:
        event_log = EventLog(dsn, workspace)
        return event_log, Writer(event_log, workspace, clock, limits)
    measured = MeasuredLog(dsn, workspace)
    writer = MeasuredWriter(measured, workspace, clock, limits)
    measured.tracing = writer.tracing = telemetry.tracing
    if telemetry.metrics:
        from adapters.operations.metrics import LogMetrics

        measured.metrics = writer.metrics = LogMetrics()
    return measured, writer


def _writer_limits(limits: Limits) -> WriterLimits:
    return WriterLimits(
        queued_commands=limits.queued_commands,
        queued_s=limits.queued_s,
        pending_events=limits.pending_events,
        pending_bulk=limits.pending_bulk,
    )


def _queries(settings: Settings) -> Queries:
    limits = settings.limits
    return Queries(
        settings.postgres,
        settings.workspace,
        connections=limits.query_connections,
        patience=limits.query_wait_s,
        waiting=limits.queries_waiting,
    )


def _services(settings: Settings, writer: Writer, queries: Queries, driven: DrivenClock | None) -> Services:
    questions = Questions(settings.postgres, settings.workspace)
    limits = settings.limits
    spool = Spool(settings.spool, limits.list_bytes, limits.spool_bytes, limits.spool_keep_s)
    return Services(settings.workspace, writer, queries, spool, questions, questions.dry_run, limits, driven)


def _beside_calls(telemetry: Telemetry) -> RpcTelemetry:
    metrics = None
    if telemetry.metrics:
        from adapters.operations.metrics import RpcMetrics

        metrics = RpcMetrics()
    return RpcTelemetry(metrics, telemetry.tracing, call_at_hand)


def _standing(settings: Settings, telemetry: Telemetry, queries: Queries, writer: Writer, serving: Serving) -> Standing:
    metrics = None
    if telemetry.metrics:
        from adapters.operations.metrics import StandingMetrics

        metrics = StandingMetrics()
    return Standing(queries, writer, settings.ready_lag_s, serving.shows, metrics, settings.clock == "wall")


async def _created(event_log: EventLog, stop: asyncio.Event) -> bool:
    """Wait for PostgreSQL to answer; False: told to stop before it did."""
    while not stop.is_set():
        try:
            await asyncio.to_thread(event_log.create)
        except LogUnavailableError as error:
            log.warning("%s; trying again", error)
            await asyncio.sleep(RETRY_S)
        else:
            return True
    return False
