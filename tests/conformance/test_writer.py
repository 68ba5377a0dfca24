"""The one writer, on the real log: what it answers is in the log, whatever happens to the log meanwhile."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from functools import partial
from time import time_ns

import pytest

from adapters.log.event_log import EventLog
from adapters.log.writer import Limits, NotServingError, OverloadedError, Writer
from engine import events as ev
from engine.answers import Answer
from engine.commands import ClaimTask, CompleteTask, SetPresence, StartTask
from engine.events import Recorded
from engine.refusals import Refusal
from engine.workspace import Workspace
from tests.conformance.writing import (
    PATIENCE_S,
    FailingLog,
    away,
    cut_connections,
    insisting,
    nothing,
    order,
    owning,
    prepared,
    until,
    writing,
)
from tests.engine.given import rule, rules, task

CALLERS = 200


@pytest.fixture
def log(postgres: str, workspace_name: str) -> Iterator[FailingLog]:
    made = FailingLog(postgres, workspace_name)
    yield made
    made.close()


async def ready(writer: Writer, log: EventLog, workspace: str) -> None:
    """Put the usual rules and agents in force."""
    for one in prepared(log, workspace):
        told = await writer.submit(one)
        assert isinstance(told, Answer) and told.changed


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


def test_backends_killed_again_and_again(log: FailingLog, postgres: str, workspace_name: str) -> None:
    """Callers who ask again with the same request id get one effect each, and the answer that is in the log."""
    told: dict[str, Answer | Refusal] = {}
    cut: list[int] = []

    async def story() -> None:
        log.create()
        async with owning(postgres, workspace_name, log) as (writer, owned):
            await ready(writer, log, workspace_name)

            def beyond(answers: int) -> bool:
                return len(told) > answers

            async def ask(caller: int) -> None:
                for turn in range(30):
                    asked = order(task(), f"{caller}/{turn}")
                    told[asked.request] = await insisting(partial(writer.submit, asked))

            async def sever() -> None:
                for answers in (10, 50, 90):
                    await until(partial(beyond, answers))
                    cut.append(await asyncio.to_thread(cut_connections, postgres, workspace_name))

            await asyncio.gather(sever(), *(ask(caller) for caller in range(6)))
            assert sum(cut) and owned.count(False)

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


def test_more_than_it_takes_on(log: FailingLog, workspace_name: str) -> None:
    async def story() -> None:
        log.create()
        async with writing(log, workspace_name, limits=Limits(queued_commands=10)) as writer:
            await ready(writer, log, workspace_name)
            told = await asyncio.gather(*(writer.submit(order(task())) for _ in range(40)), return_exceptions=True)
            turned_away = [one for one in told if isinstance(one, OverloadedError)]
            assert len(turned_away) == 30 and "fewer than 10 commands" in str(turned_away[0])
            assert sum(isinstance(one, Answer) for one in told) == 10
            assert isinstance(await writer.submit(order(task())), Answer)

    asyncio.run(story())
    assert sum(isinstance(one.event, ev.TaskCreated) for one in log.replay()) == 11


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


def test_timers_come_due_without_commands(log: FailingLog, workspace_name: str) -> None:
    """Nobody asks for anything, yet a relax step is taken when its time comes."""
    leap = 0

    async def story() -> None:
        nonlocal leap
        log.create()
        async with writing(log, workspace_name, lambda: time_ns() // 1_000_000 + leap) as writer:
            await ready(writer, log, workspace_name)
            wide = [{"after": "10m", "targets": "true"}]
            await writer.submit(
                order(rules(rule(targets='agent.team == "north"', relax=wide), workspace=workspace_name))
            )
            made = await writer.submit(order(task()))
            assert isinstance(made, Answer)
            leap = 599_900
            await writer.submit(order(SetPresence("bob", "away")))  # the clock was put forward: have it looked at
            assert writer.state.tasks[1].stage == 0
            await until(lambda: writer.state.tasks[1].agent == "ann")
            await writer.wait_beyond(writer.state.position - 1)

    asyncio.run(story())
    ends = [(type(one.event), one.actor) for one in log.replay()][-2:]
    assert ends == [(ev.TasksRelaxed, "paidan"), (ev.TasksAllocated, "paidan")]


def test_timers_come_due_however_much_there_is_to_do(log: FailingLog, workspace_name: str) -> None:
    leap = 0

    async def story() -> None:
        nonlocal leap
        log.create()
        async with writing(log, workspace_name, lambda: time_ns() // 1_000_000 + leap) as writer:
            await ready(writer, log, workspace_name)
            wide = [{"after": "10m", "targets": "true"}]
            await writer.submit(
                order(rules(rule(targets='agent.team == "north"', relax=wide), workspace=workspace_name))
            )
            await writer.submit(order(task()))

            async def busy() -> None:
                while writer.state.tasks[1].stage == 0:
                    await writer.submit(order(SetPresence("bob", "available")))

            leap = 600_001
            await asyncio.wait_for(asyncio.gather(*(busy() for _ in range(32))), PATIENCE_S)

    asyncio.run(story())
    assert any(isinstance(one.event, ev.TasksRelaxed) for one in log.replay())


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
