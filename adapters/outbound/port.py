"""The server as calls to the outside see it, and what passes between the two."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Literal, Protocol

import msgspec


class OutboundCall(msgspec.Struct, frozen=True):
    """One call, as the server hands it over."""

    key: str
    """The idempotency key: the same for every attempt, and no other call has it."""
    task: int
    made: int
    """Position of the event that made it."""
    asks: bool
    """Its answer counts; otherwise it tells a result."""
    url: str
    subject: str
    secret: str
    """Name of the secret; empty: it is not signed."""
    timeout_s: float
    attempts: int
    backoff_s: float
    ends: float
    """When it is over whatever becomes of it, in the event loop's time."""
    body: bytes
    traceparent: str = ""

    @property
    def kind(self) -> str:
        """``callback`` or ``result``."""
        return "callback" if self.asks else "result"


class Outcome(msgspec.Struct, frozen=True):
    """What came of a call. Telling a result cannot be declined."""

    word: Literal["succeeded", "declined", "failed"]
    attempts: int = 0
    result: dict[str, str] = {}
    reason: str = ""


class ServerAwayError(Exception):
    """The server cannot be reached, or does not decide for the workspace now."""


class OverError(Exception):
    """The call is over for the server: it was reported before, cancelled, or nobody reported it in time."""


class OutboundPort(Protocol):
    """What is asked of the server."""

    def calls(self, from_position: int) -> AsyncIterator[OutboundCall]:
        """Calls under way that were made from there on, and then as they come. Raises ServerAwayError."""

    async def report(self, call: OutboundCall, outcome: Outcome, request: str) -> None:
        """Put it on record; ``request`` makes a repeat harmless. Raises ServerAwayError, OverError."""
