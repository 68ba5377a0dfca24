"""The server as the intake sees it."""

from __future__ import annotations

from typing import Protocol

from adapters.nats_bus.intake_reading import Wish


class ServerAwayError(Exception):
    """The server cannot be reached, or does not take this on now; the same wish may be granted later."""


class ServerFailedError(Exception):
    """The server came to grief over the wish. It may be the wish, or the moment."""


class RefusedError(Exception):
    """The server will never grant this; ``reason`` is for programs, the text for people."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class IntakePort(Protocol):
    """What is asked of the server."""

    async def create(self, wish: Wish) -> None:
        """Resolves once the task is in the log. Raises ServerAwayError, ServerFailedError, RefusedError."""

    async def is_serving(self) -> bool:
        """Whether commands are decided there now."""
