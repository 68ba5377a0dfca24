"""The one writer coming to its end, and callers who leave."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest

from adapters.log.writer import NotServingError, Writer
from adapters.log.writer_limits import Limits
from engine import events as ev
from engine.answers import Answer
from engine.events import Recorded
from engine.refusals import Refusal
from tests.conformance.writing import (
    FailingLog,
    order,
    ready,
    writing,
)
from tests.engine.given import rule, rules, task

CALLERS = 200


def test_closing_finishes_what_was_accepted(log: FailingLog, workspace_name: str) -> None:
    async def story() -> list[Answer | Refusal]:
        log.create()
        writer = Writer(log, workspace_name)
        await writer.open()
        await ready(writer, log, workspace_name)
        asked = [asyncio.create_task(writer.submit(order(task(), f"r{place}"))) for place in range(CALLERS)]
        await asyncio.sleep(0)
        await writer.close()
        assert all(one.done() for one in asked)
        with pytest.raises(NotServingError, match="stands by"):
            await writer.submit(order(task()))
        return await asyncio.gather(*asked)

    told = asyncio.run(story())
    assert all(isinstance(one, Answer) for one in told)
    assert sum(isinstance(one.event, ev.TaskCreated) for one in log.replay()) == CALLERS


def test_closing_lets_an_append_under_way_come_to_its_end(log: FailingLog, workspace_name: str) -> None:
    """Also one that nobody waits for; whoever closes the log next must not cut it off."""
    held, go_on = threading.Event(), threading.Event()

    def hold(recorded: Sequence[Recorded]) -> None:
        if isinstance(recorded[-1].event, ev.TasksAllocated):
            held.set()
            go_on.wait(10)

    async def story() -> None:
        log.create()
        log.before = hold
        writer = Writer(log, workspace_name, limits=Limits(rest_ms=50))
        await writer.open()
        await ready(writer, log, workspace_name)
        await writer.submit(order(task()))
        await writer.submit(order(rules(rule(), workspace=workspace_name)))
        await asyncio.to_thread(held.wait, 10)
        asyncio.get_running_loop().call_later(0.1, go_on.set)
        await writer.close()
        assert go_on.is_set() and isinstance(log.read(log.head() - 1, 1)[0].event, ev.TasksAllocated)

    asyncio.run(story())


def test_a_caller_who_leaves_does_not_take_the_command_along(log: FailingLog, workspace_name: str) -> None:
    async def story() -> None:
        log.create()
        async with writing(log, workspace_name) as writer:
            await ready(writer, log, workspace_name)
            asked = asyncio.create_task(writer.submit(order(task(), "gone")))
            await asyncio.sleep(0)
            asked.cancel()
            told = await writer.submit(order(task(), "gone"))
            assert isinstance(told, Answer) and told.number == 1

    asyncio.run(story())
