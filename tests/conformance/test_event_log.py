"""The log on the real PostgreSQL: what every implementation of its port must keep."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.log.codec import GENESIS, UnknownEventError, check_link
from adapters.log.event_log import ConflictError, EventLog, LogUnavailableError
from adapters.log.schemas import schema_of
from adapters.processes.embedded import start_postgres, stop_postgres
from engine import events as ev
from engine.events import Recorded
from tests.conformance.drawn import at, moved, recorded


def starts(first: int, count: int, agent: str = "ann") -> list[Recorded]:
    """Small events at consecutive positions."""
    return [at(position, ev.TaskStarted(position, agent, 1)) for position in range(first, first + count)]


@pytest.fixture
def log(postgres: str, workspace_name: str) -> Iterator[EventLog]:
    made = EventLog(postgres, workspace_name)
    made.create()
    yield made
    made.close()


@pytest.fixture
def other(postgres: str, workspace_name: str, log: EventLog) -> Iterator[EventLog]:
    """Another process's log on the same stream."""
    made = EventLog(postgres, workspace_name)
    yield made
    made.close()


def test_an_empty_log(log: EventLog) -> None:
    assert log.head() == 0
    assert log.read(0, 10) == [] and log.read_stored(0, 10) == [] and list(log.replay()) == []


def test_made_twice_is_made_once(log: EventLog, other: EventLog) -> None:
    log.append(starts(1, 2))
    other.create()
    assert other.head() == 2


def test_what_is_appended_is_read_in_order_without_a_gap(log: EventLog, other: EventLog) -> None:
    for first, count in ((1, 1), (2, 30), (32, 3)):
        log.append(starts(first, count))
    log.append([])
    for one in (log, other):
        assert one.head() == 34
        assert one.read(0, 100) == starts(1, 34)
        assert one.read(30, 2) == starts(31, 2)
        assert one.read(34, 5) == []
        assert list(one.replay(3, batch=7)) == starts(4, 31)


@given(st.lists(recorded(), min_size=1, max_size=6), st.integers(1, 5))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_appended_comes_back(log: EventLog, drawn: list[Recorded], cut: int) -> None:
    head = log.head()
    wanted = [moved(one, head + place) for place, one in enumerate(drawn, 1)]
    for some in (wanted[:cut], wanted[cut:]):
        log.append(some)
    assert log.read(head, 100) == wanted


def test_the_chain_goes_through_every_append(log: EventLog, other: EventLog) -> None:
    log.append(starts(1, 3))
    other.append(starts(4, 3))
    log.append(starts(7, 1))
    prev = GENESIS
    for stored in log.read_stored(0, 100):
        prev = check_link(stored, prev)
    assert len(log.read_stored(0, 100)) == 7


def test_two_writers_at_one_position(log: EventLog, other: EventLog) -> None:
    log.append(starts(1, 2))
    other.append(starts(3, 1, "bob"))
    with pytest.raises(ConflictError, match="Expected position 3 to be free"):
        log.append(starts(3, 4))
    assert log.read(0, 100) == starts(1, 2) + starts(3, 1, "bob")
    log.append(starts(4, 1))
    assert log.head() == 4


def test_an_append_that_conflicts_in_its_midst_leaves_nothing(log: EventLog, other: EventLog) -> None:
    log.append(starts(1, 4))
    log.append(starts(5, 1))
    with pytest.raises(ConflictError):
        other.append(starts(3, 5))
    assert log.head() == 5


def test_an_append_beyond_the_end(log: EventLog) -> None:
    log.append(starts(1, 2))
    with pytest.raises(ConflictError, match="Expected an event at position 4 to follow"):
        log.append(starts(5, 1))
    assert log.head() == 2


def test_of_many_writers_at_one_position_exactly_one_wins(postgres: str, workspace_name: str, log: EventLog) -> None:
    log.append(starts(1, 1))
    writers = [EventLog(postgres, workspace_name) for _ in range(6)]
    ready, won, lost = threading.Barrier(len(writers)), [], []

    def write(one: EventLog, name: str) -> None:
        ready.wait()
        try:
            one.append(starts(2, 3, name))
            won.append(name)
        except ConflictError:
            lost.append(name)

    threads = [threading.Thread(target=write, args=(one, f"w{place}")) for place, one in enumerate(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one in writers:
        one.close()
    assert len(won) == 1 and len(lost) == 5
    assert log.read(1, 10) == starts(2, 3, won[0])


def test_workspaces_do_not_see_each_other(postgres: str, workspace_name: str, log: EventLog) -> None:
    neighbour = EventLog(postgres, f"{workspace_name}-b")
    neighbour.create()
    log.append(starts(1, 2))
    neighbour.append(starts(1, 1, "bob"))
    assert (log.head(), neighbour.head()) == (2, 1)
    neighbour.close()


def test_an_unknown_event_stops_the_reader(postgres: str, workspace_name: str, log: EventLog) -> None:
    log.append(starts(1, 3))
    with psycopg.connect(postgres) as connection:
        connection.execute(
            f"UPDATE {schema_of(workspace_name)}.stored_events SET topic = 'TaskTeleported.v1' WHERE originator_version = 2"
        )
    assert log.read(2, 10) == starts(3, 1)
    with pytest.raises(UnknownEventError, match=r"position 2, but it is 'TaskTeleported\.v1'"):
        log.read(0, 10)
    with pytest.raises(UnknownEventError):
        list(log.replay())
    assert [stored.position for stored in log.read_stored(0, 10)] == [1, 2, 3]


def test_a_hundred_megabytes_in_one_append(log: EventLog) -> None:
    note = "x" * 1_000_000
    written = [at(place, ev.PackageFailed(place, note)) for place in range(1, 101)]
    log.append(written)
    assert log.head() == 100
    assert log.read(99, 1) == written[99:]
    log.append(starts(101, 1))
    assert log.read(100, 1) == starts(101, 1)


def test_somebody_who_listens_is_told(postgres: str, workspace_name: str, log: EventLog) -> None:
    with psycopg.connect(postgres, autocommit=True) as listener:
        listener.execute("LISTEN stored_events")
        log.append(starts(1, 1))
        told = [notice.payload for notice in listener.notifies(timeout=5, stop_after=1)]
    assert told == [schema_of(workspace_name)]


def test_a_connection_cut_is_told_and_the_next_append_goes_on(
    postgres: str, workspace_name: str, log: EventLog, other: EventLog
) -> None:
    """What was cut in the midst is in wholly or not at all; whoever reads finds out which."""
    log.append(starts(1, 1))
    with psycopg.connect(postgres, autocommit=True) as killer:
        killer.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query LIKE %s",
            [f"%{schema_of(workspace_name)}%"],
        )
    try:
        log.append(starts(2, 2))
    except LogUnavailableError:
        assert other.head() in (1, 3)
        log.append(starts(other.head() + 1, 1))
    assert other.read(0, 10)[:1] == starts(1, 1)


def test_postgresql_goes_away_and_comes_back() -> None:
    """Soon noticed, and soon forgotten: a reader that waits for a minute is a view that stands still for one."""
    data = Path(tempfile.mkdtemp(prefix="paidan-test-"))
    data.chmod(0o755)
    log = EventLog(start_postgres(data), "away")
    try:
        log.create()
        log.append(starts(1, 2))
        stop_postgres(data)
        for attempt in (log.create, log.head, lambda: log.append(starts(3, 1)), lambda: log.read(0, 10)):
            began = time.monotonic()
            with pytest.raises(LogUnavailableError, match="Expected PostgreSQL to answer, but"):
                attempt()
            assert time.monotonic() - began < 10
        start_postgres(data)
        assert log.head() == 2
        log.append(starts(3, 1))
        assert log.read(0, 10) == starts(1, 3)
    finally:
        log.close()
        stop_postgres(data)
        shutil.rmtree(data)
