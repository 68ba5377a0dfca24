"""A sender of tasks over NATS, and what became of what it sent."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec
import nats
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import RawStreamMsg
from nats.js.errors import NotFoundError

from adapters.nats_bus.intake_streams import dead_stream, tasks_subject, waiting_stream
from adapters.processes.embedded_nats import running_nats

Found = TypeVar("Found")


class Sender:
    """Sends to the embedded NATS of a data directory, again and again until each message is stored."""

    def __init__(self, data: Path, workspace: str) -> None:
        self._data, self.workspace = data, workspace

    def ask(self, question: Callable[[JetStreamContext], Awaitable[Found]]) -> Found:
        """One question to JetStream."""

        async def asking() -> Found:
            client = await nats.connect(running_nats(self._data) or "", max_reconnect_attempts=3)
            try:
                return await question(client.jetstream())
            finally:
                await client.close()

        return asyncio.run(asking())

    def send(self, names: Sequence[str], midway: threading.Event | None = None) -> None:
        """One task a name, which is the message's id and the task's customer; the second half after ``midway``."""
        self.ask(lambda js: self._send(js, names, midway))

    async def _send(self, js: JetStreamContext, names: Sequence[str], midway: threading.Event | None) -> None:
        for start in range(0, len(names), 100):
            if midway is not None and start * 2 == len(names):
                await asyncio.to_thread(midway.wait, 60)
            await asyncio.gather(*(self._send_one(js, name) for name in names[start : start + 100]))

    async def _send_one(self, js: JetStreamContext, name: str) -> None:
        task = msgspec.json.encode({"task_type": "errand", "customer": name})
        for _ in range(20):
            try:
                await js.publish(tasks_subject(self.workspace), task, timeout=2, headers={"Nats-Msg-Id": name})
            except (NatsError, TimeoutError):
                continue  # whether it is stored is not known; its id makes another attempt harmless
            return
        raise AssertionError(f"{name} was not stored")

    def waiting(self) -> int:
        """Messages that are not yet acknowledged; -1 where there is no stream, or no NATS."""

        async def messages(js: JetStreamContext) -> int:
            return (await js.stream_info(waiting_stream(self.workspace))).state.messages

        try:
            return self.ask(messages)
        except (NotFoundError, NatsError, OSError, TimeoutError):
            return -1

    def dead(self) -> list[RawStreamMsg]:
        """All dead letters."""

        async def letters(js: JetStreamContext) -> list[RawStreamMsg]:
            state = (await js.stream_info(dead_stream(self.workspace))).state
            numbers = range(max(1, state.first_seq), state.last_seq + 1)
            return [await js.get_msg(dead_stream(self.workspace), seq=number) for number in numbers]

        return self.ask(letters)
