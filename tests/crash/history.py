"""What is known of a run from outside: what clients were told, what the log holds, what the stream holds."""

from __future__ import annotations

from typing import Any

import msgspec

from engine.events import Recorded


class Told(msgspec.Struct, frozen=True):
    """One command as its client lived through it. A command asked again later has one more of these."""

    request: str
    method: str
    asked: dict[str, Any]
    outcome: str
    """``ok``, ``refused``, or ``unknown``: the client gave up without an answer."""
    answer: dict[str, Any] = {}
    """Fields of the response; of a refusal its ``code`` and ``reason``."""
    tries: int = 1
    last: float = 0.0
    """When the try began that was answered; seconds since 1970."""
    ended: float = 0.0
    strange: tuple[str, ...] = ()
    """What it was told on the way that no outage explains, such as INTERNAL."""
    cut: tuple[float, ...] = ()
    """When it was told CANCELLED; docs/operations.md says that a server at its very end may do that."""


class Package(msgspec.Struct, frozen=True):
    """A list as its client made it: the lines of good rows, and of those that are to be set aside."""

    good: frozenset[int]
    bad: frozenset[int]


class Message(msgspec.Struct, frozen=True):
    """One message of the stream."""

    id: str
    subject: str
    payload: bytes


class Heard(msgspec.Struct, frozen=True):
    """What somebody outside heard, and what he said to it: ``done``, ``declined`` or ``busy``."""

    key: str
    kind: str
    body: bytes
    said: str


class History(msgspec.Struct):
    """All of it."""

    workspace: str
    told: list[Told]
    packages: dict[str, Package]
    """By the request id that sent the list."""
    log: list[Recorded]
    messages: list[Message]
    sent: list[str] = []
    """Customers of tasks that were sent in over NATS, and that NATS said it had."""
    ends: list[float] = []
    """When servers were told to end."""
    heard: list[Heard] = []
    """What came to whoever is called outside."""


Findings = list[str]
"""What is wrong, a sentence each; empty where nothing is."""
