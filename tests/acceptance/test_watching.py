"""Agents' streams outlive the server: killed or succeeded, a desktop goes on where it was, without gap or double."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from paidan.v1 import tasks_pb2 as pb

from adapters.grpc_api.readiness import wait_until_serving
from engine import events as ev
from tests.acceptance.bank import database
from tests.acceptance.serving import Paidan, directory, until
from tests.wire.watcher import Desktop

RULES = "workspace: watched\nrules:\n  - {id: pushed, task_type: call, method: push}\n"
ROSTER = "agents:\n  - {id: ann, capacity: 100000}\n  - {id: bob, capacity: 100000}\n"

Seen = list[tuple[int, int]]
"""(grant, task) in the order they were told."""


@pytest.fixture
def pair(postgres: str) -> Iterator[tuple[Paidan, Paidan]]:
    """A server with rules and two agents, and one that is yet to start, on the same database."""
    with directory() as data, database(postgres, "watched") as dsn, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PAIDAN_NATS", "off")
        servers = Paidan(data / "a", "watched", dsn), Paidan(data / "b", "watched", dsn)
        servers[0].start()
        servers[0].told("rules", "apply", str(_written(data / "rules.yaml", RULES)))
        servers[0].told("agents", "apply", str(_written(data / "team.yaml", ROSTER)))
        yield servers
        for server in servers:
            assert server.stop() == 0, server.said()


def _written(file: Path, text: str) -> Path:
    file.write_text(text)
    return file


def create(served: Paidan, number: int, request_id: str) -> list[int]:
    """As many tasks at once."""
    requests = [pb.CreateTaskRequest(task_type="call", customer=f"C{place}") for place in range(number)]
    request = pb.BatchCreateTasksRequest(parent=served.parent, requests=requests, request_id=request_id)
    return list(served.client.ask(served.client.tasks.BatchCreateTasks, request).numbers)


def given(served: Paidan, agent: str) -> Seen:
    """What the log says the agent was given."""
    with served.log() as log:
        return [
            (recorded.position, task)
            for recorded in log.replay()
            if isinstance(recorded.event, ev.TasksAllocated)
            for task, who in zip(recorded.event.tasks, recorded.event.who, strict=True)
            if recorded.event.agents[who] == agent
        ]


def seen(*desktops: Desktop) -> Seen:
    return [(change.grant, change.number) for one in desktops for change in one.changes]


def all_given(served: Paidan, tasks: int) -> bool:
    return len(given(served, "ann")) + len(given(served, "bob")) == tasks


def test_a_server_killed_in_the_midst_of_it(pair: tuple[Paidan, Paidan]) -> None:
    served = pair[0]
    channel = grpc.insecure_channel(served.address)
    desktops = [Desktop(channel, served.parent, "ann").sees(lambda one: one.snapshot is not None, "a snapshot")]
    numbers: list[int] = []
    for turn in range(2):
        numbers += create(served, 40, f"batch-{turn}")
        served.process("server").kill()
        assert desktops[-1].ends().code() == grpc.StatusCode.UNAVAILABLE
        assert wait_until_serving(served.address, 30), served.said()
        assert create(served, 40, f"batch-{turn}") == numbers[-40:], "a repeat after a restart gets the same numbers"
        desktops.append(Desktop(channel, served.parent, "ann", desktops[-1].position))
    until(lambda: all_given(served, 80), "all to be given", 30)
    expected = given(served, "ann")
    desktops[-1].reaches(expected[-1][0])
    assert seen(*desktops) == expected and len(expected) == 40 and numbers == list(range(1, 81))
    assert all(change.task.customer for one in desktops for change in one.changes)
    desktops[-1].close()
    channel.close()


def test_a_server_that_stands_by_tells_too_and_goes_on_as_the_owner(pair: tuple[Paidan, Paidan]) -> None:
    first, second = pair
    second.start(serving=False)
    channel = grpc.insecure_channel(second.address)
    grpc.channel_ready_future(channel).result(30)
    one = Desktop(channel, second.parent, "ann").sees(lambda one: one.snapshot is not None, "a snapshot")
    create(first, 20, "while-standing-by")
    one.sees(lambda one: len(one.changes) == 10, "what the other server gave")
    first.kill_supervisor()
    assert wait_until_serving(second.address, 30), second.said()
    create(second, 20, "as-the-owner")
    until(lambda: all_given(second, 40), "all to be given", 30)
    expected = given(second, "ann")
    one.reaches(expected[-1][0])
    assert seen(one) == expected and len(expected) == 20
    one.close()
    channel.close()
