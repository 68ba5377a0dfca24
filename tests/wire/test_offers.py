"""Offers over the wire: accepted, rejected, seen by desktops, in lists and at the command line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from paidan.v1 import agents_pb2
from paidan.v1 import tasks_pb2 as pb
from paidan.v1.audit_pb2 import (
    ASSIGNMENT_OUTCOME_IN_FORCE,
    ASSIGNMENT_OUTCOME_REJECTED,
    GetTaskHistoryRequest,
    ListAssignmentsRequest,
)

from tests.acceptance.serving import until
from tests.wire.served import Served
from tests.wire.telling import Refused, refused
from tests.wire.test_cli import Cli
from tests.wire.watcher import Desktop

RULES = """\
workspace: {workspace}
rules:
  - {{id: asked, task_type: ticket, method: offer, strategy: [round_robin], offer: {{accept_within: 1h, rounds: 2}}}}
"""
PRECONDITION = grpc.StatusCode.FAILED_PRECONDITION


@pytest.fixture(scope="module")
def ruled(served: Served) -> Served:
    served.apply_rules(RULES)
    specs = [agents_pb2.AgentSpec(agent_id=name, capacity=9) for name in ("A1", "A2")]
    served.agents.ApplyRoster(agents_pb2.ApplyRosterRequest(parent=served.parent, agents=specs))
    return served


@pytest.fixture
def ticket(ruled: Served) -> Iterator[pb.Task]:
    """Offered to A1 or A2."""
    made = ruled.tasks.CreateTask(pb.CreateTaskRequest(parent=ruled.parent, task_type="ticket", customer="C1"))
    yield shown(ruled, made.name)
    task = shown(ruled, made.name)
    if not task.HasField("end_time"):
        ruled.tasks.CancelTask(pb.CancelTaskRequest(name=task.name, grant=task.grant))


def shown(served: Served, name: str) -> pb.Task:
    """The task once it is in somebody's hands, over, or set aside."""
    number = int(name.rsplit("/", 1)[1])
    until(lambda: _settled(served, number), "the task to be offered, or to wait for a supervisor")
    return served.tasks.GetTask(pb.GetTaskRequest(name=name, min_position=served.writer.position)).task


def _settled(served: Served, number: int) -> bool:
    task = served.writer.state.tasks.get(number)
    asking = task.asked_under("asked") if task is not None else None
    return task is None or task.status != "pooled" or (asking is not None and asking.set_aside)


def asked(task: pb.Task) -> dict[str, Any]:
    return {"name": task.name, "agent": task.agent, "grant": task.grant}


def test_an_offer_is_shown_and_accepted(ruled: Served, ticket: pb.Task) -> None:
    assert ticket.status == pb.TASK_STATUS_OFFERED and ticket.agent in ("A1", "A2") and ticket.rule == "asked"
    assert ticket.offered_until_time.ToMilliseconds() == ticket.assign_time.ToMilliseconds() + 3_600_000
    found = refused(ruled.tasks.StartTask, pb.StartTaskRequest(**asked(ticket)))
    assert (found.code, found.reason) == (PRECONDITION, "OFFER_NOT_ACCEPTED")
    ruled.tasks.AcceptOffer(pb.AcceptOfferRequest(**asked(ticket), request_id="yes"))
    held = shown(ruled, ticket.name)
    assert (held.status, held.grant) == (pb.TASK_STATUS_ASSIGNED, ticket.grant)
    assert not held.HasField("offered_until_time")
    ruled.tasks.AcceptOffer(pb.AcceptOfferRequest(**asked(ticket), request_id="yes"))
    found = refused(ruled.tasks.AcceptOffer, pb.AcceptOfferRequest(**asked(ticket)))
    assert (found.code, found.reason) == (PRECONDITION, "NOT_OFFERED")
    ruled.tasks.StartTask(pb.StartTaskRequest(**asked(ticket)))


def test_who_rejects_passes_it_on_until_a_supervisor_has_to_look(ruled: Served, ticket: pb.Task) -> None:
    ruled.tasks.RejectOffer(pb.RejectOfferRequest(**asked(ticket), note="13812345678 does not answer"))
    second = shown(ruled, ticket.name)
    assert second.status == pb.TASK_STATUS_OFFERED and {second.agent, ticket.agent} == {"A1", "A2"}
    assert second.let_pass == 1 and second.grant > ticket.grant
    ruled.tasks.RejectOffer(pb.RejectOfferRequest(**asked(second)))
    left = shown(ruled, ticket.name)
    assert (left.status, left.waiting_for, left.escalated, left.let_pass) == (
        pb.TASK_STATUS_POOLED, "to_be_assigned", True, 2,
    )  # fmt: skip
    ruled.tasks.ReassignTask(pb.ReassignTaskRequest(name=ticket.name, agent="A1"))
    listed = ruled.audit.ListAssignments(
        ListAssignmentsRequest(parent=ruled.parent, task=ticket.number, min_position=ruled.writer.position)
    )
    outcomes = [one.outcome for one in listed.assignments]
    assert sorted(outcomes) == [ASSIGNMENT_OUTCOME_IN_FORCE, ASSIGNMENT_OUTCOME_REJECTED, ASSIGNMENT_OUTCOME_REJECTED]


def test_a_history_tells_of_the_offer_and_its_end(ruled: Served, ticket: pb.Task) -> None:
    ruled.tasks.RejectOffer(pb.RejectOfferRequest(**asked(ticket), note="no"))
    shown(ruled, ticket.name)
    request = GetTaskHistoryRequest(name=ticket.name, min_position=ruled.writer.position)
    events = list(ruled.audit.GetTaskHistory(request).events)
    assert [event.type for event in events] == [
        "TaskCreated.v1", "TasksPooled.v1", "TasksAllocated.v1", "OffersReturned.v1", "TasksPooled.v1",
        "TasksAllocated.v1",
    ]  # fmt: skip
    assert '"offered_until":' in events[2].data_json and '"note":"no"' in events[3].data_json


def test_a_desktop_is_asked_and_sees_what_became_of_it(ruled: Served) -> None:
    desktops = {agent: Desktop(ruled.channel, ruled.parent, agent, 0) for agent in ("A1", "A2")}
    try:
        for one in desktops.values():
            one.sees(lambda one: one.snapshot is not None, "a snapshot")
        made = ruled.tasks.CreateTask(pb.CreateTaskRequest(parent=ruled.parent, task_type="ticket", customer="C7"))
        task = shown(ruled, made.name)
        first = desktops[task.agent]
        offer = first.sees(lambda one: one.changes, "an offer").changes[0]
        assert (offer.kind, offer.held, offer.method, offer.grant) == ("offered", True, "offer", task.grant)
        assert offer.task.customer == "C7" and offer.task.status == pb.TASK_STATUS_OFFERED
        assert offer.until == offer.task.offered_until_time == task.offered_until_time
        ruled.tasks.RejectOffer(pb.RejectOfferRequest(**asked(task)))
        gone = first.sees(lambda one: len(one.changes) > 1, "the end of it").changes[1]
        assert (gone.kind, gone.held, gone.reason) == ("offer_returned", False, "rejected")
        task = shown(ruled, made.name)
        ruled.tasks.AcceptOffer(pb.AcceptOfferRequest(**asked(task)))
        kinds = desktops[task.agent].sees(lambda one: len(one.changes) > 1, "the acceptance").changes
        assert [change.kind for change in kinds] == ["offered", "accepted"] and kinds[1].held
    finally:
        for one in desktops.values():
            one.close()


@pytest.mark.parametrize("fields", [{"name": "tasks/1"}, {"agent": ""}, {"grant": 0}, {"request_id": "x\ny"}])
def test_what_an_answer_has_to_say(ruled: Served, ticket: pb.Task, fields: dict[str, Any]) -> None:
    for ask, request in (
        (ruled.tasks.AcceptOffer, pb.AcceptOfferRequest(**(asked(ticket) | fields))),
        (ruled.tasks.RejectOffer, pb.RejectOfferRequest(**(asked(ticket) | fields))),
    ):
        found: Refused = refused(ask, request)
        assert found.code == grpc.StatusCode.INVALID_ARGUMENT


def test_the_command_line(ruled: Served, ticket: pb.Task, tmp_path: Path) -> None:
    cli = Cli(ruled, tmp_path)
    (listed,) = cli.json("tasks", "list", "--status", "offered", "--filter", f"number = {ticket.number}")
    assert listed["agent"] == ticket.agent and listed["status"] == "offered"
    assert f"has let task {ticket.number} pass" in cli("tasks", "reject", ticket.number, "--note", "lunch").stdout
    other = shown(ruled, ticket.name)
    told = cli("tasks", "accept", ticket.number).stdout
    assert f"{other.agent} holds task {ticket.number} under grant {other.grant}" in told
    assert "offered until" not in cli("tasks", "show", ticket.number).stdout
    assert "NOT_OFFERED" in cli("tasks", "reject", ticket.number, code=1).output
