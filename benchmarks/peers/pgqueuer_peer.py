"""PgQueuer: jobs enqueued by the batch through asyncpg, and handed out by its own queue manager until none is left."""

from __future__ import annotations

import asyncio
from importlib.metadata import version
from pathlib import Path
from time import perf_counter

import asyncpg  # type: ignore[import-untyped]
import uvloop
from pgqueuer import AsyncpgDriver, Job, Queries, QueueManager
from pgqueuer.types import QueueExecutionMode
from psycopg.conninfo import conninfo_to_dict

from benchmarks.peers import PeerRun, batches, rows_of

TAKEN_AT_ONCE = 500


def run(dsn: str, package: Path, jobs: int) -> PeerRun:
    """Raises AssertionError where it did not hand out every job."""
    return uvloop.run(_run(dsn, rows_of(package, jobs)))


async def _run(dsn: str, rows: list[bytes]) -> PeerRun:
    known = conninfo_to_dict(dsn)
    connection = await asyncpg.connect(
        host=known.get("host"), port=known.get("port"), user=known.get("user"), database=known.get("dbname"),
        password=known.get("password"),
    )  # fmt: skip
    driver = AsyncpgDriver(connection)
    await Queries(driver).install()
    started = perf_counter()
    for batch in batches(rows):
        await Queries(driver).enqueue(["job"] * len(batch), list(batch), [0] * len(batch))
    enqueued = perf_counter()
    await _hand_out(driver, len(rows))
    return PeerRun(f"PgQueuer {version('pgqueuer')}", len(rows), enqueued - started, perf_counter() - enqueued)


async def _hand_out(driver: AsyncpgDriver, expected: int) -> None:
    manager, seen = QueueManager(Queries(driver)), [0]

    @manager.entrypoint("job")
    async def take(_job: Job) -> None:
        seen[0] += 1

    async with asyncio.timeout(3_600):
        await manager.run(batch_size=TAKEN_AT_ONCE, mode=QueueExecutionMode.drain)
    assert seen[0] == expected, f"Expected {expected} jobs to be handed out, but {seen[0]} were"
