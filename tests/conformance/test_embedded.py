"""The PostgreSQL of our own: one cluster a data directory, there as long as anybody uses it."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from adapters.processes import embedded, shared_server
from adapters.processes.embedded import EmbeddedPostgres
from tests.conformance.writing import until


@pytest.fixture
def data() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="paidan-test-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


def answers(dsn: str) -> bool:
    try:
        with psycopg.connect(dsn) as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False


def test_the_life_of_a_cluster(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shared by two, started again when it dies, also if that fails at first; gone with the last who used it."""
    first, second = EmbeddedPostgres(data), EmbeddedPostgres(data)
    dsn = first.start()
    assert second.start() == dsn and answers(dsn)
    asyncio.run(_killed(first, data, dsn, monkeypatch))
    first.stop()
    assert second.is_running() and answers(dsn)
    second.stop()
    assert not answers(dsn)
    second.stop()


async def _killed(cluster: EmbeddedPostgres, data: Path, dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    start, failures = embedded.start_postgres, [subprocess.TimeoutExpired("pg_ctl", 10)]

    def failing_once(directory: Path) -> str:
        if failures:
            raise failures.pop()
        return start(directory)

    monkeypatch.setattr(embedded, "start_postgres", failing_once)
    monkeypatch.setattr(shared_server, "WATCH_S", 0.05)
    keeping = asyncio.create_task(cluster.keep_running())
    postmaster = psutil.Process(int((data / "postgres" / "postmaster.pid").read_text().split()[0]))
    os.kill(postmaster.pid, signal.SIGKILL)
    await asyncio.to_thread(postmaster.wait, 10)
    await until(lambda: not failures and answers(dsn))
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)


def test_a_cluster_that_died_can_be_stopped(data: Path) -> None:
    cluster = EmbeddedPostgres(data)
    cluster.start()
    embedded.stop_postgres(data)
    cluster.stop()
