"""Refusals are values, not exceptions: ``decide`` returns one instead of events.

Five kinds; the gRPC adapter maps each to one status code (adapters/grpc_api/status.py).
"""

from __future__ import annotations

from typing import Literal

import msgspec

Kind = Literal["invalid", "not_found", "already_exists", "precondition", "stale"]

ON_RECORD: frozenset[str] = frozenset({"precondition", "stale"})
"""Kinds that the log keeps when a client's request carried an id: they depend on the moment they were decided in."""


class Violation(msgspec.Struct, frozen=True):
    """One thing wrong with a request: the field, and what was expected of it."""

    field: str
    description: str


class Refusal(msgspec.Struct, frozen=True):
    kind: Kind
    reason: str
    """UPPER_SNAKE, stable, for programs (google.rpc.ErrorInfo.reason)."""
    message: str
    """For people: "Expected X, but Y"."""
    violations: tuple[Violation, ...] = ()
    task: int | None = None
    agent: str | None = None


def invalid(reason: str, message: str, *violations: Violation) -> Refusal:
    """The request can never succeed as it is."""
    return Refusal("invalid", reason, message, violations)


def not_found(reason: str, message: str) -> Refusal:
    """It names something that is not there."""
    return Refusal("not_found", reason, message)


def already_exists(reason: str, message: str) -> Refusal:
    """It would make something a second time."""
    return Refusal("already_exists", reason, message)


def precondition(reason: str, message: str, *, task: int | None = None, agent: str | None = None) -> Refusal:
    """The state does not allow it now; it may later."""
    return Refusal("precondition", reason, message, task=task, agent=agent)


def stale_call(message: str, *, task: int) -> Refusal:
    """It speaks of a call to the outside that is no longer under way."""
    return Refusal("stale", "STALE_CALL", message, task=task)


def stale(message: str, *, task: int, agent: str | None = None) -> Refusal:
    """It rests on an assignment that is no longer the one in force."""
    return Refusal("stale", "STALE_GRANT", message, task=task, agent=agent)
