"""Gates, turns and the writer's queue by themselves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from types import SimpleNamespace
from typing import Any, cast

import pytest

from adapters.grpc_api.call_classes import Gates
from adapters.grpc_api.connections import close_connection, is_local
from adapters.grpc_api.failures import Failure
from adapters.grpc_api.gates import Gate, Turns
from adapters.grpc_api.job_turns import JobTurns
from adapters.grpc_api.uploads import in_time
from adapters.log.command_queue import CommandQueue, LateError, OverloadedError, Queued
from adapters.settings.limits import Limits
from engine.answers import Answer
from engine.commands import Order, WithdrawPackage

ORDER = Order(WithdrawPackage(1), "tester", "", "")


def test_a_gate_lets_in_as_many_as_there_is_room_for() -> None:
    gate = Gate("things", 2)
    gate.enter("a")
    gate.enter("a")
    with pytest.raises(Failure, match="fewer than 2 things"):
        gate.enter("b")
    gate.leave("a")
    gate.enter("b")
    assert (gate.inside, gate.refused) == (2, 1)


def test_one_connection_has_its_share() -> None:
    gate = Gate("things", 3, 1)
    gate.enter("a")
    with pytest.raises(Failure, match="on one connection") as refused:
        gate.enter("a")
    assert refused.value.retry_after and refused.value.kind == "overloaded"
    gate.enter("b")
    gate.leave("a")
    gate.enter("a")


def test_every_class_of_calls_has_a_gate() -> None:
    gates = Gates(Limits())
    package, task, importer = "/paidan.v1.PackageService/", "/paidan.v1.TaskService/", "/paidan.v1.ImporterService/"
    assert gates.of(task + "ClaimTask", False) is gates.commands
    assert gates.of(task + "ListTasks", False) is gates.of(task + "GetTask", False) is gates.queries
    assert gates.of(package + "UploadPackage", False) is gates.of(package + "ImportPackage", False) is gates.lists
    assert gates.of(package + "WatchPackage", True) is gates.streams
    assert gates.of(importer + "WatchPackagesToImport", True) is gates.of(importer + "ImportRows", False)
    assert gates.of(importer + "ImportRows", False) is gates.importer


def test_turns() -> None:
    async def story() -> None:
        turns, held, order = Turns("jobs", 1, 1, 5.0), asyncio.Event(), list[str]()

        async def work(name: str) -> None:
            async with turns.turn():
                order.append(name)
                await held.wait()

        working = [asyncio.create_task(work(name)) for name in ("first", "second")]
        await asyncio.sleep(0)
        with pytest.raises(Failure, match="fewer jobs to wait, but 1 do") as refused:
            await work("third")
        assert refused.value.reason == "TOO_MANY_JOBS" and order == ["first"]
        held.set()
        await asyncio.gather(*working)
        assert order == ["first", "second"] and (turns.waiting, turns.refused) == (0, 1)
        await work("fourth")

    asyncio.run(story())


def test_a_turn_that_does_not_come_in_time() -> None:
    async def story() -> None:
        turns = Turns("jobs", 1, 1, 0.01)
        async with turns.turn():
            with pytest.raises(Failure, match=r"within 0.01 s"):
                await turns.turn().__aenter__()
        async with turns.turn():
            assert turns.waiting == 0

    asyncio.run(story())


class OneJob:
    """Explains when it is told to; verifies for ever."""

    def __init__(self) -> None:
        self.go, self.ended = asyncio.Event(), False

    async def explain(self, task: int, grant: int) -> int:
        await self.go.wait()
        return task

    async def verify(self) -> AsyncIterator[int]:
        try:
            while True:
                yield 1
        finally:
            self.ended = True


def test_jobs_take_turns_and_end_with_their_caller() -> None:
    async def story() -> None:
        job = OneJob()
        given: Any = SimpleNamespace(audit=job, dry_run=None, limits=Limits(jobs=1, jobs_waiting=0))
        jobs = JobTurns(given)
        explaining = asyncio.create_task(jobs.explain(4, 0))
        await asyncio.sleep(0)
        with pytest.raises(Failure, match="fewer jobs"):
            await anext(aiter(jobs.verify()))
        job.go.set()
        assert await explaining == 4
        async with aclosing(cast(AsyncGenerator[Any, None], jobs.verify())) as steps:
            assert await anext(steps) == 1 and not job.ended
            with pytest.raises(Failure, match="fewer jobs"):
                await jobs.explain(5, 0)
        assert job.ended and await jobs.explain(6, 0) == 6

    asyncio.run(story())


def queue_story(story: Callable[[CommandQueue], Awaitable[None]], most: int = 10, longest_s: float = 5.0) -> None:
    async def run() -> None:
        await story(CommandQueue(most, longest_s))

    asyncio.run(run())


async def asking(queue: CommandQueue, until: float = 1e12) -> asyncio.Task[Any]:
    task = asyncio.create_task(queue.answer(ORDER, until))
    await asyncio.sleep(0)
    return task


def test_a_command_whose_deadline_has_passed_is_not_decided() -> None:
    async def story(queue: CommandQueue) -> None:
        late, in_time_ = await asking(queue, asyncio.get_running_loop().time()), await asking(queue)
        taken = queue.take()
        assert isinstance(taken, Queued) and queue.given_up == 1 and queue.take() is None
        taken.reply.set_result(Answer(7))
        assert (await in_time_).position == 7
        with pytest.raises(LateError, match="has no effect"):
            await late

    queue_story(story)


def test_a_cancelled_caller_takes_its_command_back_unless_its_turn_has_come() -> None:
    async def story(queue: CommandQueue) -> None:
        first, second, third = [await asking(queue) for _ in range(3)]
        taken = queue.take()
        assert taken is not None
        first.cancel()
        second.cancel()
        await asyncio.gather(first, second, return_exceptions=True)
        assert taken.reply.cancelled(), "it may have its effect, but there is nobody to be told"
        following = queue.take()
        assert following is not None and queue.given_up == 1 and queue.take() is None
        following.reply.set_result(Answer(8))
        assert (await third).position == 8

    queue_story(story)


def test_a_queue_that_is_full_or_old_takes_no_more() -> None:
    async def full(queue: CommandQueue) -> None:
        waiting = await asking(queue)
        with pytest.raises(OverloadedError, match="but 1 wait"):
            await queue.answer(ORDER, 1e12)
        assert queue.refused == 1
        queue.drop(LateError("away"))
        await asyncio.gather(waiting, return_exceptions=True)
        (await asking(queue)).cancel()

    async def old(queue: CommandQueue) -> None:
        queue.appending_since = asyncio.get_running_loop().time() - 6.0
        with pytest.raises(OverloadedError, match=r"the oldest for 6.0 s"):
            await queue.answer(ORDER, 1e12)

    queue_story(full, most=1)
    queue_story(old)


def test_an_upload_that_stops_is_given_up() -> None:
    async def story() -> None:
        async def parts() -> AsyncIterator[Any]:
            yield b"one"
            await asyncio.Event().wait()

        coming = in_time(parts(), 0.02)
        assert await anext(coming) == b"one"
        with pytest.raises(Failure, match="none came") as failure:
            await anext(coming)
        assert failure.value.reason == "UPLOAD_TOO_SLOW"

    asyncio.run(story())


def test_who_is_local() -> None:
    for peer in ("unix:", "ipv4:127.0.0.1:5", "ipv6:%5B::1%5D:5", "ipv6:[::1]:5", "ipv6:%5B::ffff:127.0.0.1%5D:5"):
        assert is_local(peer), peer
    for peer in ("ipv4:10.0.0.1:5", "ipv6:%5B2001:db8::1%5D:5", "", "ipv4:12.7.0.0:1", "ipv6:%5B::ffff:10.0.0.1%5D:5"):
        assert not is_local(peer), peer
    assert not close_connection("unix:") and not close_connection("ipv4:10.9.9.9:1")
