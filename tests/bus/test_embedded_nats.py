"""The NATS of our own: one server a data directory, there as long as anybody uses it, on a port that stays."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import nats
import psutil
import pytest
from nats.js.api import StreamConfig

from adapters.processes import embedded_nats, shared_server
from adapters.processes.embedded_nats import EmbeddedNats
from tests.bus.publishing import until


@pytest.fixture
def data() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="paidan test ü-"))
    yield made
    embedded_nats.stop_nats(made)
    shutil.rmtree(made, ignore_errors=True)


def pid_of(data: Path) -> int:
    return int((data / "nats" / "pid").read_text())


def kill(data: Path) -> None:
    process = psutil.Process(pid_of(data))
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)


async def _answers(url: str) -> bool:
    try:
        client = await nats.connect(url, allow_reconnect=False, max_reconnect_attempts=1, reconnect_time_wait=0)
    except (OSError, nats.errors.Error):
        return False
    jetstream = (await client.jetstream().account_info()) is not None
    await client.close()
    return jetstream


def answers(url: str) -> bool:
    return asyncio.run(_answers(url))


def test_the_life_of_a_server(data: Path) -> None:
    """Shared by two, gone with the last who used it, and there again on the same port."""
    first, second = EmbeddedNats(data), EmbeddedNats(data)
    url = first.start()
    assert url.startswith("nats://127.0.0.1:") and second.start() == url and answers(url)
    first.stop()
    assert second.is_running() and answers(url)
    second.stop()
    assert not second.is_running() and not answers(url)
    second.stop()
    assert first.start() == url
    first.stop()


def test_it_is_started_again_when_it_dies(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = EmbeddedNats(data)
    url = server.start()
    monkeypatch.setattr(shared_server, "WATCH_S", 0.05)
    start, failures = embedded_nats.start_nats, [RuntimeError("no room")]

    def failing_once(directory: Path) -> str:
        if failures:
            raise failures.pop()
        return start(directory)

    async def killed() -> None:
        keeping = asyncio.create_task(server.keep_running())
        before = pid_of(data)
        await asyncio.to_thread(kill, data)
        await asyncio.to_thread(until, lambda: pid_of(data) != before and answers(url))
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)

    monkeypatch.setattr(embedded_nats, "start_nats", failing_once)
    asyncio.run(killed())
    assert not failures
    server.stop()


def test_what_was_acknowledged_survives_a_kill(data: Path) -> None:
    server = EmbeddedNats(data)

    async def put(url: str) -> None:
        client = await nats.connect(url)
        js = client.jetstream()
        await js.add_stream(StreamConfig(name="kept", subjects=["kept"]))
        for number in range(200):
            assert (await js.publish("kept", b"%d" % number)).seq == number + 1
        kill(data)
        await client.close()

    async def count(url: str) -> int:
        client = await nats.connect(url)
        found = (await client.jetstream().stream_info("kept")).state.messages
        await client.close()
        return found

    asyncio.run(put(server.start()))
    assert asyncio.run(count(server.start())) == 200
    server.stop()


def test_after_a_kill_of_whoever_started_it_the_next_start_finds_it(data: Path) -> None:
    """The lock of a dead process is free, the server still runs."""
    url = EmbeddedNats(data).start()
    before = pid_of(data)
    next_one = EmbeddedNats(data)
    assert next_one.start() == url and pid_of(data) == before
    next_one.stop()


def test_directories_have_servers_of_their_own(data: Path) -> None:
    servers = [EmbeddedNats(data / name) for name in "abc"]
    try:
        assert len({server.start() for server in servers}) == 3
    finally:
        for server in servers:
            server.stop()


def test_a_port_taken_meanwhile_is_given_up(data: Path) -> None:
    server = EmbeddedNats(data)
    url = server.start()
    server.stop()
    with socket.create_server(("127.0.0.1", int(url.rpartition(":")[2]))):
        other = server.start()
        assert other != url and answers(other)
        server.stop()


def test_a_pid_that_now_is_another_program_is_not_taken_for_it(data: Path) -> None:
    server = EmbeddedNats(data)
    server.start()
    server.stop()
    (data / "nats" / "pid").write_text(str(os.getpid()))
    assert not server.is_running()
    (data / "nats" / "pid").write_text("garbage")
    (data / "nats" / "nats.conf").write_text("{")
    assert answers(server.start())
    server.stop()


def test_a_server_that_cannot_start_says_where_to_look(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_nats, "SYNC_INTERVAL", "nonsense")
    with pytest.raises(RuntimeError, match=r"Expected NATS to start, but it ended with 1; see .*log"):
        EmbeddedNats(data).start()
