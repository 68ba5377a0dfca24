"""Who owns a workspace: taken over from the dead and from the stalled, and never held by a session that is gone."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from time import monotonic

import psycopg
import pytest

from adapters.log.connection import AsyncConnection
from adapters.log.event_log import ConflictError, EventLog
from adapters.log.holder import GAP_S, STALL_S, Holder
from adapters.log.ownership import lock_key
from adapters.log.writer import NotServingError, Writer
from engine import events as ev
from engine.answers import Answer
from engine.commands import StartTask
from engine.refusals import Refusal
from tests.conformance.writing import (
    PATIENCE_S,
    FailingLog,
    cut_owner,
    insisting,
    order,
    owning,
    prepared,
    ready,
    writing,
)
from tests.engine.given import task


class Clock:
    """A clock that is put forward by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


async def lock(dsn: str, workspace: str) -> AsyncConnection:
    """A session that holds the workspace's lock, and does nothing else unless told to."""
    connection = await AsyncConnection.connect(dsn, autocommit=True)
    await connection.execute("SELECT pg_advisory_lock(%s)", (lock_key(workspace),))
    return connection


def test_only_a_holder_whose_heart_stands_still_is_ended(postgres: str, workspace_name: str) -> None:
    async def story() -> None:
        clock = Clock()
        async with AsyncExitStack() as stack:
            watching = await stack.enter_async_context(await AsyncConnection.connect(postgres, autocommit=True))
            holding = await stack.enter_async_context(await lock(postgres, workspace_name))
            holder = Holder(lock_key(workspace_name), clock)

            async def looks(seconds: float, beats: bool) -> bool:
                end = clock.now + seconds
                while clock.now < end:
                    clock.now += 0.5
                    if beats:
                        await holding.execute("SELECT 1")
                    if await holder.end_if_stalled(watching):
                        return True
                return False

            assert not await looks(3 * STALL_S, beats=True)
            assert not await looks(STALL_S, beats=False)
            clock.now += GAP_S + 0.1  # who watches stood still himself
            assert not await looks(STALL_S, beats=False)
            assert await looks(1.0, beats=False)
            with pytest.raises(psycopg.OperationalError):
                await holding.execute("SELECT 1")

    asyncio.run(story())


def test_a_stalled_owner_is_succeeded_within_five_seconds(log: FailingLog, postgres: str, workspace_name: str) -> None:
    async def story() -> None:
        log.create()
        stalled = await lock(postgres, workspace_name)
        began = monotonic()
        async with owning(postgres, workspace_name, log) as (writer, owned):
            assert owned == [True] and STALL_S < monotonic() - began < 5
            await ready(writer, log, workspace_name)
        with pytest.raises(psycopg.OperationalError):
            await stalled.execute("SELECT 1")

    asyncio.run(story())


def test_an_owner_whose_session_ended_stops_answering(log: FailingLog, postgres: str, workspace_name: str) -> None:
    """At once, not at its next heartbeat; and what waits for an append that is held up is told to ask again."""
    held = asyncio.Event()

    async def story() -> None:
        log.create()
        async with owning(postgres, workspace_name, log) as (writer, owned):
            await ready(writer, log, workspace_name)
            loop = asyncio.get_running_loop()
            log.before = lambda _: asyncio.run_coroutine_threadsafe(held.wait(), loop).result(10)
            asked = asyncio.create_task(writer.submit(order(task(), "mine")))
            await asyncio.sleep(0.05)
            theirs = await asyncio.to_thread(cut_owner, postgres, workspace_name)
            began = monotonic()
            with pytest.raises(NotServingError, match="its session at PostgreSQL ended"):
                await asked
            assert theirs == 1 and monotonic() - began < 0.7
            held.set()
            told = await insisting(lambda: writer.submit(order(task(), "mine")))
            assert isinstance(told, Answer) and told.number == 1 and owned == [True, False, True]

    asyncio.run(story())
    assert sum(isinstance(one.event, ev.TaskCreated) for one in log.replay()) == 1


def test_two_stand_by_and_each_has_its_turn(log: FailingLog, postgres: str, workspace_name: str) -> None:
    async def story() -> None:
        log.create()
        logs = [EventLog(postgres, workspace_name) for _ in range(2)]
        async with AsyncExitStack() as stack:
            writer, _ = await stack.enter_async_context(owning(postgres, workspace_name, log))
            await ready(writer, log, workspace_name)
            waiting = [owning(postgres, workspace_name, one, at_once=False) for one in logs]
            writers = [writer, *[(await stack.enter_async_context(one))[0] for one in waiting]]
            for turn in range(4):
                told = await insisting(lambda turn=turn: _any_of(writers, turn))  # type: ignore[misc]
                assert isinstance(told, Answer) and told.number == turn + 1
                await _cut(postgres, workspace_name)
        for one in logs:
            one.close()

    asyncio.run(story())


async def _cut(postgres: str, workspace: str) -> None:
    """End the owner's session. Who was just cut off may answer once more before he hears of it: then nobody owns yet."""
    end = monotonic() + PATIENCE_S
    while not (ended := await asyncio.to_thread(cut_owner, postgres, workspace)):
        assert monotonic() < end
        await asyncio.sleep(0.05)
    assert ended == 1


async def _any_of(writers: list[Writer], turn: int) -> Answer | Refusal:
    for one in writers:
        try:
            return await one.submit(order(task(), f"turn-{turn}"))
        except NotServingError:
            continue
    raise NotServingError("Expected one of them to own the workspace")


def test_a_refusal_of_an_owner_that_was_succeeded_is_not_told(log: FailingLog, workspace_name: str) -> None:
    """It rests on a state that is no longer the last: the task is there by now."""

    async def story() -> None:
        log.create()
        other = EventLog(log._dsn, workspace_name)
        async with writing(log, workspace_name) as writer:
            await ready(writer, log, workspace_name)
            async with writing(other, workspace_name) as successor:
                assert isinstance(await successor.submit(order(task())), Answer)
            with pytest.raises(NotServingError, match="to end at position"):
                await writer.submit(order(StartTask(1, "ann", 5)))
            assert writer.lost.is_set()
        with pytest.raises(ConflictError):
            log.confirm(1)
        other.close()

    asyncio.run(story())


def test_who_stands_by_has_the_state_at_hand(log: FailingLog, postgres: str, workspace_name: str) -> None:
    async def story() -> None:
        log.create()
        following = Counting(postgres, workspace_name)
        standing_by = Writer(following, workspace_name)
        async with writing(log, workspace_name) as writer:
            for one in prepared(log, workspace_name):
                await writer.submit(one)
            await standing_by.follow()
            for _ in range(3):
                await writer.submit(order(task()))
        read = following.events
        await standing_by.open()
        assert read >= 2 and following.events == log.head() and standing_by.state.last_task == 3
        await standing_by.close()
        following.close()

    asyncio.run(story())


class Counting(EventLog):
    """Counts the events it read."""

    events = 0

    def read(self, after: int, limit: int) -> list[ev.Recorded]:
        found = super().read(after, limit)
        self.events += len(found)
        return found


def test_the_heart_beats_while_the_state_is_built(log: FailingLog, postgres: str, workspace_name: str) -> None:
    """However long that takes, nobody who stands by takes it for a stall."""

    async def story() -> None:
        log.create()
        slow, holder = Slow(postgres, workspace_name), Holder(lock_key(workspace_name))
        async with AsyncExitStack() as stack:
            watching = await stack.enter_async_context(await AsyncConnection.connect(postgres, autocommit=True))
            writer, owned = await stack.enter_async_context(owning(postgres, workspace_name, slow, at_once=False))
            while not owned:
                assert not await holder.end_if_stalled(watching)
                await asyncio.sleep(0.2)
            assert slow.reads and writer.position == 0
        slow.close()

    asyncio.run(story())


class Slow(EventLog):
    """Takes longer to be read than a heart may stand still, and is busy all the time."""

    reads = 0

    def read(self, after: int, limit: int) -> list[ev.Recorded]:
        self.reads += 1
        end = monotonic() + STALL_S + 1
        while monotonic() < end:
            pass
        return super().read(after, limit)
