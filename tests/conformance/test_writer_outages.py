"""The one writer where the log fails, has another writer, or is cut off: nobody is told what is not so."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from functools import partial

import pytest

from adapters.log.event_log import EventLog
from adapters.log.writer import NotServingError, Writer
from adapters.log.writer_limits import Limits
from engine import events as ev
from engine.answers import Answer
from engine.events import Recorded
from engine.refusals import Refusal
from engine.workspace import Workspace
from tests.conformance.writing import (
    FailingLog,
    away,
    cut_log,
    cut_owner,
    insisting,
    nothing,
    order,
    owning,
    ready,
    until,
    writing,
)
from tests.engine.given import rule, rules, task


def test_a_failing_append_fails_its_callers_and_leaves_nothing(log: FailingLog, workspace_name: str) -> None:
    async def story() -> None:
        log.create()
        writer = Writer(log, workspace_name)
        await writer.open()
        await ready(writer, log, workspace_name)
        head, log.before = writer.position, away
        told = await asyncio.gather(*(writer.submit(order(task(), f"r{n}")) for n in range(20)), return_exceptions=True)
        assert all(isinstance(one, NotServingError) for one in told)
        assert writer.lost.is_set() and log.head() == head
        with pytest.raises(NotServingError):
            await writer.submit(order(task()))
        log.before = nothing
        await writer.close()
        await writer.open()
        assert writer.state.last_task == 0
        assert isinstance(await writer.submit(order(task(), "r0")), Answer)
        await writer.close()

    asyncio.run(story())


def test_an_append_whose_answer_was_lost_has_one_effect(log: FailingLog, postgres: str, workspace_name: str) -> None:
    """It was written, and the writer does not know: the ownership loop reads the log, and the request is known."""

    async def story() -> None:
        log.create()
        async with owning(postgres, workspace_name, log) as (writer, owned):
            await ready(writer, log, workspace_name)
            log.after = away
            with pytest.raises(NotServingError):
                await writer.submit(order(task(), "only-once"))
            log.after = nothing
            told = await insisting(lambda: writer.submit(order(task(), "only-once")))
            assert isinstance(told, Answer) and told.number == 1
            assert owned[:3] == [True, False, True]

    asyncio.run(story())
    assert [one.request for one in log.replay() if isinstance(one.event, ev.TaskCreated)] == ["only-once"]


@pytest.mark.parametrize(("cut", "noticed"), [(cut_log, False), (cut_owner, True)])
def test_backends_killed_again_and_again(
    log: FailingLog, postgres: str, workspace_name: str, cut: Callable[[str, str], int], noticed: bool
) -> None:
    """Callers who ask again with the same request id get one effect each, and the answer that is in the log.

    Where only the log's connection is cut, an append is settled over another one, and callers notice nothing.
    """
    told: dict[str, Answer | Refusal] = {}
    ended: list[int] = []
    turned_away: list[str] = []

    async def story() -> None:
        log.create()
        async with owning(postgres, workspace_name, log) as (writer, owned):
            await ready(writer, log, workspace_name)

            async def ask(caller: int) -> None:
                for turn in range(30):
                    asked = order(task(), f"{caller}/{turn}")
                    told[asked.request] = await insisting(partial(writer.submit, asked), turned_away)

            async def sever() -> None:
                for answers in (10, 50, 90):
                    await until(lambda least=answers: len(told) > least)  # type: ignore[misc]
                    while not await asyncio.to_thread(cut, postgres, workspace_name):
                        await asyncio.sleep(0)  # the one before has not come back yet
                    ended.append(answers)

            await asyncio.gather(sever(), *(ask(caller) for caller in range(6)))
            assert len(ended) == 3 and bool(owned.count(False)) == bool(turned_away) == noticed

    asyncio.run(story())
    made = {one.request: one.event for one in log.replay() if isinstance(one.event, ev.TaskCreated)}
    assert len(made) == len(told) == 180
    assert {name: one.number for name, one in told.items() if isinstance(one, Answer)} == {
        name: event.task for name, event in made.items()
    }


def test_a_second_writer_behind_its_back(log: FailingLog, postgres: str, workspace_name: str) -> None:
    async def story() -> None:
        log.create()
        second = EventLog(postgres, workspace_name)
        async with owning(postgres, workspace_name, log) as (writer, owned):
            await ready(writer, log, workspace_name)
            await writer.submit(order(task(), "mine"))
            async with writing(second, workspace_name) as intruder:
                theirs = await intruder.submit(order(task(), "theirs"))
            with pytest.raises(NotServingError, match="to be free, but it is taken"):
                await writer.submit(order(task(), "mine-too"))
            told = await insisting(lambda: writer.submit(order(task(), "mine-too")))
            assert isinstance(theirs, Answer) and isinstance(told, Answer)
            assert (theirs.number, told.number) == (2, 3) and len(writer.state.tasks) == 3
            assert owned[:3] == [True, False, True]
        second.close()

    asyncio.run(story())


def test_a_state_thrown_away_takes_waiting_commands_with_it(log: FailingLog, workspace_name: str) -> None:
    """Those decided on a state that never came to be, and those that waited to be decided."""

    async def story() -> None:
        log.create()
        writer = Writer(log, workspace_name, limits=Limits(pending_events=4))
        await writer.open()
        await ready(writer, log, workspace_name)
        go_on = threading.Event()

        def fail_when_told(_recorded: Sequence[Recorded]) -> None:
            go_on.wait(10)
            away()

        log.before = fail_when_told
        asked = [asyncio.create_task(writer.submit(order(task()))) for _ in range(2_000)]
        await asyncio.sleep(0.05)
        assert writer.state.last_task < 2_000  # deciding rests while so much is not durable
        go_on.set()
        told = await asyncio.gather(*asked, return_exceptions=True)
        assert all(isinstance(one, NotServingError) for one in told)
        await writer.close()

    asyncio.run(story())


def test_a_fault_of_the_engine_is_no_end(
    log: FailingLog, postgres: str, workspace_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The callers are told to ask again, and the state is built anew."""
    handle = Workspace.handle

    def faulty(self: Workspace, given: object, now: int) -> object:
        if getattr(given, "request", "") == "poison":
            raise ZeroDivisionError("of our own making")
        return handle(self, given, now)  # type: ignore[arg-type]

    monkeypatch.setattr(Workspace, "handle", faulty)

    async def story() -> None:
        log.create()
        async with owning(postgres, workspace_name, log) as (writer, _):
            await ready(writer, log, workspace_name)
            with pytest.raises(NotServingError, match="of our own making"):
                await writer.submit(order(task(), "poison"))
            told = await insisting(lambda: writer.submit(order(task(), "wholesome")))
            assert isinstance(told, Answer) and told.number == 1

    asyncio.run(story())


def test_a_log_that_goes_away_while_commands_keep_coming(log: FailingLog, workspace_name: str) -> None:
    """Whenever that is, nobody waits for an answer that never comes."""

    async def story() -> None:
        log.create()
        writer = Writer(log, workspace_name)
        await writer.open()
        await ready(writer, log, workspace_name)
        later = [{"after": "10h", "targets": "true"}]
        await writer.submit(order(rules(rule(targets='agent.team == "north"', relax=later), workspace=workspace_name)))
        await writer.submit(order(task()))  # it waits for its time, and so the writer waits for work only so long
        for _ in range(50):
            asked = [asyncio.create_task(submitting(writer)) for _ in range(2)]
            await asyncio.sleep(0.002)
            log.before = away
            await asyncio.wait_for(asyncio.gather(*asked), 5)
            log.before = nothing
            await writer.close()
            await writer.open()
        await writer.close()

    asyncio.run(story())


async def submitting(writer: Writer) -> None:
    """A command in every turn of the loop, until the writer does not serve."""
    asked = []
    try:
        while True:
            asked.append(asyncio.create_task(writer.submit(order(task()))))
            await asyncio.sleep(0)
            if asked[0].done():
                asked.pop(0).result()
    except NotServingError:
        await asyncio.gather(*asked, return_exceptions=True)
