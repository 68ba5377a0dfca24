"""An append whose outcome is not known: it is found out, never guessed."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from random import Random

import psycopg
import pytest

from adapters.log.event_log import ConflictError, EventLog, LogUnavailableError
from adapters.log.schemas import schema_of
from adapters.log.writer import NotServingError
from engine import events as ev
from engine.answers import Answer
from engine.refusals import Refusal
from tests.conformance.line import Line, times
from tests.conformance.test_event_log import starts
from tests.conformance.writing import FailingLog, insisting, order, owning, ready, until
from tests.engine.given import task

WRITTEN = b"SELECT 1\0"
"""PostgreSQL's word that the statement is done, and so committed."""


@pytest.fixture
def line(postgres: str) -> Iterator[Line]:
    made = Line(postgres)
    yield made
    made.close()


@pytest.fixture
def far(line: Line, workspace_name: str) -> Iterator[EventLog]:
    """The log at the other end of the line."""
    made = EventLog(line.dsn, workspace_name)
    made.create()
    yield made
    made.close()


@pytest.fixture
def near(far: EventLog, postgres: str, workspace_name: str) -> Iterator[EventLog]:
    """The same log, asked without the line."""
    made = EventLog(postgres, workspace_name)
    yield made
    made.close()


def test_written_and_the_answer_lost(line: Line, far: EventLog, near: EventLog) -> None:
    far.append(starts(1, 1))
    line.cut_answering = times(1, lambda data: WRITTEN in data)
    far.append(starts(2, 3))
    assert line.cuts == 1 and near.read(0, 10) == starts(1, 4)
    far.append(starts(5, 1))
    assert near.read(4, 10) == starts(5, 1)


def test_lost_on_the_way_there(line: Line, far: EventLog, near: EventLog) -> None:
    far.append(starts(1, 1))
    line.cut_asking = times(1, lambda data: b"TaskStarted" in data)
    far.append(starts(2, 3))
    assert line.cuts == 1 and near.read(0, 10) == starts(1, 4)


def test_lost_twice_is_not_known(line: Line, far: EventLog, near: EventLog) -> None:
    """The second try may have been written; whoever reads the log finds out."""
    far.append(starts(1, 1))
    line.cut_answering = times(2, lambda data: WRITTEN in data or b"duplicate key" in data)
    with pytest.raises(LogUnavailableError):
        far.append(starts(2, 3))
    assert near.read(0, 10) == starts(1, 4)


def test_lost_and_another_writer_was_faster(line: Line, far: EventLog, near: EventLog) -> None:
    """What stands there is not what was to be appended, however alike."""
    far.append(starts(1, 1))

    def other_first(data: bytes) -> bool:
        if b"TaskStarted" not in data:
            return False
        near.append(starts(2, 1, "bob"))
        return True

    line.cut_asking = times(1, other_first)
    with pytest.raises(ConflictError, match="position 2 to be free, but it is taken"):
        far.append(starts(2, 3))
    assert near.read(1, 10) == starts(2, 1, "bob")


@pytest.mark.parametrize("after_s", [0.2, 2.5])
def test_still_under_way_when_the_line_is_cut(
    postgres: str, workspace_name: str, line: Line, far: EventLog, near: EventLog, after_s: float
) -> None:
    """The second try waits for the first, which commits yet (or is given up by PostgreSQL, which misses its client)."""
    far.append(starts(1, 1))
    with psycopg.connect(postgres) as holding:
        holding.execute(f"SELECT * FROM {schema_of(workspace_name)}.log_head FOR UPDATE")
        appending = threading.Thread(target=far.append, args=(starts(2, 3),))
        appending.start()
        _until_waiting(postgres, workspace_name)
        line.cut()
        time.sleep(after_s)
        assert appending.is_alive() and near.head() == 1
    appending.join(10)
    assert not appending.is_alive()
    far.append(starts(5, 1))
    assert near.read(0, 10) == starts(1, 5)


def _until_waiting(dsn: str, workspace: str) -> None:
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE %s"
    end = time.monotonic() + 10
    with psycopg.connect(dsn, autocommit=True) as connection:
        while connection.execute(waiting, [f"%{schema_of(workspace)}%"]).fetchone() == (0,):
            assert time.monotonic() < end


def test_a_line_cut_again_and_again(line: Line, postgres: str, workspace_name: str) -> None:
    """Anywhere, for the log and for the owner's session alike: a request has one effect and one answer."""
    random, told = Random(3), dict[str, Answer | Refusal]()
    log = FailingLog(line.dsn, workspace_name)

    async def story() -> None:
        log.create()
        async with owning(line.dsn, workspace_name, log) as (writer, _):
            await ready(writer, log, workspace_name)
            log.before = lambda _recorded: chance()

            async def ask(caller: int) -> None:
                for turn in range(25):
                    asked = order(task(), f"{caller}/{turn}")
                    told[asked.request] = await insisting(lambda asked=asked: writer.submit(asked))  # type: ignore[misc]

            await asyncio.gather(*(ask(caller) for caller in range(6)))

    def chance() -> None:
        which = random.randrange(8)
        if which == 0:
            line.cut_answering = times(1, lambda data: WRITTEN in data)
        elif which == 1:
            line.cut_asking = times(1, lambda data: b"stored_events" in data)
        elif which == 2:
            line.cut()

    asyncio.run(story())
    made = {one.request: one.event for one in log.replay() if isinstance(one.event, ev.TaskCreated)}
    assert line.cuts > 5 and len(made) == len(told) == 150
    assert {name: one.number for name, one in told.items() if isinstance(one, Answer)} == {
        name: event.task for name, event in made.items()
    }
    log.close()


def test_a_line_that_goes_dead_without_a_word(
    line: Line, postgres: str, workspace_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for ever: neither the caller, nor the log's thread, which is free again when the line lives."""
    monkeypatch.setattr("adapters.log.connection.ANSWER_S", 2.0)
    monkeypatch.setattr("adapters.log.ownership.BEAT_ANSWER_S", 1.0)
    log = FailingLog(line.dsn, workspace_name)

    async def story() -> None:
        log.create()
        async with owning(line.dsn, workspace_name, log) as (writer, owned):
            await ready(writer, log, workspace_name)
            line.dead.set()
            began = time.monotonic()
            with pytest.raises(NotServingError, match="its session at PostgreSQL ended"):
                await writer.submit(order(task(), "only-once"))
            assert time.monotonic() - began < 3
            await until(lambda: owned[-1] is False)  # the append under way was given up too
            line.dead.clear()
            told = await insisting(lambda: writer.submit(order(task(), "only-once")))
            assert isinstance(told, Answer) and told.number == 1 and time.monotonic() - began < 15

    asyncio.run(story())
    assert sum(isinstance(one.event, ev.TaskCreated) for one in log.replay()) == 1
    log.close()
