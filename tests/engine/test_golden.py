"""A released event never changes: its JSON is held in golden/<topic>.json, and old logs are read for ever."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from adapters.log.codec import GENESIS, Envelope, decode, encode
from engine.events import EVENT_TYPES, Event, Recorded, topic_of
from tests.engine.samples import SAMPLES

GOLDEN = Path(__file__).parent / "golden"


def _data(event: Event) -> bytes:
    """The event's part of the JSON that the log stores."""
    stored = encode(Recorded(7, 1, "op", "", "", event), GENESIS)
    return bytes(msgspec.json.decode(stored.state, type=Envelope).data)


def _golden(topic: str) -> bytes:
    return (GOLDEN / f"{topic}.json").read_bytes()


def test_every_event_type_has_a_golden_file_and_a_sample() -> None:
    assert {path.name.removesuffix(".json") for path in GOLDEN.glob("*.json")} == set(EVENT_TYPES)
    assert [topic_of(event) for event in SAMPLES] == list(EVENT_TYPES)


@pytest.mark.parametrize("event", SAMPLES, ids=topic_of)
def test_sample_sets_every_field(event: Event) -> None:
    assert set(msgspec.json.decode(_data(event))) == {"type", *type(event).__struct_fields__}


@pytest.mark.parametrize("event", SAMPLES, ids=topic_of)
def test_encoded_event_equals_its_golden_file(event: Event) -> None:
    assert msgspec.json.format(_data(event), indent=2) + b"\n" == _golden(topic_of(event))


@pytest.mark.parametrize("event", SAMPLES, ids=topic_of)
def test_golden_file_reads_as_the_event(event: Event) -> None:
    read = msgspec.json.decode(_golden(topic_of(event)), type=EVENT_TYPES[topic_of(event)])
    assert read == event
    assert repr(read) == repr(event), "equal, but of other types"


@pytest.mark.parametrize("event", SAMPLES, ids=topic_of)
def test_an_envelope_survives_the_log(event: Event) -> None:
    recorded = Recorded(7, 1_700, "op", "req", "corr", event, "0011")
    assert decode(encode(recorded, GENESIS)) == recorded
