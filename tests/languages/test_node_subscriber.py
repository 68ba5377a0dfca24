"""The Node subscriber of examples/ hears of the main job; what it prints is held against the server's own answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from paidan.v1.audit_pb2 import Assignment, ListAssignmentsRequest

from adapters.processes.embedded_nats import running_nats
from tests.acceptance.serving import Paidan
from tests.languages import node
from tests.languages.conftest import serving

GIVEN = "paidan.task.assigned.v1"


@pytest.fixture(scope="module")
def paidan(postgres: str) -> Iterator[Paidan]:
    """A server that was given the main job by the Node client."""
    for script in (node.CLIENT, node.SUBSCRIBER):
        node.install(script)
    with serving(postgres, "subscribed") as served:
        node.run(node.CLIENT, served.address, served.workspace)
        served.caught_up()
        yield served


@contextmanager
def subscriber(paidan: Paidan, *agent: str) -> Iterator[Iterator[list[str]]]:
    """Its lines as they come, each as id, type, what it is about, and data; it is killed in the end.

    What it printed before that can be read afterwards: it may have been quicker than the kill.
    """
    url = running_nats(paidan.data)
    assert url is not None
    process = node.start(node.SUBSCRIBER, url, paidan.workspace, *agent)
    try:
        assert process.stdout is not None
        yield (line.rstrip().split(" ", 3) for line in process.stdout if line.endswith("\n"))
    finally:
        process.kill()
        process.wait()


def address(fact: list[str]) -> tuple[int, int]:
    """Position and index in the log."""
    position, _, index = fact[0].partition(".")
    return int(position), int(index)


def until_given(facts: Iterator[list[str]], grant: int) -> list[list[str]]:
    """What is heard up to the assignment of this grant."""
    heard = []
    for fact in facts:
        heard.append(fact)
        if fact[1] == GIVEN and address(fact)[0] == grant:
            return heard
    raise AssertionError(f"Expected the subscriber to go on to grant {grant}, but it ended")


def assignments(paidan: Paidan, **of: Any) -> list[Assignment]:
    return list(paidan.client.audit.ListAssignments(ListAssignmentsRequest(parent=paidan.parent, **of)).assignments)


def given(heard: list[list[str]]) -> set[tuple[int, str, int]]:
    """Task, agent and grant of each fact that gave a task to somebody."""
    found = [json.loads(fact[3]) for fact in heard if fact[1] == GIVEN]
    return {(data["task"], data["agent"], data["grant"]) for data in found}


def held(found: list[Assignment]) -> set[tuple[int, str, int]]:
    """The same by the server's own account."""
    return {(one.task, one.agent, one.grant) for one in found}


def test_it_hears_of_everything_in_order_though_it_is_killed(paidan: Paidan) -> None:
    numbers = [task["number"] for task in paidan.told("tasks", "list")]
    wanted = held([one for number in numbers for one in assignments(paidan, task=number)])
    with subscriber(paidan) as facts:
        heard = [next(facts) for _ in range(10)]
    heard += facts
    with subscriber(paidan) as facts:
        heard += until_given(facts, max(grant for _, _, grant in wanted))
    addresses = list(dict.fromkeys(map(address, heard)))  # the one that was not acknowledged comes twice
    assert addresses == sorted(addresses) and addresses[0] == (1, 0)
    assert given(heard) == wanted != set()


def test_it_follows_one_agent(paidan: Paidan) -> None:
    wanted = held(assignments(paidan, agent="chen-jing"))
    with subscriber(paidan, "chen-jing") as facts:
        heard = until_given(facts, max(grant for _, _, grant in wanted))
    assert given(heard) == wanted != set()
