"""Waiting inside an RPC: until the log moves, until the caller's time is up, or until the server ends."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from adapters.grpc_api.desk import Context
from adapters.grpc_api.failures import unavailable
from adapters.grpc_api.services import Writer

POLL_S = 0.5
"""Looked again after this long in any case: a stand-by server sees the log move only through its views."""
PAUSE_S = 0.05
"""Between two looks while the log moves fast: readers get more in one message, the writer more of the time."""
SPARE_S = 0.05
"""Kept back of the caller's time for the answer to travel."""
PATIENCE_S = 10.0
"""How long a caller waits who says nothing about it."""


class Tail:
    """The end of the log, as streams wait for it to move."""

    def __init__(self, writer: Writer, longest_s: float) -> None:
        self._writer, self._longest_s = writer, longest_s
        self.stopping = False
        """Set when the server ends: streams that would go on for ever end too."""

    async def moved(self) -> None:
        """Return once the log has moved, or after a while. Raises Failure when the server ends."""
        with suppress(TimeoutError):
            async with asyncio.timeout(POLL_S):
                await self._writer.wait_beyond(self._writer.position)
        await self.pause(PAUSE_S)

    async def reached(self, position: int, context: Context) -> None:
        """Return once the log is durable up to this position. Raises Failure when that takes too long."""
        end = asyncio.get_running_loop().time() + time_left(context, self._longest_s)
        while self._writer.position < position:
            if asyncio.get_running_loop().time() >= end:
                told = f"Expected the log at position {position}, but it is at {self._writer.position}; ask again"
                raise unavailable("POSITION_NOT_REACHED", told)
            await self.moved()

    async def pause(self, seconds: float) -> None:
        """Let others have their turn. Raises Failure when the server ends."""
        await asyncio.sleep(seconds)
        if self.stopping:
            raise unavailable("STOPPING", "Expected the server to go on, but it is being stopped; ask again shortly")


def time_left(context: Context, longest_s: float) -> float:
    """Seconds that an RPC may wait for something."""
    remaining = context.time_remaining()
    return min(longest_s, PATIENCE_S if remaining is None else max(0.0, remaining - SPARE_S))
