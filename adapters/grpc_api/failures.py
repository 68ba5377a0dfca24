"""How an RPC ends when it does not end well: a value every layer of the server can raise, free of gRPC."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from engine.refusals import Refusal, Violation

Cause = Literal["overloaded", "unavailable", "deadline", "internal"]
"""What befell the server itself, beside the five kinds of refusal."""


class Failure(Exception):  # noqa: N818 - it is raised for refusals too, which are no errors of the program
    """The RPC is refused (``kind`` of a refusal) or cannot be served now (a ``Cause``).

    ``retry_after`` is in seconds; None: the caller should not simply try again.
    """

    def __init__(
        self,
        kind: str,
        reason: str,
        message: str,
        *,
        violations: Sequence[Violation] = (),
        metadata: Mapping[str, str] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.reason = reason
        self.message = message
        self.violations = tuple(violations)
        self.metadata = dict(metadata or {})
        self.retry_after = retry_after


def refused(refusal: Refusal) -> Failure:
    """The failure that tells of a refusal."""
    metadata = {"task": str(refusal.task)} if refusal.task is not None else {}
    if refusal.agent:
        metadata["agent"] = refusal.agent
    return Failure(refusal.kind, refusal.reason, refusal.message, violations=refusal.violations, metadata=metadata)


def invalid(*violations: Violation) -> Failure:
    """The request cannot be taken as it is; every violation names a field."""
    count = len(violations)
    message = violations[0].description if count == 1 else f"Expected a valid request, but found {count} problems"
    return Failure("invalid", "REQUEST_INVALID", message, violations=violations)


def not_found(reason: str, message: str) -> Failure:
    """It names something that is not there."""
    return Failure("not_found", reason, message)


def unavailable(reason: str, message: str, retry_after: float = 1.0) -> Failure:
    """It cannot be served now; the same request may succeed later."""
    return Failure("unavailable", reason, message, retry_after=retry_after)


def overloaded(reason: str, message: str, retry_after: float | None = 1.0) -> Failure:
    """More is asked than the server takes on. Callers should add some chance of their own to the time they wait."""
    return Failure("overloaded", reason, message, retry_after=retry_after)


def too_late(message: str) -> Failure:
    """The caller's deadline leaves no time."""
    return Failure("deadline", "DEADLINE_EXCEEDED", message)
