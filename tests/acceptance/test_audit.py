"""``paidan verify`` finds what was changed behind the server's back; views are built anew while the server works."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from paidan.v1.agents_pb2 import ListAgentsRequest
from paidan.v1.tasks_pb2 import (
    ClaimTaskRequest,
    CompleteTaskRequest,
    CreateTaskRequest,
    ListTasksRequest,
    StartTaskRequest,
)

from adapters.grpc_api.client import Client
from projections.catalogue import VIEWS
from tests.acceptance.serving import EXAMPLES, Paidan

CLAIMERS = ("chen-jing", "lin-wei", "guo-fang")


@pytest.fixture(scope="module")
def busy(desk: Paidan) -> Paidan:
    """The desk with a little of everything in its log."""
    kind = ("--mapping", str(EXAMPLES / "packages" / "mapping.yaml"), "--task-type", "follow_up")
    desk.told("packages", "import", str(EXAMPLES / "packages" / "overdue.csv"), *kind)
    number = str(desk.told("tasks", "create", "complaint", "--customer", "C7")[0]["number"])
    desk.told("tasks", "claim", "chen-jing", "--task", number)
    desk.told("tasks", "start", number)
    return desk


@contextmanager
def changed(desk: Paidan, table: str, change: str, where: str) -> Iterator[None]:
    """Rows of a table changed for as long as the ``with`` lasts."""
    with desk.database() as database:
        database.execute(f"CREATE TEMP TABLE kept AS SELECT * FROM {table} WHERE {where}")
        assert database.execute(f"UPDATE {table} SET {change} WHERE {where}").rowcount == 1
        try:
            yield
        finally:
            database.execute(f"DELETE FROM {table} WHERE {where}")
            database.execute(f"INSERT INTO {table} SELECT * FROM kept")


def test_all_is_well(busy: Paidan) -> None:
    found = busy.run("verify")
    assert "ok    chain" in found.stdout and "WRONG" not in found.stdout
    assert [finding["subject"] for finding in busy.told("verify")[0]["findings"]] == [
        "chain", *(view.name for view in VIEWS), "state",
    ]  # fmt: skip


def test_a_changed_event_is_found_by_its_position(busy: Paidan) -> None:
    byte = "state = overlay(state placing 'Z'::bytea from position('\"actor\"'::bytea in state) + 9)"
    with changed(busy, "stored_events", byte, "originator_version = 5"):
        found = busy.run("verify", code=1)
    assert "WRONG chain" in found.stdout and "the hash of event 5, but" in found.stdout
    assert "Expected the log to hold together" in found.stderr


@pytest.mark.parametrize(
    ("view", "change", "where", "key"),
    [
        ("tasks", "priority = 99", "number = 1", "tasks (number 1)"),
        ("agents", "capacity = 31", "id = 'chen-jing'", "agents (id chen-jing)"),
        ("packages", "rejected = 7", "number = 1", "packages (number 1)"),
        ("rule_sets", "reason = 'nothing'", "version = 1", "rule_sets (version 1)"),
    ],
)
def test_a_changed_row_is_found_by_view_and_key(busy: Paidan, view: str, change: str, where: str, key: str) -> None:
    with changed(busy, view, change, where):
        found = busy.wrong()
    assert found.keys() in ({view}, {view, "state"})
    assert key in found[view] and "but the view has" in found[view]


def test_every_view_is_built_anew_while_work_goes_on(busy: Paidan) -> None:
    """Creating, claiming, completing and asking never stop; what was just done is always shown."""
    over, faults, asked = threading.Event(), list[str](), list[int]()

    def guarded(work: threading.Thread | object) -> None:
        try:
            while not over.is_set():
                work()  # type: ignore[operator]
        except Exception as error:
            faults.append(repr(error))

    works = [threading.Thread(target=guarded, args=(work,)) for work in (Working(busy), Asking(busy, asked))]
    for work in works:
        work.start()
    try:
        for view in VIEWS:
            told = busy.told("views", "rebuild", view.name)[-1]
            assert told["complete"] and told["position"] >= told["total"]
    finally:
        over.set()
        for work in works:
            work.join()
    assert not faults and len(asked) > 10
    busy.caught_up()
    assert not busy.wrong()


def test_a_view_that_does_not_exist(busy: Paidan) -> None:
    found = busy.refused("views", "rebuild", "tusks")
    assert "VIEW_UNKNOWN" in found and "tasks" in found


class Working:
    """A complaint comes in, and somebody claims it, begins and is done with it."""

    def __init__(self, desk: Paidan) -> None:
        self._desk, self._client, self._turn = desk, Client(desk.address, "worker"), 0

    def __call__(self) -> None:
        self._turn += 1
        client, agent = self._client, CLAIMERS[self._turn % len(CLAIMERS)]
        client.ask(client.tasks.CreateTask, CreateTaskRequest(parent=self._desk.parent, task_type="complaint"))
        held = client.ask(client.tasks.ClaimTask, ClaimTaskRequest(parent=self._desk.parent, agent=agent))
        begun = StartTaskRequest(name=held.name, agent=agent, grant=held.grant)
        client.ask(client.tasks.StartTask, begun)
        done = {"cause": "fee", "disposition": "refund", "note": "paid"}
        ended = CompleteTaskRequest(name=held.name, agent=agent, grant=held.grant, wrap_up=done)
        client.ask(client.tasks.CompleteTask, ended)


class Asking:
    """A task comes in and is looked for at once, in two views."""

    def __init__(self, desk: Paidan, asked: list[int]) -> None:
        self._parent, self._client, self._asked = desk.parent, Client(desk.address, "asker"), asked

    def __call__(self) -> None:
        client = self._client
        made = client.ask(client.tasks.CreateTask, CreateTaskRequest(parent=self._parent, task_type="odd_job"))
        wanted = ListTasksRequest(parent=self._parent, filter=f"number = {made.number}", min_position=made.position)
        found = client.ask(client.tasks.ListTasks, wanted)
        assert [task.number for task in found.tasks] == [made.number] and found.position >= made.position
        agents = ListAgentsRequest(parent=self._parent, min_position=made.position)
        assert len(client.ask(client.agents.ListAgents, agents).agents) == 8
        self._asked.append(made.number)
