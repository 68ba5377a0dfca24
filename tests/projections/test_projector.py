"""The projector process: follows, ends when told, survives what happens to PostgreSQL, and is picked up when killed."""

from __future__ import annotations

import signal
import socket
import subprocess
import time

import pytest

from tests.projections.drawing import seeded
from tests.projections.live import Live, expected, shown
from tests.projections.projecting import caught_up, start, until

LOG = seeded(51, 300).log


def test_it_follows_the_log_and_ends_at_sigterm(empty: Live) -> None:
    empty.put(LOG[:100])
    process = start(empty)
    try:
        until(lambda: caught_up(empty, 100))
        began = time.monotonic()
        empty.put(LOG[100:])
        until(lambda: caught_up(empty, len(LOG)))
        assert time.monotonic() - began < 5
        assert empty.ask(shown) == expected(LOG)
    finally:
        process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0


def test_it_ends_when_its_supervisor_is_gone(empty: Live) -> None:
    process = start(empty, subprocess.PIPE)
    empty.put(LOG[:50])
    until(lambda: caught_up(empty, 50))
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(10) == 0


def test_the_supervisor_may_hold_a_socket_in_place_of_a_pipe(empty: Live) -> None:
    ours, theirs = socket.socketpair()
    process = start(empty, theirs.fileno())
    theirs.close()
    empty.put(LOG[:50])
    until(lambda: caught_up(empty, 50))
    ours.close()
    assert process.wait(10) == 0


@pytest.mark.parametrize("after", [0.25, 0.4, 0.6])
def test_killed_and_started_again_it_loses_and_doubles_nothing(empty: Live, after: float) -> None:
    process = start(empty)
    for place in range(0, len(LOG), 40):
        empty.put(LOG[place : place + 40])
        time.sleep(after / 10)
    process.kill()
    process.wait(10)
    process = start(empty)
    try:
        until(lambda: caught_up(empty, len(LOG)))
        assert empty.ask(shown) == expected(LOG)
    finally:
        process.kill()
        process.wait(10)


def test_its_connections_may_die(empty: Live) -> None:
    process = start(empty)
    try:
        empty.put(LOG[:100])
        until(lambda: caught_up(empty, 100))
        empty.connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'paidan-%%'"
            " AND pid <> pg_backend_pid()"
        )
        empty.put(LOG[100:])
        until(lambda: caught_up(empty, len(LOG)))
        assert process.poll() is None
    finally:
        process.terminate()
    assert process.wait(10) == 0


def test_two_of_them_do_no_harm(empty: Live) -> None:
    processes = [start(empty), start(empty)]
    try:
        for place in range(0, len(LOG), 10):
            empty.put(LOG[place : place + 10])
        until(lambda: caught_up(empty, len(LOG)))
        assert empty.ask(shown) == expected(LOG)
        assert all(process.poll() is None for process in processes)
    finally:
        for process in processes:
            process.terminate()
            process.wait(10)


def test_an_event_it_does_not_know_ends_it_with_a_message(empty: Live) -> None:
    empty.put(LOG[:20])
    empty.connection.execute("UPDATE stored_events SET topic = 'TasksTeleported.v9' WHERE originator_version = 7")
    process = start(empty)
    _, told = process.communicate(timeout=20)
    assert process.returncode != 0
    assert b"TasksTeleported.v9" in told and b"a newer program wrote it" in told
