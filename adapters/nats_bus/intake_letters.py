"""A dead letter: a message as it came, and what is wrong with it in headers."""

from __future__ import annotations

import re
from collections.abc import Mapping

from adapters.nats_bus.intake_reading import one_line

PREFIX = "Original-"
"""Before the names of headers that would mean something to NATS."""
CUT = "Paidan-Cut"
"""Header: bytes of the payload, where not all of them had room."""
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}")
_AROUND = len("NATS/1.0\r\n\r\n")


def dead_letter(
    payload: bytes, headers: Mapping[str, str], told: Mapping[str, str], room: int
) -> tuple[bytes, dict[str, str]]:
    """Payload and headers of at most ``room`` bytes. Where not all fits, its sender's headers go, then its end."""
    ours = {name: one_line(value) for name, value in told.items()}
    theirs = {_renamed(name): one_line(value) for name, value in headers.items() if _NAME.fullmatch(name)}
    for kept in ({**theirs, **ours}, ours):
        if len(payload) + size_of(kept) <= room:
            return payload, kept
    kept = {**ours, CUT: str(len(payload))}
    return payload[: max(0, room - size_of(kept))], kept


def size_of(headers: Mapping[str, str]) -> int:
    """Bytes of headers on the wire."""
    return _AROUND + sum(len(name) + len(value.encode()) + len(": \r\n") for name, value in headers.items())


def _renamed(name: str) -> str:
    """NATS acts on its own headers: one that expects a sequence would be refused for ever."""
    return PREFIX + name if name.lower().startswith("nats-") else name
