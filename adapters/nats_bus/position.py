"""How far a workspace's log is published, for whoever asks from outside: ``paidan doctor``, tests."""

from __future__ import annotations

import asyncio

from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError

from adapters.nats_bus.connecting import connect
from adapters.nats_bus.stream import name_of, read_note


class NatsAwayError(Exception):
    """NATS could not be asked."""


def published_position(nats_url: str, workspace: str) -> int:
    """All facts up to this position of the log are in the stream; 0 where there is no stream. Raises NatsAwayError.

    It is noted when the publisher has caught up and else once a second, so it may be a second old, never ahead.
    """
    return asyncio.run(_published(nats_url, workspace))


async def _published(nats_url: str, workspace: str) -> int:
    client = Client()
    try:
        await connect(client, nats_url, "paidan-doctor")
        return await _position(client.jetstream(), workspace)
    except (NatsError, OSError, TimeoutError) as error:
        raise NatsAwayError(f"Expected NATS at {nats_url} to answer, but {error or type(error).__name__}") from error
    finally:
        await client.close()


async def _position(js: JetStreamContext, workspace: str) -> int:
    try:
        info = await js.stream_info(name_of(workspace))
    except NotFoundError:
        return 0
    note = await read_note(js, workspace)
    known = note is not None and note.created == str(info.created) and note.sequence <= info.state.last_seq
    return note.cursor.position if note is not None and known else 0
