"""More is asked than can be done: what is accepted is quick, the rest is refused at once, memory stays, all is well after."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from time import monotonic
from uuid import uuid4

import grpc
import pytest
from paidan.v1.tasks_pb2 import CreateTaskRequest, ListTasksRequest

from adapters.grpc_api.client import CallError, Client
from adapters.grpc_api.status import told
from engine import events as ev
from tests.acceptance.serving import Paidan, until
from tests.overload.conftest import LIMITS

CALLERS, SECONDS = 1_000, 4.0
CONNECTIONS, WAITING = 4, int(LIMITS["QUERIES_WAITING"])
ASKED = 90
MIB = 1024 * 1024


def request(served: Paidan, name: str = "") -> CreateTaskRequest:
    return CreateTaskRequest(parent=served.parent, task_type="errand", request_id=name or uuid4().hex)


def took(served: Paidan) -> float | None:
    """Seconds until one task more was durable; None where it was refused."""
    began = monotonic()
    try:
        served.client.tasks.CreateTask(request(served), timeout=20)
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED, error
        return None
    return monotonic() - began


def made(served: Paidan) -> Counter[str]:
    """Request id -> tasks made under it, by the log."""
    with served.log() as log:
        return Counter(one.request for one in log.replay() if isinstance(one.event, ev.TaskCreated))


def test_five_times_as_many_callers_as_there_is_room_for(small: Paidan) -> None:
    server, before = small.process("server"), sum(made(small).values())
    rss = server.memory_info().rss
    words = ("tests.overload.load", small.address, small.workspace, str(CALLERS), str(SECONDS))
    crowd = subprocess.Popen([sys.executable, "-m", *words], stdout=subprocess.PIPE)
    tried, peak = list[float | None](), rss
    while crowd.poll() is None:
        tried.append(took(small))
        peak = max(peak, server.memory_info().rss)
    ended = monotonic()
    assert crowd.stdout is not None
    counts = json.loads(crowd.stdout.read())
    accepted = sorted(one for one in tried if one is not None)
    until(lambda: took(small) is not None, "room for one more", 5)
    again = monotonic() - ended
    print(f"\n{counts} probes {len(tried)}, accepted {len(accepted)}, slowest {accepted[-1:]}; rss {rss // MIB} MiB, "
          f"peak +{(peak - rss) // MIB} MiB; room again after {again:.2f} s")  # fmt: skip
    assert set(counts) == {"OK", "RESOURCE_EXHAUSTED TOO_MANY_CALLS"}
    assert accepted and accepted[-1] < 5 and again < 2
    assert peak - rss < 96 * MIB
    assert sum(made(small).values()) - before >= counts["OK"] + len(accepted)


def test_a_refusal_says_when_to_come_again(small: Paidan) -> None:
    with locked(small, "stored_events"), closing(Client(small.address, "crowd")) as client:
        calls = [client.tasks.CreateTask.future(request(small), timeout=30) for _ in range(120)]
        until(lambda: sum(call.done() for call in calls) >= 60, "what is too much to be refused", 10)
        refused = next(call for call in calls if call.done()).exception()
        assert told(refused).reason == "TOO_MANY_CALLS"
        assert "google.rpc.RetryInfo" in str(refused.trailing_metadata())
        listed = small.client.tasks.ListTasks(ListTasksRequest(parent=small.parent), timeout=10)
        assert listed.tasks, "queries have room of their own"


class locked:
    """A table that PostgreSQL lets nobody touch."""

    def __init__(self, served: Paidan, table: str) -> None:
        self._served, self._table, self._stack = served, table, ExitStack()

    def __enter__(self) -> None:
        connection = self._stack.enter_context(self._served.database())
        self._stack.enter_context(connection.transaction())
        connection.execute(f"LOCK TABLE {self._table} IN ACCESS EXCLUSIVE MODE")

    def __exit__(self, *_: object) -> None:
        self._stack.close()


def test_a_slow_database(small: Paidan) -> None:
    """What was accepted is done once; while the oldest waits too long, others are refused without waiting."""
    names = [uuid4().hex for _ in range(20)]
    until(lambda: took(small) is not None, "the queue to be empty")
    with locked(small, "stored_events"):
        create = small.client.tasks.CreateTask
        accepted = {name: create.future(request(small, name), timeout=60) for name in names}
        until(lambda: took_at_most(small, 0.2) is None, "commands to be refused for the age of the oldest", 10)
        assert not any(call.done() for call in accepted.values())
        began = monotonic()
        with ThreadPoolExecutor(20) as callers:
            assert not any(callers.map(lambda _: took(small), range(100)))
        at_once = (monotonic() - began) / 100
    numbers = {name: call.result().number for name, call in accepted.items()}
    assert at_once < 0.1 and took(small) is not None
    found = made(small)
    assert len(set(numbers.values())) == len(names) and all(found[name] == 1 for name in names)


def took_at_most(served: Paidan, seconds: float) -> float | None:
    """None where it is refused; as it is taken on, its caller goes away."""
    try:
        served.client.tasks.CreateTask(request(served), timeout=seconds)
    except grpc.RpcError as error:
        return None if told(error).reason == "OVERLOADED" else seconds
    return 0.0


def test_queries_that_are_stuck_do_not_stop_commands(small: Paidan) -> None:
    listing = ListTasksRequest(parent=small.parent)
    with ThreadPoolExecutor(ASKED) as callers, locked(small, "tasks"):
        asked = [callers.submit(small.client.ask, small.client.tasks.ListTasks, listing) for _ in range(ASKED)]
        until(lambda: sum(one.done() for one in asked) >= 30, "the queries beyond the queue to be refused", 10)
        refused = [one.exception() for one in asked if one.done()]
        assert {error.reason for error in refused if isinstance(error, CallError)} == {"TOO_MANY_QUERIES"}
        seconds = took(small)
        assert seconds is not None and seconds < 2
    assert sum(one.exception() is None for one in asked) == CONNECTIONS + WAITING


def test_a_huge_message_is_refused_readably(small: Paidan) -> None:
    huge = CreateTaskRequest(parent=small.parent, task_type="x" * 17 * MIB)
    with pytest.raises(CallError, match=r"Expected a message of at most 16777216 bytes, but it has 178258\d\d; send"):
        small.client.ask(small.client.tasks.CreateTask, huge)


def test_large_headers_are_refused(small: Paidan) -> None:
    with pytest.raises(grpc.RpcError) as error:
        small.client.tasks.CreateTask(request(small), metadata=(("x-large", "y" * 20_000),), timeout=10)
    assert error.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED and took(small) is not None


def test_more_connections_than_there_is_room_for(small: Paidan) -> None:
    """Those beyond are closed; those that say nothing are closed too; who is connected goes on."""
    assert took(small) is not None
    host, _, port = small.address.rpartition(":")
    with ExitStack() as opened:
        silent = [opened.enter_context(socket.create_connection((host, int(port)), 10)) for _ in range(200)]
        for one in silent:
            one.settimeout(0)
        until(lambda: all(map(closed, silent)), "silent connections to be closed", 10)
        assert took(small) is not None
    with closing(Client(small.address, "late")) as client:
        assert client.tasks.CreateTask(request(small), timeout=10).number


def closed(connection: socket.socket) -> bool:
    try:
        while connection.recv(4_096):
            pass
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True
