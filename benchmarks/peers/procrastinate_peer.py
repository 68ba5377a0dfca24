"""procrastinate: jobs deferred by the batch, and handed out by its own worker until none is left."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from time import perf_counter

import procrastinate
import uvloop
from procrastinate.types import JSONDict

from benchmarks.peers import PeerRun, batches, rows_of

CONCURRENCY = 10


def run(dsn: str, package: Path, jobs: int) -> PeerRun:
    """Raises AssertionError where it did not hand out every job."""
    return uvloop.run(_run(dsn, rows_of(package, jobs)))


async def _run(dsn: str, rows: list[bytes]) -> PeerRun:
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=dsn, max_size=CONCURRENCY + 2))
    seen = [0]

    @app.task(name="job")
    async def take(row: str) -> None:  # noqa: ARG001 - what it is given
        seen[0] += 1

    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        started = perf_counter()
        for batch in batches(rows):
            jobs: list[JSONDict] = [{"row": row.decode()} for row in batch]
            await take.batch_defer_async(*jobs)
        enqueued = perf_counter()
        await app.run_worker_async(wait=False, concurrency=CONCURRENCY, install_signal_handlers=False)
        ended = perf_counter()
    assert seen[0] == len(rows), f"Expected {len(rows)} jobs to be handed out, but {seen[0]} were"
    return PeerRun(f"procrastinate {version('procrastinate')}", len(rows), enqueued - started, ended - enqueued)
