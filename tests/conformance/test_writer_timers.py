"""The one writer and time: what comes due by itself, and who waits for the log to move."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import time_ns

from adapters.log.writer import Writer
from adapters.log.writer_limits import Limits
from engine import events as ev
from engine.answers import Answer
from engine.commands import SetPresence
from tests.conformance.writing import (
    PATIENCE_S,
    FailingLog,
    order,
    ready,
    until,
    writing,
)
from tests.engine.given import package, row, rule, rules, task


class Clock:
    """The wall's, put forward."""

    leap = 0
    """Milliseconds."""

    def __call__(self) -> int:
        return time_ns() // 1_000_000 + self.leap


@asynccontextmanager
async def relaxing(log: FailingLog, workspace: str, clock: Clock) -> AsyncIterator[Writer]:
    """A writer under rules that nobody meets until a task has waited for ten minutes."""
    log.create()
    async with writing(log, workspace, clock) as writer:
        await ready(writer, log, workspace)
        wide = [{"after": "10m", "targets": "true"}]
        await writer.submit(order(rules(rule(targets='agent.team == "north"', relax=wide), workspace=workspace)))
        yield writer


def test_timers_come_due_without_commands(log: FailingLog, workspace_name: str) -> None:
    """Nobody asks for anything, yet a relax step is taken when its time comes."""
    clock = Clock()

    async def story() -> None:
        async with relaxing(log, workspace_name, clock) as writer:
            made = await writer.submit(order(task()))
            assert isinstance(made, Answer)
            clock.leap = 599_900
            await writer.submit(order(SetPresence("bob", "away")))  # the clock was put forward: have it looked at
            assert writer.state.tasks[1].stage == 0
            await until(lambda: writer.state.tasks[1].agent == "ann")
            await writer.wait_beyond(writer.state.position - 1)

    asyncio.run(story())
    ends = [(type(one.event), one.actor) for one in log.replay()][-2:]
    assert ends == [(ev.TasksRelaxed, "paidan"), (ev.TasksAllocated, "paidan")]


def test_timers_come_due_however_much_there_is_to_do(log: FailingLog, workspace_name: str) -> None:
    clock = Clock()

    async def story() -> None:
        async with relaxing(log, workspace_name, clock) as writer:
            await writer.submit(order(task()))

            async def busy() -> None:
                while writer.state.tasks[1].stage == 0:
                    await writer.submit(order(SetPresence("bob", "available")))

            clock.leap = 600_001
            await asyncio.wait_for(asyncio.gather(*(busy() for _ in range(32))), PATIENCE_S)

    asyncio.run(story())
    assert any(isinstance(one.event, ev.TasksRelaxed) for one in log.replay())


def test_many_that_come_due_at_once_are_taken_in_small_steps_while_people_ask(
    log: FailingLog, workspace_name: str
) -> None:
    clock, waiting = Clock(), 1_000

    async def story() -> None:
        async with relaxing(log, workspace_name, clock) as writer:
            for command in package([row(line) for line in range(waiting)]):
                await writer.submit(order(command))
            await until(lambda: len(writer.state.timers) == waiting)
            clock.leap = 700_000
            while len(writer.state.timers):
                await writer.submit(order(SetPresence("bob", "available")))
            await writer.wait_beyond(writer.state.position - 1)  # what is decided is not durable at once

    asyncio.run(story())
    steps = [len(one.event.tasks) for one in log.replay() if isinstance(one.event, ev.TasksRelaxed)]
    assert sum(steps) == waiting
    assert min(steps) <= Limits().asked_step < max(map(len, _packages_of(log))), "no smaller than what nobody waits for"


def _packages_of(log: FailingLog) -> list[tuple[int, ...]]:
    """Tasks of each step in which rows were put into pools."""
    pooled = (one.event for one in log.replay() if isinstance(one.event, ev.TasksPooled))
    return [placement.tasks for event in pooled for placement in event.placements]


def test_waiting_for_the_log_to_move(log: FailingLog, workspace_name: str) -> None:
    async def story() -> None:
        log.create()
        async with writing(log, workspace_name) as writer:
            await ready(writer, log, workspace_name)
            head = writer.position
            assert await writer.wait_beyond(head - 1) == head
            waiting = [asyncio.create_task(writer.wait_beyond(head)) for _ in range(5)]
            await asyncio.sleep(0.02)
            assert not any(one.done() for one in waiting)
            await writer.submit(order(task()))
            assert all([position > head for position in await asyncio.gather(*waiting)])

    asyncio.run(story())
