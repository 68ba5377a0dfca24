"""Streams that were emptied, deleted, written to by strangers, or belong to another history."""

from __future__ import annotations

import pytest
from nats.js import JetStreamContext

from adapters.nats_bus.position import NatsAwayError, published_position
from adapters.nats_bus.publisher import Publisher
from adapters.nats_bus.stream import BUCKET, StreamLimits, name_of
from engine.events import CommandRefused
from tests.bus.bulk import bulk, recorded
from tests.bus.publishing import Bus, Told, until
from tests.engine.samples import SAMPLES

LOG = recorded(list(SAMPLES))


def published(bus: Bus) -> None:
    """A publisher comes, does what is to be done, and goes."""
    with bus.publishing() as publisher:
        until(lambda: publisher.position == len(bus.put_in))


def since(bus: Bus, position: int) -> list[Told]:
    return [told for told in bus.expected() if int(told.id.partition(".")[0]) > position]


async def send(js: JetStreamContext, subject: str, payload: bytes, headers: dict[str, str] | None = None) -> None:
    await js.publish(subject, payload, headers=headers)


def test_an_emptied_stream_is_gone_on_with(bus: Bus) -> None:
    """Messages that grew too old or were purged are not published again."""
    bus.put(LOG[:10])
    published(bus)
    bus.ask(lambda js: js.purge_stream(name_of(bus.workspace)))
    bus.put(LOG[10:])
    published(bus)
    assert bus.told() == since(bus, 10)


def test_a_stream_that_lost_its_end_is_gone_on_with(bus: Bus) -> None:
    """The last messages were removed; the note tells that they had been there."""
    bus.put(LOG[:10])
    published(bus)
    last = bus.length()
    bus.ask(lambda js: js.delete_msg(name_of(bus.workspace), last))
    bus.put(LOG[10:])
    published(bus)
    assert bus.told() == [told for place, told in enumerate(bus.expected(), 1) if place != last]


def test_a_deleted_stream_is_filled_again(bus: Bus, caplog: pytest.LogCaptureFixture) -> None:
    bus.put(LOG)
    published(bus)
    bus.ask(lambda js: js.delete_stream(name_of(bus.workspace)))
    assert published_position(bus.url, bus.workspace) == 0
    published(bus)
    bus.all_told()
    assert "was deleted" in caplog.text
    assert published_position(bus.url, bus.workspace) == len(LOG)


def test_a_stream_deleted_while_it_is_filled(bus: Bus) -> None:
    bus.put(LOG[:10])
    with bus.publishing() as publisher:
        until(lambda: publisher.position == 10)
        bus.ask(lambda js: js.delete_stream(name_of(bus.workspace)))
        bus.put(LOG[10:])
        bus.all_told()


def test_a_stream_deleted_while_nothing_happens(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is made anew although there is nothing to publish."""
    monkeypatch.setattr("adapters.nats_bus.publisher.LOOK_S", 0.1)
    bus.put(LOG[:10])
    with bus.publishing() as publisher:
        until(lambda: publisher.position == 10)
        bus.ask(lambda js: js.delete_stream(name_of(bus.workspace)))
        bus.all_told()


def test_emptied_and_without_its_note_it_begins_anew_and_says_so(bus: Bus, caplog: pytest.LogCaptureFixture) -> None:
    bus.put(LOG)
    published(bus)
    bus.ask(lambda js: js.purge_stream(name_of(bus.workspace)))

    async def forget(js: JetStreamContext) -> None:
        await (await js.key_value(BUCKET)).purge(bus.workspace)

    bus.ask(forget)
    published(bus)
    assert bus.told() == bus.expected()
    assert "holds nothing of ours any more" in caplog.text


@pytest.mark.parametrize("note", [b"", b"\xff{", b"[]", b'{"created":"x","sequence":-1,"cursor":{}}', b'{"created":1}'])
def test_a_note_that_cannot_be_read_is_passed_over(bus: Bus, note: bytes) -> None:
    bus.put(LOG[:10])
    published(bus)

    async def scribble(js: JetStreamContext) -> None:
        await (await js.key_value(BUCKET)).put(bus.workspace, note)

    bus.ask(scribble)
    bus.put(LOG[10:])
    published(bus)
    assert bus.told() == bus.expected()


def strange(bus: Bus) -> list[tuple[str, bytes, dict[str, str] | None]]:
    """What others put on our subjects: nonsense, look-alikes, and copies of our own messages."""
    subject, headers, payload = bus.everything()[0]
    copied = {name: headers[name] for name in ("Nats-Msg-Id", "Paidan-Sequence", "Content-Type")}
    prefix = f"paidan.{bus.workspace}."
    return [
        (prefix + "x.y.-.-", b"", None),
        (prefix + "task.assigned.ann.1", b"\x00\xff", {"Nats-Msg-Id": "not-ours"}),
        (prefix + "task.assigned.ann.1", b"{}", {"Nats-Msg-Id": "99.0"}),
        (prefix + "task.assigned.ann.1", b"{}", {"Nats-Msg-Id": "-1.x", "Paidan-Sequence": "7"}),
        (prefix + "a.b.c.d", b"{}", {"Nats-Msg-Id": "9" * 40 + ".0", "Paidan-Sequence": "²"}),
        (subject, payload, copied),
    ]


def test_messages_of_strangers_are_passed_over(bus: Bus) -> None:
    """As the last message a new publisher finds, and between two facts of one that runs."""
    bus.put(LOG[:4])
    published(bus)
    for place, (subject, payload, headers) in enumerate(strange(bus), 4):
        bus.ask(lambda js, s=subject, p=payload, h=headers: send(js, s, p, h))
        bus.put(LOG[place : place + 1])
        published(bus)
    with bus.publishing() as publisher:
        for place, (subject, payload, headers) in enumerate(strange(bus), 10):
            bus.ask(lambda js, s=subject, p=payload, h=headers: send(js, s, p, h))
            bus.put(LOG[place : place + 1])
            until(lambda reached=place + 1: publisher.position == reached)
    everything = [(subject, headers.get("Nats-Msg-Id"), payload) for subject, headers, payload in bus.everything()]
    assert len(everything) == len(bus.expected()) + 12
    ours = iter(everything)
    assert all(tuple(told) in ours for told in bus.expected()), "each one, in this order"


def test_a_stranger_writes_all_the_while(bus: Bus) -> None:
    bus.put(bulk(2))
    with bus.publishing() as publisher:
        until(lambda: publisher.messages)
        for number in range(40):
            bus.ask(lambda js, n=number: send(js, f"paidan.{bus.workspace}.noise.x.-.-", b"%d" % n))
        expected = bus.expected()
        until(lambda: bus.length() >= len(expected) + 40)
    assert bus.told() == expected


def test_a_log_of_another_history_is_not_mixed_in(bus: Bus, caplog: pytest.LogCaptureFixture) -> None:
    """PostgreSQL was restored to an earlier moment: other facts have these positions now."""
    bus.put(LOG)
    published(bus)
    before = bus.told()
    with bus.log._datastore.get_connection() as connection:
        connection.execute(f"TRUNCATE ws_{bus.workspace.replace('-', '_')}.stored_events")
    bus.log._last = None
    for count_now in (0, len(LOG)):
        bus.put_in = []
        bus.put([type(one)(one.position, one.at + 5, "op", "", "", one.event) for one in LOG[:count_now]])
        with bus.publishing() as publisher:
            until(lambda: publisher.failures > 2)
        assert publisher.messages == 0 and bus.told() == before
    assert "delete the stream" in caplog.text
    bus.ask(lambda js: js.delete_stream(name_of(bus.workspace)))
    published(bus)
    assert bus.told() == bus.expected() != before


def test_a_fact_too_large_for_a_message_is_referred_to(bus: Bus) -> None:
    bus.put(recorded([CommandRefused("StartTask", "stale", "STALE_GRANT", "x" * 2_000_000, 8, "ann"), SAMPLES[-1]]))
    published(bus)
    large, small = bus.told()
    assert b'"dataref":"/workspaces/' in large.payload and b'"data":' not in large.payload
    assert b'"data":{' in small.payload


def test_limits_are_as_configured_also_later(bus: Bus) -> None:
    for limits in (StreamLimits(60.0, 1_000_000), StreamLimits(0.0, -1), StreamLimits()):
        publisher = Publisher(bus.dsn, bus.url, bus.workspace, limits)
        with bus.publishing(publisher):
            until(lambda one=publisher: one.connected)
        config = bus.ask(lambda js: js.stream_info(name_of(bus.workspace))).config
        assert (config.max_age, config.max_bytes) == (limits.max_age_s, limits.max_bytes)


def test_facts_too_many_for_the_stream_push_the_oldest_out(bus: Bus) -> None:
    bus.put(bulk(2))
    publisher = Publisher(bus.dsn, bus.url, bus.workspace, StreamLimits(0.0, 400_000))
    with bus.publishing(publisher):
        until(lambda: publisher.position == len(bus.put_in))
    told = bus.told()
    assert 100 < len(told) < 2_000
    assert told == bus.expected()[-len(told) :]


def test_who_asks_a_nats_that_is_away_is_told_so() -> None:
    with pytest.raises(NatsAwayError, match="Expected NATS"):
        published_position("nats://127.0.0.1:1", "none")
