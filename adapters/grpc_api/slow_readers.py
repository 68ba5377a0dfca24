"""Readers of streams that are too slow: cut off, not buffered for.

A write returns once gRPC has handed the message on, which waits for the reader's window: measured, a reader that
takes nothing holds up the writer after what its own side buffers, while the server keeps one message.
"""

from __future__ import annotations

import asyncio
from typing import Any

import grpc

from adapters.grpc_api.connections import close_connection
from adapters.grpc_api.failures import overloaded


class SlowReaders:
    """Writes messages of streams, each within ``write_s`` seconds; ``cut`` counts streams, ``closed`` connections."""

    def __init__(self, write_s: float) -> None:
        self._write_s = write_s
        self.cut = 0
        self.closed = 0

    async def write(self, context: Any, message: Any) -> None:
        """One message to its reader. Raises Failure where it takes too long."""
        try:
            async with asyncio.timeout(self._write_s):
                await context.write(message)
        except TimeoutError as error:
            self.cut += 1
            told = f"Expected the message to be read within {self._write_s:g} s, but the reader is slower"
            raise overloaded("READER_TOO_SLOW", f"{told}; go on from the last position received") from error

    async def end(self, context: Any, status: grpc.Status) -> None:
        """Abort the stream; a reader that does not even take that within the same time loses its connection.

        So does one that has not taken a first message: gRPC cannot send it anything any more, and says so by an error.
        """
        try:
            async with asyncio.timeout(self._write_s):
                await context.abort_with_status(status)
        except grpc.aio.AbortError:
            raise
        except Exception:  # TimeoutError, or an error of gRPC's core that has no public name
            self.close(context.peer())

    def watch(self, context: Any) -> None:
        """Do the same for the answer of a unary call, once it is handed to gRPC."""
        watching = asyncio.get_running_loop().call_later(self._write_s, self.close, context.peer())
        context.add_done_callback(lambda _: watching.cancel())

    def close(self, peer: str) -> None:
        """End the peer's connection."""
        self.closed += close_connection(peer)
