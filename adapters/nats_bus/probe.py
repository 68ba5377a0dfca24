"""``paidan doctor``'s look at NATS and at a workspace's stream in it. Changes nothing; waits for nobody long."""

from __future__ import annotations

import asyncio

from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js.api import StreamInfo
from nats.js.errors import NotFoundError

from adapters.nats_bus.intake_probe import intake_findings
from adapters.nats_bus.stream import Stream, StreamLimits, name_of
from adapters.operations.findings import Finding, fail, ok, unreachable, warn

PATIENCE_S = 3.0
LEAST = (2, 12)
"""Older ones were not tried."""
FULL = 0.9


class BusProbe:
    """``findings`` once; then ``position`` says how far the stream has come, where that is known."""

    def __init__(self, url: str, workspace: str, late_s: float) -> None:
        self._url, self._workspace, self._late_s = url, workspace, late_s
        self.position: int | None = None

    def findings(self) -> list[Finding]:
        """NATS, JetStream, the stream."""
        return asyncio.run(self._findings())

    async def _findings(self) -> list[Finding]:
        client = Client()
        try:
            async with asyncio.timeout(PATIENCE_S):
                await client.connect(
                    self._url.split(","),
                    name="paidan-doctor",
                    allow_reconnect=False,
                    connect_timeout=2,
                    error_cb=_silent,
                )
        except (OSError, TimeoutError, NatsError) as error:
            told = str(error).strip() or type(error).__name__
            remedy = "start it, or correct --nats; facts wait in the log meanwhile"
            return [unreachable("NATS", f"Expected it to answer, but {told}", remedy)]
        try:
            async with asyncio.timeout(PATIENCE_S):
                return [_version(client), *await self._jetstream(client)]
        except (TimeoutError, NatsError) as error:
            told = f"Expected JetStream to answer, but {str(error).strip() or type(error).__name__}"
            return [
                _version(client),
                fail("JetStream", told, "start NATS with JetStream (-js), and let this user use it"),
            ]
        finally:
            await client.close()

    async def _jetstream(self, client: Client) -> list[Finding]:
        js = client.jetstream()
        account = await js.account_info()
        limit = account.limits.max_storage
        bound = "without a limit" if limit < 0 else f"of {limit:,} bytes"
        found = [ok("JetStream", f"{account.streams} streams, {account.storage:,} bytes stored {bound}")]
        found += await intake_findings(js, self._workspace, self._late_s)
        try:
            info = await js.stream_info(name_of(self._workspace))
        except NotFoundError:
            return [*found, warn("stream", f"{name_of(self._workspace)} is not there", "start the publisher")]
        end = await Stream(js, self._workspace, StreamLimits()).end()
        self.position = end.cursor.position
        return [*found, _stream(info)]


def _version(client: Client) -> Finding:
    version = client.connected_server_version
    told = f"version {version.major}.{version.minor}.{version.patch}"
    if (version.major, version.minor) < LEAST:
        return fail("NATS", f"Expected {LEAST[0]}.{LEAST[1]} or later, but it is {told}", "upgrade it")
    return ok("NATS", told)


def _stream(info: StreamInfo) -> Finding:
    state, most = info.state, info.config.max_bytes or -1
    told = f"{info.config.name}: {state.messages:,} messages, {state.bytes:,} bytes"
    if most > 0 and state.bytes > FULL * most:
        return warn(
            "stream", f"{told} of {most:,}; the oldest are dropped", "raise nats_bytes if subscribers need them"
        )
    return ok("stream", told)


async def _silent(_error: Exception) -> None:
    """What is wrong comes as an exception too."""
