"""The connector as a process of its own: it holds the lines to the outside world, so that none holds up the server.

Inbound: messages on NATS become tasks. Outbound: callbacks are made, and results are told.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress

import msgspec
import uvloop

from adapters.grpc_api.connector_client import connected as connected_for_calls
from adapters.grpc_api.intake_client import connected as connected_for_intake
from adapters.nats_bus.intake import Intake
from adapters.nats_bus.intake import Watcher as IntakeWatcher
from adapters.nats_bus.intake_streams import IntakeLimits
from adapters.nats_bus.requests import Requests
from adapters.outbound.attempts import Attempts
from adapters.outbound.http_transport import HttpTransport
from adapters.outbound.nats_transport import NatsTransport
from adapters.outbound.outbound import Outbound, OutboundLimits
from adapters.outbound.outbound import Watcher as OutboundWatcher
from adapters.processes.parent import ends_with_parent
from adapters.settings.limits import Limits


class Connecting(msgspec.Struct, frozen=True):
    """What a connector has to be told."""

    target: str
    """The server, as host:port."""
    nats_url: str
    """Empty: NATS is switched off, so there is no intake, and nobody is called over it."""
    workspace: str
    intake: IntakeLimits
    limits: Limits
    secrets: Mapping[str, str] = {}
    intake_watcher: IntakeWatcher | None = None
    outbound_watcher: OutboundWatcher | None = None


def run_connector(told: Connecting) -> None:
    """Serve a workspace, until SIGTERM, SIGINT or the end of a piped stdin.

    A supervisor keeps the other end of that pipe, so the connector never outlives it.
    """
    uvloop.run(_until_told(told))


async def _until_told(told: Connecting) -> None:
    async with AsyncExitStack() as lines:
        calling = await lines.enter_async_context(connected_for_calls(told.target, told.workspace))
        parts = [Outbound(calling, _attempts(told), _limits(told.limits), told.outbound_watcher).run()]
        if told.nats_url:
            port = await lines.enter_async_context(connected_for_intake(told.target, told.workspace))
            parts.append(Intake(told.nats_url, told.workspace, port, told.intake, told.intake_watcher).run())
        working = asyncio.gather(*parts)
        _stop_when_told(working)
        with suppress(asyncio.CancelledError):  # told to end; nobody else cancels it
            await working


def _attempts(told: Connecting) -> Attempts:
    limits = told.limits
    requests = Requests(told.nats_url) if told.nats_url else None
    return Attempts(
        HttpTransport(limits.outbound_answer_bytes, limits.outbound_hosts),
        NatsTransport(requests, limits.outbound_answer_bytes),
        told.secrets,
        told.outbound_watcher.tried if told.outbound_watcher else _uncounted,
    )


def _uncounted(_kind: str, _outcome: str) -> None:
    """Nobody counts."""


def _limits(limits: Limits) -> OutboundLimits:
    return OutboundLimits(limits.outbound_at_once, limits.outbound_held)


def _stop_when_told(working: asyncio.Future[list[None]]) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, working.cancel)
    ends_with_parent(loop, working.cancel)
