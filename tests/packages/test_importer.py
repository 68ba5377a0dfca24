"""The importer against the real engine: whatever stops or goes wrong on the way, the same rows are in, once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import BinaryIO

import msgspec
import pytest

from adapters.importing import importer as importer_module
from adapters.importing.formats import CHUNK_ROWS
from adapters.importing.importer import WINDOW, Importer, RefusedError, ServerAwayError, command_of
from adapters.importing.spool import SourceError
from engine.commands import Command, FailPackage, ImportRows, StartParsing
from engine.events import PackageFailed
from tests.packages.lists import ONE, chunks_of, written
from tests.packages.server_stand_in import StandIn, away_at, spool_of

ROWS = 20 * CHUNK_ROWS - 7
DATA = written([("c", "v"), *((str(number), "x") if number % 11 else ("", "bad") for number in range(ROWS))])
CHUNKS = [command_of(1, chunk) for chunk in chunks_of(DATA, ONE)]


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importer_module, "FIRST_PAUSE", 0.0)


async def run_until_idle(server: StandIn, data: bytes = DATA, **asked: int) -> None:
    """Run an importer until no package waits to be imported."""
    running = asyncio.create_task(Importer(server, spool_of(data), **asked).run())
    while not running.done() and any(
        p.status in ("initialized", "parsing") for p in server.workspace.state.packages.values()
    ):
        await asyncio.sleep(0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def assert_all_in(server: StandIn) -> None:
    """The log holds every chunk once, in order, and the package is parsed."""
    assert [(event.rows, event.rejected, event.chunk) for event in server.chunks()] == [
        (command.rows, command.rejected, command.chunk) for command in CHUNKS
    ]
    assert server.package().status == "parsed"
    assert server.package().rows + server.package().rejected == ROWS


def test_a_package_is_imported_chunk_by_chunk() -> None:
    server = StandIn()
    server.register()
    asyncio.run(run_until_idle(server))
    assert_all_in(server)
    assert len(server.commands) == len(CHUNKS) + 2


def test_packages_are_imported_in_turn() -> None:
    server = StandIn()
    for digest in ("one", "two", "three"):
        server.register(digest=digest)
    asyncio.run(run_until_idle(server))
    assert [server.package(number).rows for number in (1, 2, 3)] == [server.package().rows] * 3


def test_a_list_with_a_header_alone_is_parsed_with_no_rows() -> None:
    server = StandIn()
    server.register()
    asyncio.run(run_until_idle(server, b"c,v\n"))
    assert (server.package().status, server.package().rows) == ("parsed", 0)


@pytest.mark.parametrize("tells_chunks", [True, False])
@pytest.mark.parametrize("call", range(1, len(CHUNKS) + 4))
def test_it_goes_on_after_the_server_was_away_at_any_call(call: int, tells_chunks: bool) -> None:
    server = StandIn(away_at(call))
    server.tells_chunks = tells_chunks
    server.register()
    asyncio.run(run_until_idle(server))
    assert_all_in(server)


@pytest.mark.parametrize("chunks", range(len(CHUNKS) + 1))
def test_a_new_importer_goes_on_where_a_killed_one_stopped(chunks: int) -> None:
    server = StandIn()
    server.register()
    server.decide(StartParsing(1))
    for command in CHUNKS[:chunks]:
        server.decide(command)
    asyncio.run(run_until_idle(server))
    assert_all_in(server)
    sent = [command.chunk for command in server.commands if isinstance(command, ImportRows)]
    assert sent == list(range(chunks, len(CHUNKS)))


def test_two_importers_at_once_change_nothing_twice() -> None:
    server = StandIn()
    server.register()

    async def both() -> None:
        await asyncio.gather(run_until_idle(server), run_until_idle(server))

    asyncio.run(both())
    assert_all_in(server)


@pytest.mark.parametrize("window", [1, 2, WINDOW, 100])
def test_calls_that_overtake_each_other_still_end_in_order(window: int) -> None:
    server = Overtaking()
    server.register()
    asyncio.run(run_until_idle(server, window=window))
    assert_all_in(server)


class Overtaking(StandIn):
    """Every third chunk takes a longer way."""

    async def send(self, package: int, rows: bytes) -> None:
        for _ in range(20 * (msgspec.json.decode(rows, type=ImportRows).chunk % 3 == 0)):
            await asyncio.sleep(0)
        await super().send(package, rows)


def test_no_more_chunks_are_under_way_than_the_window() -> None:
    under_way = [0, 0]

    class Counting(StandIn):
        async def send(self, package: int, rows: bytes) -> None:
            under_way[0] += 1
            under_way[1] = max(under_way)
            for _ in range(20):
                await asyncio.sleep(0)
            await super().send(package, rows)
            under_way[0] -= 1

    server = Counting()
    server.register()
    asyncio.run(run_until_idle(server, window=3))
    assert under_way == [0, 3]


@pytest.mark.parametrize("at", [0, 1, 9, len(CHUNKS) - 1])
def test_a_package_withdrawn_meanwhile_is_left_alone(at: int) -> None:
    def trouble(command: Command) -> None:
        if isinstance(command, ImportRows) and command.chunk == at and server.package().status == "parsing":
            server.withdraw(1)

    server = StandIn(trouble)
    server.register()
    asyncio.run(run_until_idle(server))
    assert server.package().status == "withdrawn"
    assert len(server.chunks()) <= at and not any(isinstance(event, PackageFailed) for event in server.log)


@pytest.mark.parametrize(
    ("data", "reason"), [(b"c,w\n", "column 'v'"), (b"", "empty"), (DATA.replace(b"c,v", b"\x1f\x8b", 1), "gzip")]
)
def test_a_list_that_cannot_be_read_fails_the_package(data: bytes, reason: str) -> None:
    server = StandIn()
    server.register()
    asyncio.run(run_until_idle(server, data))
    failed = [event for event in server.log if isinstance(event, PackageFailed)]
    assert [reason in event.reason for event in failed] == [True]


def test_a_list_that_is_gone_from_the_spool_fails_the_package() -> None:
    def gone(name: str) -> BinaryIO:
        raise SourceError(f"Expected {name} in the spool")

    assert _failure_with(StandIn(), gone) == "Expected " + "0" * 64 + " in the spool"


def test_a_chunk_that_the_server_will_never_take_fails_the_package() -> None:
    def trouble(command: Command) -> None:
        if isinstance(command, ImportRows):
            raise RefusedError("Expected smaller chunks")

    assert _failure_with(StandIn(trouble), spool_of(DATA)) == "Expected smaller chunks"


def test_a_fault_of_the_importer_fails_the_package_and_not_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def faulty(*_: object, **__: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(importer_module, "read_chunks", faulty)
    assert "ZeroDivisionError" in _failure_with(StandIn(), spool_of(DATA))


def _failure_with(server: StandIn, spool: object) -> str:
    server.register()

    async def once() -> None:
        async for work in server.packages():
            await Importer(server, spool).import_package(work)  # type: ignore[arg-type]

    asyncio.run(once())
    (command,) = [command for command in server.commands if isinstance(command, FailPackage)]
    return command.reason


def test_it_asks_again_for_as_long_as_the_server_is_away() -> None:
    calls = 0

    class Away(StandIn):
        async def packages(self) -> AsyncIterator[object]:  # type: ignore[override]
            nonlocal calls
            calls += 1
            if calls < 50:
                raise ServerAwayError("connection refused")
            async for work in super().packages():
                yield work

    server = Away()
    server.register()
    asyncio.run(run_until_idle(server))
    assert_all_in(server)


def test_what_is_sent_is_what_was_read() -> None:
    for command in CHUNKS:
        assert msgspec.json.decode(msgspec.json.encode(command), type=ImportRows) == command
