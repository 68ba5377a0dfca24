"""What the stream takes of a batch: all of it, its beginning up to a break, or nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from adapters.nats_bus.batches import Connection, RefusedError, lines
from adapters.nats_bus.cloud_events import Message
from adapters.nats_bus.stream import PUBLISHER, Stream, StreamLimits
from tests.bus.publishing import Bus

Scene = Callable[[Connection, Stream], Awaitable[None]]


def batch(bus: Bus, *positions: int) -> list[Message]:
    subject = f"paidan.{bus.workspace}.task.started.ann.-"
    return [Message(subject, f"{position}.0", position, 0, b"{}") for position in positions]


def play(bus: Bus, scene: Scene) -> list[str]:
    """A line to the bus and an empty stream; gives the ids that stand in it at the end."""

    async def playing() -> None:
        connection = Connection()
        await connection.open(bus.url)
        stream = Stream(connection.client.jetstream(), bus.workspace, StreamLimits())
        await stream.make()
        try:
            await scene(connection, stream)
        finally:
            await connection.close()

    asyncio.run(playing())
    return [told.id for told in bus.told()]


async def refused(connection: Connection, messages: list[Message], after: int) -> None:
    with pytest.raises(RefusedError) as error:
        await connection.answer(await connection.send(messages, after), after + len(messages))
    assert error.value.moved


def test_batches_follow_each_other(bus: Bus) -> None:
    async def scene(connection: Connection, stream: Stream) -> None:
        await connection.answer(await connection.send(batch(bus, 1, 2, 3), 0), 3)
        await connection.answer(await connection.send(batch(bus, 4), 3), 4)
        assert await stream.publisher_at(1) == await stream.publisher_at(4) == connection.name
        assert await stream.publisher_at(2) == await stream.publisher_at(9) == ""

    assert play(bus, scene) == ["1.0", "2.0", "3.0", "4.0"]


def test_nothing_of_a_batch_that_begins_at_the_wrong_place(bus: Bus) -> None:
    async def scene(connection: Connection, _stream: Stream) -> None:
        await connection.answer(await connection.send(batch(bus, 1, 2, 3), 0), 3)
        await refused(connection, batch(bus, 4, 5, 6), 2)
        await refused(connection, batch(bus, 4, 5, 6), 7)

    assert play(bus, scene) == ["1.0", "2.0", "3.0"]


def test_nothing_behind_a_break(bus: Bus) -> None:
    """Somebody else writes in the middle of a batch."""

    async def scene(connection: Connection, _stream: Stream) -> None:
        made = list(lines(batch(bus, 1, 2, 3, 4), 0, connection.name, "nobody"))
        each = len(made) // 4
        await connection.client.send_lines(b"".join(made[: 2 * each]))
        await connection.client.jetstream().publish(f"paidan.{bus.workspace}.a.noise.-.-", b"")
        await connection.client.send_lines(b"".join(made[2 * each :]))
        await refused(connection, batch(bus, 3, 4), 2)
        await connection.answer(await connection.send(batch(bus, 3, 4), 3), 5)

    assert play(bus, scene) == ["1.0", "2.0", "3.0", "4.0"]


def test_what_another_has_just_published_is_not_taken_for_ones_own(bus: Bus) -> None:
    async def scene(connection: Connection, _stream: Stream) -> None:
        other = Connection()
        await other.open(bus.url)
        await other.answer(await other.send(batch(bus, 1, 2), 0), 2)
        await refused(connection, batch(bus, 1, 2), 0)
        await other.close()

    assert play(bus, scene) == ["1.0", "2.0"]


def test_only_the_first_message_names_its_publisher(bus: Bus) -> None:
    async def scene(connection: Connection, _stream: Stream) -> None:
        await connection.answer(await connection.send(batch(bus, 1, 2, 3), 0), 3)

    play(bus, scene)
    assert [PUBLISHER in headers for _, headers, _ in bus.everything()] == [True, False, False]
