"""Callers who ask at once share appends; one who asks alone is not kept waiting for company."""

from __future__ import annotations

import asyncio
import time
from statistics import median

from adapters.log.writer_limits import Limits
from engine.answers import Answer
from tests.conformance.writing import FailingLog, order, ready, writing
from tests.engine.given import task

CALLERS, TIMES = 40, 10


def test_callers_who_ask_at_once_share_appends(log: FailingLog, workspace_name: str) -> None:
    """Those who come one after another, a little apart, go into one append all the same."""
    events: list[int] = []

    async def story() -> None:
        log.create()
        async with writing(log, workspace_name, limits=Limits(gather_ms=1_000)) as writer:
            await ready(writer, log, workspace_name)
            log.before = lambda recorded: events.append(len(recorded))

            async def ask() -> None:
                for _ in range(TIMES):
                    assert isinstance(await writer.submit(order(task())), Answer)

            await asyncio.gather(*(ask() for _ in range(CALLERS)))

    log.create()
    asyncio.run(story())
    assert sum(events) == 2 * CALLERS * TIMES
    assert median(events) >= CALLERS  # of the 2 x 40 that are under way at a time


def test_one_who_asks_alone_does_not_wait(log: FailingLog, workspace_name: str) -> None:
    async def story() -> float:
        log.create()
        async with writing(log, workspace_name, limits=Limits(gather_ms=60_000)) as writer:
            await ready(writer, log, workspace_name)
            await asyncio.gather(*(writer.submit(order(task())) for _ in range(20)))
            began = time.monotonic()
            await writer.submit(order(task()))
            return time.monotonic() - began

    assert asyncio.run(story()) < 5
