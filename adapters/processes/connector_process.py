"""The connector as a process of its own: it holds the lines to the outside world, so that none holds up the server.

Inbound: messages on NATS become tasks.
"""

from __future__ import annotations

import asyncio
import signal

import uvloop

from adapters.grpc_api.intake_client import connected
from adapters.nats_bus.intake import Intake, Watcher
from adapters.nats_bus.intake_streams import IntakeLimits
from adapters.processes.parent import ends_with_parent


def run_connector(
    target: str, nats_url: str, workspace: str, limits: IntakeLimits, watcher: Watcher | None = None
) -> None:
    """Serve a workspace of the server at ``target``, until SIGTERM, SIGINT or the end of a piped stdin.

    A supervisor keeps the other end of that pipe, so the connector never outlives it.
    """
    uvloop.run(_until_told(target, nats_url, workspace, limits, watcher))


async def _until_told(
    target: str, nats_url: str, workspace: str, limits: IntakeLimits, watcher: Watcher | None
) -> None:
    async with connected(target, workspace) as port:
        taking = asyncio.create_task(Intake(nats_url, workspace, port, limits, watcher).run())
        _stop_when_told(taking)
        await asyncio.wait([taking])
    if not taking.cancelled():
        taking.result()


def _stop_when_told(task: asyncio.Task[None]) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    ends_with_parent(loop, task.cancel)
