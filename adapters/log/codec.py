"""Events as the log keeps them: JSON under a versioned topic, each with the hash of the one before it."""

from __future__ import annotations

from hashlib import sha256

import msgspec

from engine.events import EVENT_TYPES, Event, Recorded, topic_of

GENESIS = "0" * 64
"""``prev`` of a workspace's first event."""


class UnknownEventError(Exception):
    """The log holds an event this program does not know; it is never skipped."""


class BrokenChainError(Exception):
    """An event does not carry the hash of the one before it: the log was changed after it was written."""


class Envelope(msgspec.Struct, frozen=True, omit_defaults=True):
    """The JSON of one stored event."""

    at: int
    actor: str
    prev: str
    data: msgspec.Raw
    request: str = ""
    correlation: str = ""
    fingerprint: str = ""
    trace: str = ""


class Stored(msgspec.Struct, frozen=True):
    """One row of the log."""

    position: int
    topic: str
    state: bytes


_encode = msgspec.json.Encoder().encode
_decode_envelope = msgspec.json.Decoder(Envelope).decode
_DECODERS = {topic: msgspec.json.Decoder(cls).decode for topic, cls in EVENT_TYPES.items()}


def encode(recorded: Recorded, prev: str) -> Stored:
    """The row for an event that follows one with hash ``prev``."""
    envelope = Envelope(
        recorded.at,
        recorded.actor,
        prev,
        msgspec.Raw(_encode(recorded.event)),
        recorded.request,
        recorded.correlation,
        recorded.fingerprint,
        recorded.trace,
    )
    return Stored(recorded.position, topic_of(recorded.event), _encode(envelope))


def decode(stored: Stored) -> Recorded:
    """The event in a row. Raises UnknownEventError."""
    envelope = _decode_envelope(stored.state)
    return Recorded(
        stored.position,
        envelope.at,
        envelope.actor,
        envelope.request,
        envelope.correlation,
        _decode_event(stored, envelope),
        envelope.fingerprint,
        envelope.trace,
    )


def _decode_event(stored: Stored, envelope: Envelope) -> Event:
    decoder = _DECODERS.get(stored.topic)
    if decoder is None:
        raise UnknownEventError(f"Expected a known event at position {stored.position}, but it is {stored.topic!r}")
    return decoder(envelope.data)


def hash_of(stored: Stored) -> str:
    """SHA-256 over position, topic and JSON; the next event carries it as ``prev``."""
    return sha256(b"%d\n%s\n%s" % (stored.position, stored.topic.encode(), stored.state)).hexdigest()


def check_link(stored: Stored, prev: str) -> str:
    """The row's own hash, once its ``prev`` is found right. Raises BrokenChainError."""
    found = _decode_envelope(stored.state).prev
    if found != prev:
        raise BrokenChainError(
            f"Expected event {stored.position} to carry {prev[:16]}…, the hash of event {stored.position - 1}, "
            f"but it carries {found[:16]}…; one of the two was changed"
        )
    return hash_of(stored)
