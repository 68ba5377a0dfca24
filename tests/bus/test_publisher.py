"""Every fact is in the stream once and in order, whatever dies in between."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Sequence
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nats.errors import ConnectionClosedError

from adapters.nats_bus import tail
from adapters.nats_bus.batches import Connection, lines
from adapters.nats_bus.cloud_events import Message
from adapters.nats_bus.position import published_position
from adapters.nats_bus.publisher import Publisher
from adapters.processes.embedded_nats import EmbeddedNats
from tests.bus.bulk import bulk
from tests.bus.publishing import Bus, until
from tests.projections.drawing import draws, opened, seeded

LOG = seeded(51, 200).log
_numbers = count()


def test_it_follows_the_log(bus: Bus) -> None:
    bus.put(LOG[:100])
    with bus.publishing() as publisher:
        until(lambda: publisher.position == 100)
        bus.put(LOG[100:])
        bus.all_told()
        until(lambda: published_position(bus.url, bus.workspace) == len(LOG))
    assert publisher.messages == len(bus.expected())
    assert publisher.failures == 0


def test_an_empty_log_makes_an_empty_stream(bus: Bus) -> None:
    with bus.publishing() as publisher:
        until(lambda: publisher.connected)
        assert bus.told() == [] and published_position(bus.url, bus.workspace) == 0
    bus.put(LOG[:10])
    with bus.publishing():
        bus.all_told()


class Dying(Connection):
    """Breaks at moments that were drawn: before a batch, in its middle, or after it without its answer."""

    moments: list[int]

    async def send(self, batch: Sequence[Message], after: int) -> str:
        moment = self.moments.pop() if self.moments else 0
        if moment == 1:
            raise ConnectionClosedError
        if moment == 2 and len(batch) > 1:
            await self.client.send_lines(b"".join(lines(batch[:-1], after, self.name, "nobody")))
            await self.client.flush()
            raise ConnectionClosedError
        name = await super().send(batch, after)
        if moment == 3:
            await self.client.flush()
            raise ConnectionClosedError
        return name


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    steps=draws,
    size=st.integers(1, 9),
    moments=st.lists(st.integers(0, 3), max_size=25),
    cut=st.floats(0, 1),
)
def test_once_and_in_order_whenever_it_dies(
    postgres: str, shared_nats: EmbeddedNats, steps, size: int, moments: list[int], cut: float
) -> None:
    """Batches of a few messages, so that a bulk event is left in its middle, too."""
    with Bus(postgres, shared_nats, f"drawn-{next(_numbers)}") as bus, pytest.MonkeyPatch.context() as patch:
        patch.setattr(tail, "MAX_MESSAGES", size)
        patch.setattr("adapters.nats_bus.publisher.RETRY_S", (0.0,))
        patch.setattr("adapters.nats_bus.publisher.Connection", type("Drawn", (Dying,), {"moments": moments}))
        log = opened(1, steps).log
        half = int(len(log) * cut)
        bus.put(log[:half])
        with bus.publishing() as publisher:
            until(lambda: publisher.position == half)
        bus.put(log[half:])
        with bus.publishing() as publisher:
            until(lambda: publisher.position == len(log))
        bus.all_told()


def test_killed_at_any_moment_it_goes_on_where_it_was(own_bus: Bus) -> None:
    """The publisher and NATS take turns in being killed, while facts come out."""
    chance = random.Random(7)
    own_bus.put(bulk(6))
    process = own_bus.process(batch=50)
    for turn in range(5):
        reached = own_bus.length()
        until(lambda before=reached: own_bus.length() > before + chance.randrange(1_000))
        if turn % 2:
            process.kill()
            process.wait()
            process = own_bus.process(batch=50)
        else:
            own_bus.kill_nats()
            own_bus.server.start()
    own_bus.all_told()
    assert process.poll() is None


def test_two_of_them_do_no_harm(bus: Bus) -> None:
    bus.put(bulk(4))
    with bus.publishing() as one, bus.publishing() as other:
        for place in range(0, len(LOG), 20):
            bus.put([_moved(recorded, 12) for recorded in LOG[place : place + 20]])
        bus.all_told()
        until(lambda: one.position == other.position == len(bus.put_in))


def _moved(recorded, by: int):
    return type(recorded)(recorded.position + by, recorded.at + 10**12, recorded.actor, "", "", recorded.event)


def test_nats_away_and_back(own_bus: Bus, caplog: pytest.LogCaptureFixture) -> None:
    """It says so once, the log goes on, and nothing is lost."""
    own_bus.kill_nats()
    own_bus.put(LOG[:60])
    with own_bus.publishing() as publisher:
        until(lambda: publisher.failures > 3)
        own_bus.put(LOG[60:])
        assert not publisher.connected and publisher.position == 0
        own_bus.server.start()
        own_bus.all_told()
        until(lambda: publisher.connected)
    away = [record for record in caplog.records if "NATS is away" in record.getMessage()]
    assert len(away) == 1
    assert len([record for record in caplog.records if "paidan" in record.name or "nats" in record.name]) <= 3


def test_what_a_killed_nats_acknowledged_is_there(own_bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    """NATS is killed again and again, in mid-stream."""
    own_bus.put(bulk(5))
    monkeypatch.setattr(tail, "MAX_MESSAGES", 50)
    with own_bus.publishing() as publisher:
        for _ in range(3):
            reached = publisher.messages
            until(lambda before=reached: publisher.messages > before)
            acknowledged = publisher.messages
            own_bus.kill_nats()
            own_bus.server.start()
            assert own_bus.length() >= acknowledged
        own_bus.all_told()


def test_it_ends_with_its_supervisor(bus: Bus) -> None:
    process = bus.process(subprocess.PIPE)
    bus.put(LOG[:30])
    bus.all_told()
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(10) == 0


def test_it_ends_at_sigterm_also_with_nats_away(own_bus: Bus) -> None:
    own_bus.kill_nats()
    process = own_bus.process()
    assert process.stderr is not None
    assert b"NATS is away" in process.stderr.readline()
    process.terminate()
    assert process.wait(10) == 0


def test_an_event_it_does_not_know_ends_it_with_a_message(bus: Bus) -> None:
    bus.put(LOG[:20])
    with bus.log._datastore.get_connection() as connection:
        connection.execute(
            f"UPDATE ws_{bus.workspace.replace('-', '_')}.stored_events SET topic = 'TasksTeleported.v9'"
            " WHERE originator_version = 7"
        )
    process = bus.process()
    _, said = process.communicate(timeout=20)
    assert process.returncode != 0
    assert b"TasksTeleported.v9" in said and b"a newer program wrote it" in said


def test_postgres_away_is_said_and_waited_for(bus: Bus, caplog: pytest.LogCaptureFixture) -> None:
    publisher = Publisher("postgresql://127.0.0.1:1/none", bus.url, bus.workspace)
    with bus.publishing(publisher):
        until(lambda: publisher.failures > 2)
    assert len([record for record in caplog.records if "PostgreSQL is away" in record.getMessage()]) == 1
