"""A bare grpc.aio server that answers what it is asked: the floor under every durable command."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import uvloop

OPTIONS = (("grpc.so_reuseport", 0),)


class _Echo(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # it takes none when the program runs
    def service(self, handler_call_details: Any) -> Any:  # noqa: ARG002 - grpc's own name
        return grpc.unary_unary_rpc_method_handler(_answer)


async def _answer(request: bytes, _context: Any) -> bytes:
    return request


@contextmanager
def echo_server() -> Iterator[str]:
    """Its address; it runs in a process of its own, on uvloop as Paidan does."""
    words = (sys.executable, "-m", "benchmarks.echo")
    with subprocess.Popen(words, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


async def _serve() -> None:
    server = grpc.aio.server(options=OPTIONS)
    server.add_generic_rpc_handlers((_Echo(),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    uvloop.run(_serve())
