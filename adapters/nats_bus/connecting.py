"""A line to NATS that does not mend itself: who holds it throws it away and looks at the stream again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from nats.aio.client import Client

CONNECT_S = 2


async def connect(client: Client, url: str, name: str, closed: Callable[[], Awaitable[None]] | None = None) -> None:
    """Try each server of ``url`` (several stand with commas between) twice. Raises nats.errors.Error or OSError."""
    await client.connect(
        url.split(","), name=name, allow_reconnect=False, connect_timeout=CONNECT_S, error_cb=_silent, closed_cb=closed,
        max_reconnect_attempts=1, reconnect_time_wait=0, skip_subject_validation=True,
    )  # fmt: skip


async def _silent(_error: Exception) -> None:
    """The client would log each failed try; what comes of them is raised."""
