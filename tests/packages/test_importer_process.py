"""The importer over gRPC: against the real service with the real engine behind it, and as a process that gets killed."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grpc
import pytest
from paidan.v1.importer_pb2_grpc import add_ImporterServiceServicer_to_server

from adapters.grpc_api.desk import Desk
from adapters.grpc_api.guard import Guard
from adapters.grpc_api.importer_client import connected
from adapters.grpc_api.importer_service import ImporterService
from adapters.grpc_api.methods import Methods
from adapters.grpc_api.telemetry import Telemetry
from adapters.grpc_api.waiting import Tail
from adapters.importing.formats import CHUNK_ROWS
from adapters.importing.importer import Importer, ServerAwayError
from adapters.importing.spool import Spool
from adapters.settings.limits import Limits
from engine.answers import Answer
from engine.commands import ImportRows, Order, RegisterPackage
from engine.refusals import Refusal
from engine.state import State
from tests.packages.lists import ONE, written
from tests.packages.server_stand_in import StandIn

ROWS = 40 * CHUNK_ROWS - 1
DATA = written([("c", "v"), *((str(number), "x") for number in range(ROWS))])
PATIENCE = 20
"""Seconds before a test gives up."""


class InMemoryWriter:
    """A writer whose log is a list."""

    def __init__(self, server: StandIn) -> None:
        self._server = server
        self.delay = 0.0
        self.chunks_seen = 0

    @property
    def state(self) -> State:
        return self._server.workspace.state

    @property
    def position(self) -> int:
        return self.state.position

    async def submit(self, order: Order, until: float = 0.0) -> Answer | Refusal:
        assert not order.request, "an importer's requests are told apart by what they say"
        recorded, answer = self._server.workspace.handle(order, 1)
        self._server.log.extend(item.event for item in recorded)
        self.chunks_seen += isinstance(order.command, ImportRows)
        await asyncio.sleep(self.delay)
        return answer

    async def wait_beyond(self, position: int) -> int:
        while self.position <= position:
            await asyncio.sleep(0.01)
        return self.position


class Scene:
    """A server that may stop and start again on its port, and a spool."""

    def __init__(self, directory: Path) -> None:
        self.engine, self.directory = StandIn(), directory / "spool"
        self.spool = Spool(self.directory)
        self.writer = InMemoryWriter(self.engine)
        self.port = 0

    async def take_in(self, data: bytes) -> int:
        async def whole() -> AsyncIterator[bytes]:
            yield data

        spooled = await self.spool.put_chunks(whole())
        command = RegisterPackage("", "upload:x", spooled.name, spooled.digest, spooled.size, "call", "", ONE)
        return self.engine.decide(command) or 0

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        services: Any = SimpleNamespace(workspace="desk", writer=self.writer, clock=None)
        service = ImporterService(Desk(services), self.writer, Tail(self.writer, 60.0))
        methods: Any = Methods(Guard(Limits()), Telemetry())
        add_ImporterServiceServicer_to_server(service, methods)
        server.add_generic_rpc_handlers((methods,))
        self.port = server.add_insecure_port(f"127.0.0.1:{self.port}")
        await server.start()
        yield f"127.0.0.1:{self.port}"
        await server.stop(None)

    async def parsed(self, package: int = 1) -> None:
        async with asyncio.timeout(PATIENCE):
            while self.engine.package(package).status in ("initialized", "parsing"):
                await asyncio.sleep(0.02)

    async def chunks_in(self, count: int) -> None:
        async with asyncio.timeout(PATIENCE):
            while self.engine.package().chunks < count:
                await asyncio.sleep(0.005)

    def assert_all_in(self) -> None:
        assert self.engine.package().status == "parsed"
        assert [event.chunk for event in self.engine.chunks()] == list(range(40))
        assert [row.customer for event in self.engine.chunks() for row in event.rows] == [str(n) for n in range(ROWS)]


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


@asynccontextmanager
async def importing(scene: Scene, target: str) -> AsyncIterator[None]:
    async with connected(target, "desk") as port:
        task = asyncio.create_task(Importer(port, scene.spool.open).run())
        yield
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def process(scene: Scene, target: str) -> AsyncIterator[asyncio.subprocess.Process]:
    code = (
        "import sys, pathlib; from adapters.importing.importer_process import run_importer;"
        " run_importer(*sys.argv[1:3], pathlib.Path(sys.argv[3]))"
    )
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, target, "desk", scene.directory, stdin=asyncio.subprocess.PIPE
    )
    yield started
    if started.returncode is None:
        started.kill()
    await started.wait()


def test_packages_come_in_over_the_wire(scene: Scene) -> None:
    async def play() -> None:
        await scene.take_in(DATA)
        async with scene.serving() as target, importing(scene, target):
            await scene.parsed()
            assert await scene.take_in(b"c,v\n") == 2
            await scene.parsed(2)
            assert await scene.take_in(b"c,w\n") == 3
            await scene.parsed(3)

    asyncio.run(play())
    scene.assert_all_in()
    assert [scene.engine.package(number).status for number in (2, 3)] == ["parsed", "failed"]


def test_the_import_goes_on_when_the_server_is_back(scene: Scene) -> None:
    async def play() -> None:
        await scene.take_in(DATA)
        scene.writer.delay = 0.01
        async with scene.serving() as target:
            pass
        async with importing(scene, target):
            for chunks in (5, 20):
                async with scene.serving():
                    await scene.chunks_in(chunks)
            async with scene.serving():
                await scene.parsed()

    asyncio.run(play())
    scene.assert_all_in()
    assert scene.writer.chunks_seen < 40 * 2  # it goes on where it was, not from the start each time


def test_an_importer_that_is_killed_leaves_nothing_undone(scene: Scene) -> None:
    async def play() -> None:
        await scene.take_in(DATA)
        scene.writer.delay = 0.02
        async with scene.serving() as target:
            async with process(scene, target) as first:
                await scene.chunks_in(7)
                first.kill()
                await first.wait()
            async with process(scene, target):
                await scene.parsed()

    asyncio.run(play())
    scene.assert_all_in()


@pytest.mark.parametrize("how", ["SIGTERM", "SIGINT", "stdin"])
@pytest.mark.parametrize("busy", [True, False])
def test_it_ends_when_told(scene: Scene, how: str, busy: bool) -> None:
    async def play() -> int:
        await scene.take_in(DATA)
        scene.writer.delay = 0.05
        async with (
            scene.serving() as server,
            mute() as (nobody, asked),
            process(scene, server if busy else nobody) as started,
        ):
            await (scene.chunks_in(1) if busy else asyncio.wait_for(asked.wait(), PATIENCE))
            assert started.stdin is not None
            if how == "stdin":
                started.stdin.close()
            else:
                started.send_signal(getattr(signal, how))
            return await asyncio.wait_for(started.wait(), PATIENCE)

    assert asyncio.run(play()) == 0


@asynccontextmanager
async def mute() -> AsyncIterator[tuple[str, asyncio.Event]]:
    """A server that never answers, and whether anyone came."""
    asked = asyncio.Event()
    server = await asyncio.start_server(lambda *_: asked.set(), "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    yield f"{host}:{port}", asked
    server.close()


def test_a_server_that_is_not_there_is_away() -> None:
    async def play() -> None:
        async with connected("127.0.0.1:1", "desk") as port:
            with pytest.raises(ServerAwayError):
                await port.start(1)
            with pytest.raises(ServerAwayError):
                await anext(port.packages())

    asyncio.run(play())
