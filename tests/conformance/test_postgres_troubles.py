"""PostgreSQL frozen, full, read-only, without room for a connection, or away: callers are told so in bounded time,
and the server goes on by itself once it has passed. What was acknowledged is there.
"""

from __future__ import annotations

import asyncio
import os
import re
import resource
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random
from time import monotonic

import psutil
import psycopg
import pytest

from adapters.log.connection import CONNECT_S
from adapters.log.writer import NotServingError, Writer
from adapters.processes.embedded import start_postgres, stop_postgres
from engine import events as ev
from engine.answers import Answer
from tests.conformance.writing import FailingLog, cut_log, cut_owner, insisting, order, owning, ready
from tests.engine.given import task

Trouble = Callable[[Path, str], "ExitStack"]
Story = Callable[[Writer, dict[str, int]], Awaitable[None]]
"""Of a writer, and the tasks it told its callers of, by request."""
BOUND_S = CONNECT_S + 2.0
"""A caller knows by then: his command may have waited for the heartbeat that failed, and new ones are turned away."""
RECOVERED_S = 12.0


@pytest.fixture(scope="module")
def cluster() -> Iterator[Path]:
    """A cluster of this module's own, to be ill-treated."""
    with directory() as data:
        start_postgres(data)
        yield data
        stop_postgres(data)


@contextmanager
def directory() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="paidan-trouble-"))
    made.chmod(0o755)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def processes(data: Path) -> list[psutil.Process]:
    """The postmaster and all its children."""
    postmaster = psutil.Process(int((data / "postgres" / "postmaster.pid").read_text().split()[0]))
    return [postmaster, *postmaster.children(recursive=True)]


def frozen(data: Path, dsn: str) -> ExitStack:
    stack, stopped = ExitStack(), processes(data)
    for one in stopped:
        one.send_signal(signal.SIGSTOP)
        stack.callback(one.send_signal, signal.SIGCONT)
    return stack


def read_only(data: Path, dsn: str) -> ExitStack:
    stack = ExitStack()
    _configure(dsn, "ALTER SYSTEM SET default_transaction_read_only = on")
    stack.callback(_configure, dsn, "ALTER SYSTEM RESET default_transaction_read_only")
    return stack


def _configure(dsn: str, statement: str) -> None:
    with psycopg.connect(dsn, autocommit=True, options="-c default_transaction_read_only=off") as connection:
        connection.execute(statement.encode())
        connection.execute("SELECT pg_reload_conf()")


def without_room(data: Path, dsn: str) -> ExitStack:
    """Every connection is somebody else's."""
    stack = ExitStack()
    connected = [psycopg.connect(dsn, autocommit=True)]
    stack.callback(_close, connected)
    _take_all(dsn, connected)
    connected[0].execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name IN ('paidan-owner', 'paidan-log')"
    )
    _take_all(dsn, connected)
    return stack


def _close(connected: list[psycopg.Connection]) -> None:
    for one in connected:
        one.close()


def _take_all(dsn: str, connected: list[psycopg.Connection]) -> None:
    with pytest.raises(psycopg.OperationalError, match="too many clients already"):
        while True:
            connected.append(psycopg.connect(dsn, autocommit=True))


def files_cannot_grow(data: Path, dsn: str) -> ExitStack:
    """To a table it is as a full disk; a segment of PostgreSQL's own log, 16 MB, has room."""
    stack, limit = ExitStack(), resource.getrlimit(resource.RLIMIT_FSIZE)
    stop_postgres(data)
    resource.setrlimit(resource.RLIMIT_FSIZE, (17 << 20, limit[1]))
    start_postgres(data)
    resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    stack.callback(start_postgres, data)
    stack.callback(stop_postgres, data)
    return stack


def stopped(data: Path, dsn: str) -> ExitStack:
    stack = ExitStack()
    stop_postgres(data)
    stack.callback(start_postgres, data)
    return stack


ENDED = "its session at PostgreSQL ended"
TROUBLES = {frozen: ENDED, read_only: "read-only", without_room: ENDED, files_cannot_grow: "too large", stopped: ENDED}


@pytest.mark.parametrize(("trouble", "says"), TROUBLES.items())
def test_it_passes(cluster: Path, workspace_name: str, trouble: Trouble, says: str) -> None:
    dsn = start_postgres(cluster)

    async def story(writer: Writer, told: dict[str, int]) -> None:
        await _create(writer, "before", told)
        with trouble(cluster, dsn):
            await _told_that(says, writer, told)
            for _ in range(10):
                began = monotonic()
                with pytest.raises(NotServingError):
                    await _create(writer, "still", {})
                assert monotonic() - began < BOUND_S
        began = monotonic()
        await _create(writer, "afterwards", told)
        assert monotonic() - began < RECOVERED_S

    told, created = _lived(dsn, workspace_name, story)
    assert created.items() >= told.items()


def _lived(dsn: str, workspace: str, story: Story) -> tuple[dict[str, int], dict[str, int]]:
    """Tasks by request after the story of a writer that owns its workspace: as callers were told, as the log has it."""
    log, told = FailingLog(dsn, workspace), dict[str, int]()

    async def living() -> None:
        log.create()
        async with owning(dsn, workspace, log) as (writer, _):
            await ready(writer, log, workspace)
            await story(writer, told)

    asyncio.run(living())
    created = {one.request: one.event.task for one in log.replay() if isinstance(one.event, ev.TaskCreated)}
    log.close()
    return told, created


async def _told_that(says: str, writer: Writer, told: dict[str, int]) -> None:
    """Ask until somebody is told; each answer comes in bounded time."""
    for turn in range(500):
        began = monotonic()
        try:
            await _create(writer, f"meanwhile-{turn}", told)
        except NotServingError as error:
            if re.search(says, str(error)):
                return
            await asyncio.sleep(0.05)
        finally:
            assert monotonic() - began < BOUND_S
    raise AssertionError(f"Expected somebody to be told of {says!r}")


async def _create(writer: Writer, name: str, told: dict[str, int]) -> None:
    """Big enough for a file to have to grow soon."""
    wide = Random(name).randbytes(200_000).hex()
    asked = order(task(customer=wide), name)  # of 400 KB
    answer = await (insisting(lambda: writer.submit(asked)) if name == "afterwards" else writer.submit(asked))
    assert isinstance(answer, Answer) and answer.number
    told[name] = answer.number


def test_a_disk_that_is_really_full(workspace_name: str) -> None:
    """PostgreSQL may refuse an append or go down wholly; when there is room again, all that was acknowledged is there."""
    with directory() as data, _small_disk(data):

        async def story(writer: Writer, told: dict[str, int]) -> None:
            _fill(data / "ballast")
            await _told_that("No space left on device|server closed the connection", writer, told)
            (data / "ballast").unlink()
            start_postgres(data)  # as `paidan serve` does with its own, should it be down
            await _create(writer, "afterwards", told)

        told, created = _lived(start_postgres(data), workspace_name, story)
        assert len(told) > 1 and created.items() >= told.items()
        stop_postgres(data)


@contextmanager
def _small_disk(at: Path) -> Iterator[None]:
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=160m,mode=755", "tmpfs", str(at)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip(f"a disk of its own cannot be mounted here: {mounted.stderr.decode().strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(at)], check=True)


def _fill(ballast: Path) -> None:
    """All but a megabyte."""
    room = os.statvfs(ballast.parent)
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, room.f_bavail * room.f_frsize - (1 << 20))


def test_cut_all_at_once(cluster: Path, workspace_name: str) -> None:
    """The log's connection and the owner's session, under load."""
    dsn = start_postgres(cluster)

    async def story(writer: Writer, told: dict[str, int]) -> None:
        for turn in range(3):
            for cut in (cut_log, cut_owner):
                await asyncio.to_thread(cut, dsn, workspace_name)
            asked = order(task(), f"turn-{turn}")
            answer = await insisting(lambda asked=asked: writer.submit(asked))  # type: ignore[misc]
            assert isinstance(answer, Answer) and answer.number
            told[asked.request] = answer.number

    told, created = _lived(dsn, workspace_name, story)
    assert created == told == {"turn-0": 1, "turn-1": 2, "turn-2": 3}
