"""What goes into the log comes out of it, whatever it is."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.log.codec import (
    GENESIS,
    BrokenChainError,
    Stored,
    UnknownEventError,
    check_link,
    decode,
    encode,
    hash_of,
)
from engine.events import EVENT_TYPES, Recorded
from tests.conformance.drawn import recorded

hashes = st.binary(min_size=32, max_size=32).map(bytes.hex)


@given(recorded(), hashes)
@settings(max_examples=400, deadline=None)
def test_an_event_comes_back_as_it_was(one: Recorded, prev: str) -> None:
    stored = encode(one, prev)
    assert decode(stored) == one
    assert encode(decode(stored), prev) == stored
    assert check_link(stored, prev) == hash_of(stored)


@given(recorded(), hashes, st.data())
@settings(max_examples=200, deadline=None)
def test_no_byte_can_be_changed_unnoticed(one: Recorded, prev: str, data: st.DataObject) -> None:
    stored = encode(one, prev)
    place = data.draw(st.integers(0, len(stored.state) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte != stored.state[place]))
    changed = Stored(stored.position, stored.topic, stored.state[:place] + bytes([other]) + stored.state[place + 1 :])
    assert hash_of(changed) != hash_of(stored)


def test_position_and_topic_are_in_the_hash() -> None:
    row = Stored(7, "TaskStarted.v1", b"{}")
    others = [
        Stored(8, "TaskStarted.v1", b"{}"),
        Stored(7, "TaskStarted.v2", b"{}"),
        Stored(7, "TaskStarted.v1", b"{ }"),
    ]
    assert len({hash_of(one) for one in (row, *others)}) == 4


def test_a_link_that_does_not_hold() -> None:
    row = Stored(7, "TaskStarted.v1", b'{"at":1,"actor":"a","prev":"%s","data":{}}' % GENESIS.encode())
    assert check_link(row, GENESIS)
    with pytest.raises(BrokenChainError, match="Expected event 7 to carry ffffffffffffffff…"):
        check_link(row, "f" * 64)


@pytest.mark.parametrize("topic", ["TaskStarted.v2", "taskstarted.v1", "", "engine.events.TaskStarted"])
def test_a_topic_nobody_knows_is_never_skipped(topic: str) -> None:
    row = Stored(7, topic, b'{"at":1,"actor":"a","prev":"","data":{}}')
    with pytest.raises(UnknownEventError, match="position 7"):
        decode(row)


def test_every_topic_names_its_version() -> None:
    assert all(topic == f"{cls.__name__}.v1" for topic, cls in EVENT_TYPES.items())
