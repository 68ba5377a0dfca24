"""What log and stream hold, read from outside once all has come to rest."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import nats
from nats.errors import TimeoutError as NatsTimeoutError
from nats.js.api import ConsumerConfig, DeliverPolicy

from adapters.log.event_log import LogUnavailableError
from adapters.nats_bus.position import NatsAwayError, published_position
from adapters.nats_bus.stream import name_of
from adapters.nats_bus.subjects import all_of
from adapters.processes.embedded_nats import start_nats
from engine import events as ev
from engine.events import Recorded
from tests.acceptance.serving import Paidan, until
from tests.crash.check_calls import under_way
from tests.crash.history import Message

REST_S = 120.0
OPEN = (ev.PackageRegistered, ev.PackageParsingStarted, ev.PackageParsed, ev.PackageDistributing)
CLOSED = (ev.PackageDistributed, ev.PackageFailed, ev.PackageWithdrawn)


def log_at_rest(served: Paidan, said: Callable[[], str]) -> list[Recorded]:
    """The whole log, once every package and call has come to rest and nothing more is written."""
    found: list[Recorded] = []

    def rests() -> bool:
        nonlocal found
        before = len(found)
        try:
            with served.log() as log:
                found = found + list(log.replay(len(found)))
        except LogUnavailableError:
            return False
        time.sleep(0.5)
        return len(found) == before and _rests(found)

    until(rests, "all packages to come to rest", REST_S, said)
    return found


def _rests(log: list[Recorded]) -> bool:
    """By the last thing that was said of each package, and of each call to the outside."""
    last = {one.event.package: one.event for one in log if isinstance(one.event, OPEN + CLOSED)}
    return all(isinstance(event, CLOSED) for event in last.values()) and not under_way(log)


def stream_at(served: Paidan, position: int, said: Callable[[], str]) -> list[Message]:
    """The whole stream, once the log is published up to a position."""
    url = start_nats(served.data)

    def published() -> bool:
        try:
            return published_position(url, served.workspace) >= position
        except NatsAwayError:
            return False

    until(published, f"the log to be published up to {position}", REST_S, said)
    return asyncio.run(_read(url, served.workspace))


async def _read(url: str, workspace: str) -> list[Message]:
    """By a consumer that begins at the stream's start."""
    client = await nats.connect(url)
    js, found = client.jetstream(), list[Message]()
    config = ConsumerConfig(deliver_policy=DeliverPolicy.ALL, max_ack_pending=-1)
    reading = await js.pull_subscribe(all_of(workspace), stream=name_of(workspace), config=config)
    wanted = (await js.stream_info(name_of(workspace))).state.messages
    while len(found) < wanted:
        try:
            batch = await reading.fetch(500, timeout=5)
        except NatsTimeoutError:
            break
        for told in batch:
            found.append(Message((told.headers or {})["Nats-Msg-Id"], told.subject, told.data))
            await told.ack()
    await client.close()
    return found
