"""The server process: gRPC, the writer, and nothing that takes long."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from contextlib import suppress

from adapters.audit.questions import Questions
from adapters.grpc_api.services import Services
from adapters.grpc_api.serving import Serving
from adapters.importing.spool import Spool
from adapters.log.event_log import EventLog, LogUnavailableError
from adapters.log.ownership import Ownership
from adapters.log.writer import Writer
from adapters.processes.parent import ends_with_parent
from adapters.views.queries import Queries

log = logging.getLogger("paidan.server")

RETRY_S = 0.5
SWITCH_S = 0.0005
"""The log's thread gives the interpreter back to gRPC this soon; the default would cost a call 5 ms a turn."""


async def serve_workspace(listen: str, spool: str, dsn: str, workspace: str) -> None:
    """Serve until SIGTERM, SIGINT or the supervisor's end; what was accepted is finished first.

    Raises UnknownEventError where a newer program wrote the log.
    """
    sys.setswitchinterval(SWITCH_S)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    ends_with_parent(loop, stop.set)
    event_log = EventLog(dsn, workspace)
    if not await _created(event_log, stop):
        return
    writer = Writer(event_log, workspace)
    queries = Queries(dsn, workspace)
    questions = Questions(dsn, workspace)
    serving = Serving(Services(workspace, writer, queries, Spool(spool), questions, questions.dry_run), listen)
    await queries.open()
    await serving.start()
    owning = asyncio.create_task(Ownership(dsn, workspace, writer, serving.owns).hold_for_ever())
    owning.add_done_callback(lambda _: stop.set())  # it ends by itself only where it cannot go on
    await stop.wait()
    await serving.stop()
    owning.cancel()
    with suppress(asyncio.CancelledError):
        await owning
    await queries.close()
    event_log.close()


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
