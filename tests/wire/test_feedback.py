"""The requester's opinion over the wire and at the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import grpc
import pytest
from paidan.v1 import agents_pb2
from paidan.v1 import tasks_pb2 as pb
from paidan.v1.audit_pb2 import (
    ASSIGNMENT_OUTCOME_COMPLETED,
    ASSIGNMENT_OUTCOME_IN_FORCE,
    GetTaskHistoryRequest,
    ListAssignmentsRequest,
)
from paidan.v1.measures_pb2 import GetMeasuresRequest

from tests.wire.served import Served, fresh
from tests.wire.telling import refused
from tests.wire.test_cli import Cli
from tests.wire.watcher import Desktop

RULES = """\
workspace: {workspace}
rules:
  - {{id: asked, task_type: ticket, method: claim, feedback: {{raise_priority: 30, reopen_limit: 1}}}}
  - {{id: not-asked, task_type: call, method: claim}}
"""
CODE = grpc.StatusCode


@pytest.fixture(scope="module")
def asking(served: Served) -> Served:
    served.apply_rules(RULES)
    specs = [agents_pb2.AgentSpec(agent_id=name, capacity=99) for name in ("A1", "A2")]
    served.agents.ApplyRoster(agents_pb2.ApplyRosterRequest(parent=served.parent, agents=specs))
    return served


class Done:
    """A ticket that A1 has completed."""

    def __init__(self, served: Served, task_type: str = "ticket") -> None:
        self.served = served
        made = served.tasks.CreateTask(pb.CreateTaskRequest(parent=served.parent, task_type=task_type))
        self.name, self.number = made.name, made.number
        served.tasks.ClaimTask(pb.ClaimTaskRequest(parent=served.parent, agent="A1", task=self.number))
        self.complete()

    def complete(self) -> None:
        grant = self.served.writer.state.tasks[self.number].grant
        self.served.tasks.StartTask(pb.StartTaskRequest(name=self.name, agent="A1", grant=grant))
        done = self.served.tasks.CompleteTask(pb.CompleteTaskRequest(name=self.name, agent="A1", grant=grant))
        self.position = done.position

    def feedback(self, **fields: Any) -> pb.GiveFeedbackResponse:
        answer = self.served.tasks.GiveFeedback(pb.GiveFeedbackRequest(name=self.name, **fields))
        self.position = answer.position
        return answer

    def shown(self) -> pb.Task:
        request = pb.GetTaskRequest(name=self.name, min_position=self.position)
        return self.served.tasks.GetTask(request).task


def test_satisfied_closes_it_and_a_repeat_is_told_the_same(asking: Served) -> None:
    done, given = Done(asking), fresh()
    awaited = done.shown()
    assert (awaited.status, awaited.agent, awaited.feedback.opinion) == (pb.TASK_STATUS_COMPLETED, "A1", "awaited")
    assert awaited.feedback.due_time.seconds - awaited.end_time.seconds == 7 * 86_400
    first = done.feedback(satisfied=True, score=5, note="call 13800001234", request_id=given)
    assert done.feedback(satisfied=True, score=5, note="call 13800001234", request_id=given) == first
    closed = done.shown()
    assert closed.status == pb.TASK_STATUS_CLOSED and not closed.feedback.HasField("due_time")
    told = closed.feedback
    assert (told.opinion, told.score, told.note, told.close_reason) == ("satisfied", 5, "call 138****1234", "satisfied")
    assert refused(done.feedback, satisfied=True).reason == "TASK_ENDED"


def test_what_is_opened_again_is_his_who_had_it_and_he_is_told(asking: Served) -> None:
    desktop = Desktop(asking.channel, asking.parent, "A1").reaches(asking.writer.position)
    done = Done(asking)
    done.feedback(satisfied=False, note="still broken")
    change = desktop.reaches(done.position).changes[-1]
    desktop.close()
    assert (change.kind, change.number, change.reason, change.held) == ("assigned", done.number, "still broken", True)
    task = done.shown()
    assert (task.status, task.agent, task.priority) == (pb.TASK_STATUS_ASSIGNED, "A1", 30)
    assert (task.feedback.opinion, task.feedback.reopened) == ("unsatisfied", 1)
    request = ListAssignmentsRequest(parent=asking.parent, task=done.number, min_position=done.position)
    outcomes = {one.outcome for one in asking.audit.ListAssignments(request).assignments}
    assert outcomes == {ASSIGNMENT_OUTCOME_COMPLETED, ASSIGNMENT_OUTCOME_IN_FORCE}


def test_the_second_time_a_supervisor_is_told_and_gives_it_to_another(asking: Served) -> None:
    done = Done(asking)
    done.feedback(satisfied=False)
    done.complete()
    done.feedback(satisfied=False)
    listed = pb.ListTasksRequest(
        parent=asking.parent, filter='status = "completed" AND escalated = true', min_position=done.position
    )
    assert [one.number for one in asking.tasks.ListTasks(listed).tasks] == [done.number]
    assert refused(done.feedback, satisfied=True).reason == "FEEDBACK_GIVEN"
    given = asking.tasks.ReassignTask(pb.ReassignTaskRequest(name=done.name, agent="A2"))
    done.position = given.position
    assert (done.shown().agent, done.shown().grant) == ("A2", given.grant)
    history = asking.audit.GetTaskHistory(GetTaskHistoryRequest(name=done.name, min_position=given.position))
    reopened = [json.loads(one.data_json) for one in history.events if one.type == "TaskReopened.v1"]
    assert [one["cause"] for one in reopened] == ["unsatisfied", "supervisor"]


def test_measures_count_opinions(asking: Served) -> None:
    done = Done(asking)
    done.feedback(satisfied=False)
    request = GetMeasuresRequest(parent=asking.parent, min_position=done.position)
    figures = asking.measures.GetMeasures(request).measures[0]
    assert figures.unsatisfied and figures.reopened


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": "tasks/1", "satisfied": True}, "name"),
        ({}, "satisfied"),
        ({"satisfied": True, "score": 6}, "score"),
        ({"satisfied": True, "score": -1}, "score"),
        ({"satisfied": True, "note": "x" * 5_000}, "note"),
        ({"satisfied": True, "request_id": "x" * 5_000}, "request_id"),
    ],
)
def test_a_bad_opinion_names_its_field(asking: Served, fields: dict[str, Any], field: str) -> None:
    valid = {"name": asking.name("tasks", 1)}
    found = refused(asking.tasks.GiveFeedback, pb.GiveFeedbackRequest(**(valid | fields)))
    assert (found.code, found.fields) == (CODE.INVALID_ARGUMENT, [field]), found.violations


def test_what_is_refused(asking: Served) -> None:
    unknown = pb.GiveFeedbackRequest(name=asking.name("tasks", 9_999), satisfied=True)
    found = refused(asking.tasks.GiveFeedback, unknown)
    assert (found.code, found.reason) == (CODE.NOT_FOUND, "TASK_UNKNOWN")
    found = refused(Done(asking, "call").feedback, satisfied=True)
    assert (found.code, found.reason) == (CODE.FAILED_PRECONDITION, "TASK_ENDED")
    opened = Done(asking)
    opened.feedback(satisfied=False)
    found = refused(opened.feedback, satisfied=True)
    assert (found.code, found.reason) == (CODE.FAILED_PRECONDITION, "NOT_COMPLETED")


def test_the_command_line(asking: Served, tmp_path: Path) -> None:
    cli, done = Cli(asking, tmp_path), Done(asking)
    cli("tasks", "feedback", done.number, code=2)
    cli("tasks", "feedback", done.number, "--satisfied", "--score", 6, code=2)
    assert "awaited until" in cli("tasks", "show", done.number).stdout
    told = cli("tasks", "feedback", done.number, "--unsatisfied", "--score", 2, "--note", "still broken").stdout
    assert told.startswith(f"The requester of task {done.number} is unsatisfied (position ")
    shown = cli("tasks", "show", done.number).stdout
    assert "unsatisfied, 2 of 5: still broken" in shown and "reopened" in shown
    assert "NOT_COMPLETED" in cli("tasks", "feedback", done.number, "--satisfied", code=1).stderr
    done.complete()
    assert cli.json("tasks", "feedback", done.number, "--satisfied")[0]["position"] > done.position
