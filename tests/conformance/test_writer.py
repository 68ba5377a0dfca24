"""The one writer, on the real log: what it answers is in the log."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from adapters.log.command_queue import OverloadedError
from adapters.log.writer_limits import Limits
from engine import events as ev
from engine.answers import Answer
from engine.commands import ClaimTask, CompleteTask, SetPresence, StartTask
from engine.refusals import Refusal
from tests.conformance.writing import (
    FailingLog,
    order,
    ready,
    until,
    writing,
)
from tests.engine.given import task

CALLERS = 200


def test_answers_are_what_the_log_says(log: FailingLog, workspace_name: str) -> None:
    async def story() -> list[Answer | Refusal]:
        log.create()
        async with writing(log, workspace_name) as writer:
            await ready(writer, log, workspace_name)
            asked = [writer.submit(order(task(customer=f"c{place}"), f"r{place}")) for place in range(CALLERS)]
            told = await asyncio.gather(*asked)
            assert writer.position == log.head() >= max(one.position for one in told if isinstance(one, Answer))
            return told

    told = asyncio.run(story())
    written = {recorded.position: recorded for recorded in log.replay()}
    assert list(written) == list(range(1, len(written) + 1))
    made = {one.request: one for one in written.values() if isinstance(one.event, ev.TaskCreated)}
    assert len(made) == CALLERS
    for place, one in enumerate(told):
        assert isinstance(one, Answer)
        event = made[f"r{place}"].event
        assert isinstance(event, ev.TaskCreated) and event.row.customer == f"c{place}"
        assert (one.number, one.position) == (event.task, made[f"r{place}"].position + 1)  # the pool it went into


def test_what_is_answered_is_durable(log: FailingLog, workspace_name: str) -> None:
    """While an append is under way nobody is answered, and commands go on being decided."""
    go_on = threading.Event()

    async def story() -> None:
        log.create()
        async with writing(log, workspace_name) as writer:
            await ready(writer, log, workspace_name)
            head = writer.position
            log.before = lambda _recorded: go_on.wait(10)
            asked = [asyncio.create_task(writer.submit(order(task()))) for _ in range(30)]
            await until(lambda: writer.state.last_task == 30)
            assert writer.position == head and not any(one.done() for one in asked)
            refused = asyncio.create_task(writer.submit(order(SetPresence("nobody", "away"))))
            await asyncio.sleep(0.05)
            assert not refused.done()  # a refusal rests on what is not durable yet
            go_on.set()
            told = await asyncio.gather(*asked)
            assert isinstance(await refused, Refusal)
            assert all(isinstance(one, Answer) and one.position <= writer.position for one in told)

    asyncio.run(story())


def test_more_than_it_takes_on(log: FailingLog, workspace_name: str) -> None:
    async def story() -> None:
        log.create()
        async with writing(log, workspace_name, limits=Limits(queued_commands=10)) as writer:
            await ready(writer, log, workspace_name)
            told = await asyncio.gather(*(writer.submit(order(task())) for _ in range(40)), return_exceptions=True)
            turned_away = [one for one in told if isinstance(one, OverloadedError)]
            assert len(turned_away) == 30 and "10 wait" in str(turned_away[0])
            assert sum(isinstance(one, Answer) for one in told) == 10
            assert isinstance(await writer.submit(order(task())), Answer)

    asyncio.run(story())
    assert sum(isinstance(one.event, ev.TaskCreated) for one in log.replay()) == 11


def test_a_repeated_request_gets_the_first_answer_after_a_restart(log: FailingLog, workspace_name: str) -> None:
    asked = [
        order(task(), "create"),
        order(ClaimTask("ann"), "claim"),
        order(ClaimTask("ann", 77), "claim-nothing"),
        order(StartTask(1, "bob", 5), "stale"),
        order(CompleteTask(1, "ann", 1), "too-soon"),
    ]

    async def ask() -> list[Answer | Refusal]:
        async with writing(log, workspace_name) as writer:
            if not writer.position:
                await ready(writer, log, workspace_name)
            return [await writer.submit(one) for one in asked]

    log.create()
    first = asyncio.run(ask())
    head = log.head()
    assert [isinstance(one, Answer) for one in first] == [True, True, False, False, False]
    assert asyncio.run(ask()) == first
    assert log.head() == head


def test_a_slow_database_makes_nobody_wait_for_long(log: FailingLog, workspace_name: str) -> None:
    """What comes while an append is under way goes into the next one, however much that is."""
    slow_s, latencies = 0.25, list[float]()

    async def story() -> None:
        log.create()
        async with writing(log, workspace_name) as writer:
            await ready(writer, log, workspace_name)
            log.before = lambda _recorded: time.sleep(slow_s)

            async def ask() -> None:
                for _ in range(4):
                    began = time.monotonic()
                    assert isinstance(await writer.submit(order(task())), Answer)
                    latencies.append(time.monotonic() - began)

            await asyncio.gather(*(ask() for _ in range(50)))

    asyncio.run(story())
    assert len(latencies) == 200 and slow_s < max(latencies) < 8 * slow_s


def test_a_database_too_slow_to_keep_up_with(log: FailingLog, workspace_name: str) -> None:
    """While an append takes longer than anybody is to wait, others are turned away at once."""
    go_on = threading.Event()

    async def story() -> None:
        log.create()
        async with writing(log, workspace_name, limits=Limits(queued_s=0.1)) as writer:
            await ready(writer, log, workspace_name)
            log.before = lambda _recorded: go_on.wait(10)
            first = asyncio.create_task(writer.submit(order(task())))
            await until(lambda: writer.queue.waited() > 0.1)
            began = time.monotonic()
            with pytest.raises(OverloadedError, match="the oldest for"):
                await writer.submit(order(task()))
            assert time.monotonic() - began < 0.05
            go_on.set()
            assert isinstance(await first, Answer) and isinstance(await writer.submit(order(task())), Answer)

    asyncio.run(story())
