"""A workspace's log and stream, publishers to run and to kill, and what the stream should hold."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any, NamedTuple, TypeVar

import nats
import psutil
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import NotFoundError

from adapters.log.event_log import EventLog
from adapters.nats_bus.cloud_events import Messages
from adapters.nats_bus.packages import TaskPackages
from adapters.nats_bus.publisher import Publisher
from adapters.nats_bus.stream import SEQUENCE, name_of
from adapters.processes.embedded_nats import EmbeddedNats
from engine.events import Recorded

PATIENCE_S = 20.0
_ROOT = Path(__file__).parents[2]
_PROGRAM = (
    "import logging, sys; logging.basicConfig(level=logging.INFO); "
    "from adapters.nats_bus import tail; tail.MAX_MESSAGES = int(sys.argv[4]); "
    "from adapters.nats_bus.publisher import main; main(*sys.argv[1:4])"
)
Found = TypeVar("Found")


class Told(NamedTuple):
    """A message of the stream."""

    subject: str
    id: str
    payload: bytes


def until(holds: Callable[[], object], what: str = "it to come about", seconds: float = PATIENCE_S) -> None:
    """Wait for something that comes by itself."""
    end = monotonic() + seconds
    while not holds():
        assert monotonic() < end, f"Expected {what} within {seconds:g} s"
        sleep(0.01)


def messages_of(log: Sequence[Recorded], workspace: str) -> list[Told]:
    """What the stream should hold, in order."""
    make, packages, found = Messages(workspace), TaskPackages(), []
    for recorded in log:
        packages.note(recorded.event)
        found += [Told(message.subject, message.id, message.payload) for message in make.of(recorded, packages.of)]
    return found


class Bus:
    """One workspace: what is put into its log, and what comes out of its stream."""

    def __init__(self, dsn: str, server: EmbeddedNats, workspace: str) -> None:
        self.dsn, self.server, self.workspace = dsn, server, workspace
        self.url = server.start()
        self.log = EventLog(dsn, workspace)
        self.log.create()
        self.put_in: list[Recorded] = []
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Bus:
        return self

    def __exit__(self, *_: object) -> None:
        self.log.close()
        for process in self._processes:
            process.kill()
            process.wait()
            if process.stderr is not None:
                process.stderr.close()

    def put(self, recorded: Sequence[Recorded]) -> None:
        """Append to the log."""
        for place in range(0, len(recorded), 500):
            self.log.append(recorded[place : place + 500])
        self.put_in += recorded

    @contextmanager
    def publishing(self, publisher: Publisher | None = None) -> Iterator[Publisher]:
        """A publisher on a thread; stopped in good order at the end."""
        publisher = publisher or self.publisher()
        stop = threading.Event()
        failures: list[BaseException] = []

        def run() -> None:
            try:
                asyncio.run(publisher.run(stop))
            except BaseException as error:
                failures.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield publisher
        finally:
            stop.set()
            thread.join(PATIENCE_S)
        assert not failures, failures

    def publisher(self) -> Publisher:
        return Publisher(self.dsn, self.url, self.workspace)

    def process(self, stdin: int = subprocess.DEVNULL, batch: int = 1_000) -> subprocess.Popen[bytes]:
        """A publisher as the process it is in service; with small batches there is more time to kill it."""
        self._processes.append(
            subprocess.Popen(
                [sys.executable, "-c", _PROGRAM, self.dsn, self.url, self.workspace, str(batch)],
                cwd=_ROOT, stdin=stdin, stderr=subprocess.PIPE,
            )
        )  # fmt: skip
        return self._processes[-1]

    def kill_nats(self) -> None:
        """SIGKILL, and wait until it is gone."""
        process = psutil.Process(int((self.server._data / "nats" / "pid").read_text()))
        os.kill(process.pid, signal.SIGKILL)
        process.wait(PATIENCE_S)

    def ask(self, question: Callable[[JetStreamContext], Awaitable[Found]]) -> Found:
        """One question to JetStream."""

        async def asking() -> Found:
            client = await nats.connect(self.url)
            try:
                return await question(client.jetstream())
            finally:
                await client.close()

        return asyncio.run(asking())

    def length(self) -> int:
        """Sequence of the stream's last message; 0 where there is no stream."""

        async def last(js: JetStreamContext) -> int:
            try:
                return (await js.stream_info(name_of(self.workspace))).state.last_seq
            except NotFoundError:
                return 0

        return self.ask(last)

    def told(self, subject: str | None = None) -> list[Told]:
        """Our messages in the stream, in order; ``subject``: those a subscriber to it gets."""
        return [
            Told(found[0], found[1]["Nats-Msg-Id"], found[2])
            for found in self.everything(subject)
            if SEQUENCE in found[1]
        ]

    def everything(self, subject: str | None = None) -> list[tuple[str, dict[str, str], bytes]]:
        """All messages of the stream, whoever sent them."""

        async def read(js: JetStreamContext) -> list[Any]:
            config = ConsumerConfig(deliver_policy=DeliverPolicy.ALL, ack_policy=AckPolicy.NONE)
            reader = await js.pull_subscribe(subject or f"paidan.{self.workspace}.>", config=config)
            left, found = (await reader.consumer_info()).num_pending, []
            while len(found) < left:
                some = await reader.fetch(min(1_000, left - len(found)), timeout=5)
                found += [(message.subject, dict(message.headers or {}), message.data) for message in some]
            return found

        return self.ask(read)

    def expected(self) -> list[Told]:
        return messages_of(self.put_in, self.workspace)

    def all_told(self) -> None:
        """Wait until the stream holds as much as it should, then see that it holds just that."""
        expected = self.expected()
        until(lambda: self.length() >= len(expected), f"{len(expected)} messages in the stream")
        assert_same(self.told(), expected)


def assert_same(found: list[Told], expected: list[Told]) -> None:
    """The same messages in the same order; says where they begin to differ."""
    for place, (one, other) in enumerate(zip(found, expected, strict=False)):
        assert one == other, f"at {place}"
    assert len(found) == len(expected)
