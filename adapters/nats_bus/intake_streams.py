"""The two streams of the intake: messages that wait for their task, and those that never became one.

The first is a work queue: a message is gone once it is acknowledged, and when the stream is full it takes no more, so
that its sender hears of it. In the second the oldest go first.
"""

from __future__ import annotations

import msgspec
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DiscardPolicy, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import NotFoundError

from adapters.settings.limits import Limits

DURABLE = "connector"
ACK_S = 8.0
"""A message whose taker has said nothing for so long is given out again; the server is asked for less."""
ROOM_FOR_HEADERS = 4_096


class IntakeLimits(msgspec.Struct, frozen=True):
    """How much the intake takes on; what each bounds stands in adapters/settings/limits.py."""

    in_flight: int
    message_bytes: int
    waiting_bytes: int
    dead_bytes: int
    dead_s: float
    replicas: int = 1


def limits_of(settings: Limits, replicas: int) -> IntakeLimits:
    """As an operator has set them."""
    return IntakeLimits(
        settings.intake_in_flight,
        settings.intake_message_bytes,
        settings.intake_waiting_bytes,
        settings.intake_dead_bytes,
        settings.intake_dead_s,
        replicas,
    )


def tasks_subject(workspace: str) -> str:
    """Where senders put tasks."""
    return f"paidan.{workspace}.in.tasks"


def dead_subject(workspace: str) -> str:
    """Where messages go that never become a task."""
    return f"paidan.{workspace}.in.dead"


def waiting_stream(workspace: str) -> str:
    """Name of the stream of those that wait. No workspace has an underscore, so it is nobody's stream of facts."""
    return f"paidan-{workspace}_in"


def dead_stream(workspace: str) -> str:
    """Name of the stream of those that never became a task."""
    return f"paidan-{workspace}_dead"


async def make(js: JetStreamContext, workspace: str, limits: IntakeLimits) -> None:
    """Make what is not there, and bring the rest to what is configured. Raises nats.errors.Error."""
    await _stream(
        js, waiting_stream(workspace), subjects=[tasks_subject(workspace)], discard=DiscardPolicy.NEW,
        max_bytes=limits.waiting_bytes, max_msg_size=limits.message_bytes + ROOM_FOR_HEADERS,
        num_replicas=limits.replicas,
    )  # fmt: skip
    await _stream(
        js, dead_stream(workspace), RetentionPolicy.LIMITS, subjects=[dead_subject(workspace)],
        discard=DiscardPolicy.OLD, max_bytes=limits.dead_bytes, max_age=limits.dead_s, num_replicas=limits.replicas,
    )  # fmt: skip
    consumer = ConsumerConfig(
        durable_name=DURABLE, ack_policy=AckPolicy.EXPLICIT, ack_wait=ACK_S, max_ack_pending=limits.in_flight
    )
    await js.add_consumer(waiting_stream(workspace), consumer)


async def _stream(
    js: JetStreamContext, name: str, kept: RetentionPolicy = RetentionPolicy.WORK_QUEUE, **wanted: object
) -> None:
    try:
        found = (await js.stream_info(name)).config
    except NotFoundError:
        await js.add_stream(StreamConfig(name=name, retention=kept, storage=StorageType.FILE, **wanted))  # type: ignore[arg-type]  # its fields, by name
        return
    changed = found.evolve(**wanted)
    if changed != found:
        await js.update_stream(changed)
