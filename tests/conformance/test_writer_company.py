"""The writer and how many ask: callers share appends, one alone is not kept waiting, bulk work makes way."""

from __future__ import annotations

import asyncio
import time
from statistics import median

import pytest

from adapters.log.writer_limits import Limits
from engine.answers import Answer
from engine.commands import SetPresence
from engine.events import TasksAllocated
from engine.reactions import ROUND
from tests.conformance.writing import FailingLog, order, prepared, ready, until, writing
from tests.engine.given import package, row, task

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


@pytest.mark.parametrize(("lately", "largest"), [(60.0, 50), (-1.0, ROUND)], ids=["while-people-ask", "alone"])
def test_bulk_work_takes_small_steps_while_people_ask(
    log: FailingLog, workspace_name: str, monkeypatch: pytest.MonkeyPatch, lately: float, largest: int
) -> None:
    """A call may wait for a step at each turn that it takes."""
    monkeypatch.setattr("adapters.log.writer.LATELY_S", lately)

    async def story() -> None:
        log.create()
        async with writing(log, workspace_name, limits=Limits(asked_step=50)) as writer:
            for one in prepared(log, workspace_name, method="push"):
                await writer.submit(one)
            await writer.submit(order(SetPresence("bob", "busy")))
            for command in package([row(line) for line in range(ROUND + 100)]):
                await writer.submit(order(command))
            await until(lambda: writer.state.packages[1].status == "distributed")
            await writer.wait_beyond(writer.state.position - 1)  # what is decided is not durable at once

    asyncio.run(story())
    steps = [len(one.event.tasks) for one in log.replay() if isinstance(one.event, TasksAllocated)]
    assert sum(steps) == ROUND + 100 and max(steps) == largest
