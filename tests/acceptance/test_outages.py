"""Processes are killed at the worst moment: the others take over, start them again, and lose nothing."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import grpc
import psutil  # type: ignore[import-untyped]
import psycopg
import pytest
from paidan.v1.tasks_pb2 import CreateTaskRequest

from adapters.demo.sample_data import BUSINESS_TYPE, TASK_TYPE, write_package
from adapters.grpc_api.readiness import wait_until_serving
from engine import events as ev
from tests.acceptance.serving import EXAMPLES, Paidan, directory, until

ROWS, CHUNKS = 20_000, 40
AT_REST = ("distributed", "partly_distributed")


@pytest.fixture(scope="module")
def data() -> Iterator[Path]:
    """With an embedded PostgreSQL that all servers of this module share."""
    with directory() as made:
        yield made


@pytest.fixture(scope="module")
def first(data: Path) -> Iterator[Paidan]:
    served = Paidan(data, "retail-bank").start()
    served.told("rules", "apply", str(EXAMPLES / "rules" / "retail-bank.yaml"))
    served.told("agents", "apply", str(EXAMPLES / "agents" / "team.yaml"))
    yield served
    assert served.stop() == 0, served.said()


def postmaster(data: Path) -> int:
    return int((data / "postgres" / "postmaster.pid").read_text().split()[0])


def kill_process(role: str) -> Callable[[Paidan], None]:
    return lambda served: served.process(role).kill()


VICTIMS: dict[str, Callable[[Paidan], None]] = {
    "server": kill_process("server"),
    "importer": kill_process("importer"),
    "projector": kill_process("projector"),
    "postmaster": lambda served: os.kill(postmaster(served.data), signal.SIGKILL),
}


@pytest.mark.parametrize("victim", VICTIMS)
def test_killed_in_the_midst_of_an_import(first: Paidan, tmp_path: Path, victim: str) -> None:
    """Every row comes in once, and the package comes to rest."""
    package = tmp_path / f"{victim}.csv"
    write_package(package, ROWS, seed=sum(victim.encode()))
    kind = ("--task-type", TASK_TYPE, "--business-type", BUSINESS_TYPE, "--no-follow")
    mapping = ("--mapping", str(EXAMPLES / "packages" / "mapping.yaml"))
    number = first.told("packages", "import", str(package), *mapping, *kind)[0]["number"]
    with first.database() as database:
        until(lambda: _chunks(database, number) > 4, "the first rows to be in")
        VICTIMS[victim](first)
        killed_at = _chunks(database, number) if victim != "postmaster" else 0
    assert killed_at < CHUNKS
    assert wait_until_serving(first.address, 30), first.said()
    until(lambda: _status(first, number) in AT_REST, f"package {number} to come to rest", 40, first.said)
    shown = first.told("packages", "show", str(number))[0]
    assert (shown["rows"], shown["rejected"]) == (ROWS, 0)
    assert shown["distributed"] + sum(shown["not_distributed"].values()) == ROWS
    first.caught_up()
    with first.database() as database:
        found = database.execute("SELECT count(*), count(DISTINCT line) FROM tasks WHERE package = %s", [number])
        assert found.fetchone() == (ROWS, ROWS)


def _chunks(database: psycopg.Connection[Any], package: int) -> int:
    count = "SELECT count(*) FROM stored_events WHERE topic = 'TasksImported.v1' AND position(%s::bytea in state) > 0"
    row = database.execute(count, [b'"package":%d,' % package]).fetchone()
    return int(row[0]) if row else 0


def _status(served: Paidan, number: int) -> str:
    return str(served.told("packages", "show", str(number))[0]["status"])


def test_what_was_accepted_is_finished_when_told_to_end(first: Paidan) -> None:
    """SIGTERM while creates are under way: what was acknowledged is in the log; the rest, repeated, is there once."""
    create, names = first.client.tasks.CreateTask, [f"errand-{place}" for place in range(1_000)]
    server = first.process("server")  # to look for it takes a while
    asked = {name: CreateTaskRequest(parent=first.parent, task_type="errand", request_id=name) for name in names}
    calls = {name: create.future(request, timeout=30) for name, request in asked.items()}
    until(lambda: any(call.done() for call in calls.values()), "the first answer")
    server.terminate()
    assert not all(call.done() for call in calls.values())
    acknowledged = {name: call.result().number for name, call in calls.items() if call.exception() is None}
    assert {call.code() for call in calls.values()} <= {grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE}
    assert acknowledged and first.stop() == 0
    first.start()
    known = {name: first.client.ask(first.client.tasks.CreateTask, request).number for name, request in asked.items()}
    assert known.items() >= acknowledged.items()
    with first.log() as log:
        made = {one.request: one.event for one in log.replay() if isinstance(one.event, ev.TaskCreated)}
        assert {name: made[name].task for name in names} == known
        assert len({event.task for event in made.values()}) == len(made) == len(names)


def test_an_event_of_a_later_version_stops_the_server_aloud(first: Paidan) -> None:
    """It does not serve, and says which event it does not know; once that is gone it serves again by itself."""
    with first.log() as log, first.database() as database:
        last = log.head()
        change = "UPDATE stored_events SET topic = %s WHERE originator_version = %s"
        topic = database.execute("SELECT topic FROM stored_events WHERE originator_version = %s", [last]).fetchone()
        database.execute(change, ["TaskTeleported.v9", last])
        first.process("server").kill()
        said = f"Expected a known event at position {last}, but it is 'TaskTeleported.v9'"
        until(lambda: said in first.said(), f"it to say {said!r}", 15)
        assert not wait_until_serving(first.address, 0.5)
        database.execute(change, [topic[0] if topic else "", last])
    assert wait_until_serving(first.address, 15)


def test_a_postgresql_that_gives_no_answer(first: Paidan) -> None:
    """Callers are told when to come again, in bounded time; once it answers, the same server process goes on."""
    create, server = first.client.tasks.CreateTask, first.process("server").pid
    asked = CreateTaskRequest(parent=first.parent, task_type="errand", request_id="frozen")
    whole = psutil.Process(postmaster(first.data))
    stopped = [whole, *whole.children(recursive=True)]
    for one in stopped:
        one.suspend()
    try:
        for bound_s in (8.0, 3.0):
            began = monotonic()
            failed = create.future(asked, timeout=30).exception()
            assert isinstance(failed, grpc.Call) and failed.code() == grpc.StatusCode.UNAVAILABLE
            assert "google.rpc.RetryInfo" in str(failed.trailing_metadata()) and monotonic() - began < bound_s
    finally:
        for one in stopped:
            one.resume()
    assert wait_until_serving(first.address, 15), first.said()
    made = first.client.ask(create, asked)
    assert first.client.ask(create, asked) == made and first.process("server").pid == server


def test_an_owner_that_was_only_stalled_is_fenced(first: Paidan) -> None:
    """It is stopped, succeeded, and goes on: it finds out before it tells anybody anything, and stands by."""
    second = Paidan(first.data, first.workspace).start(serving=False)
    create, names = first.client.tasks.CreateTask, [f"stalled-{place}" for place in range(40)]
    asked = {name: CreateTaskRequest(parent=first.parent, task_type="errand", request_id=name) for name in names}
    try:
        until(lambda: "standing by" in second.said(), "the second server to stand by")
        stalled = first.process("server")
        calls = {name: create.future(asked[name], timeout=30) for name in names}
        until(lambda: any(call.done() for call in calls.values()), "the first answer")
        stalled.suspend()
        began = monotonic()
        assert wait_until_serving(second.address, 5), second.said()
        assert monotonic() - began < 5 and "its owner has stalled" in second.said()
        known = {name: second.client.ask(second.client.tasks.CreateTask, one).number for name, one in asked.items()}
        stalled.resume()
        told = {name: call.result().number for name, call in calls.items() if call.exception() is None}
        assert known.items() >= told.items() and len(set(known.values())) == len(known)
        again = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED}  # the latter: too long in its queue
        assert {call.code() for call in calls.values()} <= {grpc.StatusCode.OK} | again
        until(lambda: not wait_until_serving(first.address, 0.3), "the first server to stand by", 5)
        assert "stands by" in first.refused("tasks", "create", "errand", code=3)
        second.process("server").kill()
        assert wait_until_serving(first.address, 5), first.said()
        assert first.client.ask(create, asked[names[0]]).number == known[names[0]]
        first.caught_up()
        assert not first.wrong()
    finally:
        assert second.stop() == 0, second.said()


def test_a_second_server_stands_by_and_takes_over(first: Paidan) -> None:
    made = first.told("tasks", "create", "errand", "--request-id", "once")[0]
    second = Paidan(first.data, first.workspace).start(serving=False)
    try:
        until(lambda: "is owned by another server; standing by" in second.said(), "the second server to say so")
        assert not wait_until_serving(second.address, 0.3)
        assert "stands by" in second.refused("tasks", "create", "errand", code=3)
        assert second.told("tasks", "show", str(made["number"]))[0]["number"] == made["number"]
        left, began = first.process("server"), monotonic()
        orphans = first.kill_supervisor()
        left.kill()
        assert wait_until_serving(second.address, 5), second.said()
        assert monotonic() - began < 5
        assert second.told("tasks", "create", "errand", "--request-id", "once")[0] == made
        assert second.told("tasks", "create", "errand", "--request-id", "another")[0]["number"] == made["number"] + 1
        _, alive = psutil.wait_procs(orphans, 15)
        assert not alive  # nobody is left behind
        second.caught_up()
        assert not second.wrong()  # after all that has befallen it in this module
    finally:
        assert second.stop() == 0
