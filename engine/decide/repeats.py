"""A request id seen before gets its first answer again."""

from __future__ import annotations

from hashlib import blake2b

import msgspec

from engine.answers import Answer
from engine.commands import Command, Order
from engine.refusals import Refusal, already_exists
from engine.state import State

_ENCODE = msgspec.json.Encoder(order="deterministic").encode
"""Named values in one order: a client that asks again may send its map in another."""


def fingerprint_of(command: Command) -> str:
    """Sixteen hex digits that differ where commands differ."""
    return blake2b(_ENCODE(command), digest_size=8).hexdigest()


def repeated(state: State, order: Order) -> Answer | Refusal | None:
    """The first answer to this request, or None if it is new."""
    known = state.requests.get(order.request) if order.request else None
    if known is None:
        return None
    if known.fingerprint != fingerprint_of(order.command):
        return already_exists(
            "REQUEST_ID_REUSED",
            f"Expected request_id {order.request!r} to be new, but another request used it; send a fresh one",
        )
    return known
