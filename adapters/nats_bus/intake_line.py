"""A line to NATS for the intake: pulls messages, says what became of each, puts dead letters away.

Pulling is done by hand, for the stock client does not survive what strangers may send: a message whose headers look
like one of the server's own notices is passed over by its ``fetch`` and never acknowledged, and one with half a header
ends the thread that reads. Here a message is what can be acknowledged, whatever its headers say.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress

import msgspec
import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.errors import APIError

from adapters.nats_bus.connecting import connect
from adapters.nats_bus.intake_letters import dead_letter
from adapters.nats_bus.intake_streams import DURABLE, IntakeLimits, dead_subject, make, waiting_stream

PULL_S = 5.0
"""So long a pull waits for messages; then the next one begins."""
SILENT_S = 3.0
"""A line on which nothing comes so long after a pull has ended is dead."""
CLOSE_S = 2.0
LATER_S = 1.0
"""After so long a message that was put off is given out again."""
OVER = ("404", "408")
"""A pull has ended, and nothing is wrong."""
_LATER = b" " + msgspec.json.encode({"delay": int(LATER_S * 1e9)})


class PullRefusedError(nats.errors.Error):
    """The stream or its consumer is not there any more, or has changed its leader."""


class IntakeClient(Client):
    """The stock client, and one that lives on when it cannot read a message's headers."""

    async def _process_headers(self, headers: bytes) -> dict[str, str] | None:
        try:
            return await super()._process_headers(headers)
        except Exception:  # whatever it is, it would end the connection, each time the message is delivered
            return None


class Taken(msgspec.Struct, frozen=True, gc=False):
    """A message as it was delivered."""

    payload: bytes
    headers: Mapping[str, str]
    reply: str
    """Where to say what has become of it."""
    place: str
    """Sequence in its stream, and when it came in: there is no other like it."""
    waiting: int
    """Messages behind it."""


class Line:
    """Opened once; thrown away when it breaks. Every call raises nats.errors.Error when it is broken."""

    def __init__(self, workspace: str, limits: IntakeLimits) -> None:
        self._workspace, self._limits = workspace, limits
        self._client = IntakeClient()
        self._came: asyncio.Queue[Msg | None] = asyncio.Queue()
        self._inbox = self._client.new_inbox()

    async def open(self, url: str) -> None:
        """Connect, and make streams and consumer where they are missing. Raises OSError too."""
        await connect(self._client, url, "paidan-connector", self._closed)
        await make(self._client.jetstream(), self._workspace, self._limits)
        await self._client.subscribe(self._inbox, cb=self._came.put)

    async def pull(self, count: int) -> None:
        """Ask for so many messages. ``next`` gives them, and None when no more are to come."""
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{waiting_stream(self._workspace)}.{DURABLE}"
        asked = {"batch": count, "expires": int(PULL_S * 1e9)}
        await self._client.publish(subject, msgspec.json.encode(asked), self._inbox)

    async def next(self) -> Taken | None:
        """The next message; None: the pull has ended before it brought as many as were asked for."""
        try:
            async with asyncio.timeout(PULL_S + SILENT_S):
                told = await self._came.get()
        except TimeoutError as error:
            raise nats.errors.TimeoutError from error
        if told is None:
            raise nats.errors.ConnectionClosedError
        taken = _taken(told)
        status = (told.headers or {}).get("Status", "")
        if taken is None and status not in OVER:
            described = (told.headers or {}).get("Description", "no consumer answers")
            raise PullRefusedError(f"Expected messages, but {status} {described}")
        return taken

    async def done(self, taken: Taken) -> None:
        """It is a task, or a dead letter."""
        await self._client.publish(taken.reply, b"+ACK")

    async def again(self, taken: Taken, *, later: bool = False) -> None:
        """It is to be given out again, before any that is new; ``later``: after a while."""
        await self._client.publish(taken.reply, b"-NAK" + (_LATER if later else b""))

    async def bury(self, taken: Taken, reason: str, told: str) -> None:
        """Put it away with its headers and what is wrong with it; returns once that is stored."""
        told_of = {"Paidan-Reason": reason, "Paidan-Error": told, "Nats-Msg-Id": taken.place}
        payload, kept = dead_letter(taken.payload, taken.headers, told_of, self._client.max_payload)
        try:
            await self._client.jetstream().publish(dead_subject(self._workspace), payload, headers=kept)
        except APIError as error:
            raise PullRefusedError(f"Expected the dead letter to be stored, but {error.description}") from error

    async def close(self) -> None:
        """What was said goes out first, where it can."""
        with suppress(nats.errors.Error, OSError, TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await self._client.flush()
        with suppress(nats.errors.Error, OSError, TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await self._client.close()

    async def _closed(self) -> None:
        self._came.put_nowait(None)


def _taken(told: Msg) -> Taken | None:
    """None: it is a notice of the server, which nobody could acknowledge."""
    try:
        about = told.metadata
    except (nats.errors.Error, ValueError):
        return None
    place = f"{about.sequence.stream}@{about.timestamp.timestamp():.6f}"
    return Taken(told.data, told.headers or {}, told.reply, place, about.num_pending)
