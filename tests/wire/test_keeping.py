"""Handing over, locking and unlocking over the wire."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from paidan.v1 import agents_pb2
from paidan.v1 import tasks_pb2 as pb
from paidan.v1.audit_pb2 import (
    ASSIGNMENT_OUTCOME_HANDED_OVER,
    ASSIGNMENT_OUTCOME_IN_FORCE,
    ASSIGNMENT_OUTCOME_RECYCLED,
    GetTaskHistoryRequest,
    ListAssignmentsRequest,
    ReadEventsRequest,
)

from adapters.grpc_api.event_messages import about_task
from engine import events as ev
from tests.wire.served import Served, fresh
from tests.wire.telling import Refused, refused

RULES = """\
workspace: {workspace}
rules:
  - {{id: claimed, task_type: ticket, method: claim, lock_max: 1h, handover: {{raise_priority: 30, limit: 1}}}}
  - {{id: capped, task_type: call, method: claim, cap_per_agent: 1}}
  - {{id: by-hand, task_type: case, method: manual}}
  - {{id: limited, task_type: complaint, method: claim, sla: {{resolve_within: 30m}}}}
"""
CODE = grpc.StatusCode
INVALID, NOT_FOUND, PRECONDITION, STALE = (
    CODE.INVALID_ARGUMENT,
    CODE.NOT_FOUND,
    CODE.FAILED_PRECONDITION,
    CODE.ABORTED,
)


@pytest.fixture(scope="module")
def ruled(served: Served) -> Served:
    served.apply_rules(RULES)
    specs = [agents_pb2.AgentSpec(agent_id=name, capacity=99) for name in ("A1", "A2")]
    specs.append(agents_pb2.AgentSpec(agent_id="A3", capacity=1))
    served.agents.ApplyRoster(agents_pb2.ApplyRosterRequest(parent=served.parent, agents=specs))
    return served


class Held:
    """A ticket of A1's, and what he asks about it."""

    def __init__(self, served: Served, task_type: str = "ticket") -> None:
        self.served = served
        made = served.tasks.CreateTask(pb.CreateTaskRequest(parent=served.parent, task_type=task_type))
        self.name, self.number = made.name, made.number
        self.grant = self.claim("A1").grant

    def claim(self, agent: str) -> pb.ClaimTaskResponse:
        return self.served.tasks.ClaimTask(
            pb.ClaimTaskRequest(parent=self.served.parent, agent=agent, task=self.number)
        )

    @property
    def mine(self) -> pb.HeldTask:
        return pb.HeldTask(task=self.number, grant=self.grant)

    def lock(self, seconds: float = 60, **fields: Any) -> pb.LockTaskResponse:
        period = Duration(seconds=int(seconds), nanos=int(seconds % 1 * 1e9))
        asked = {"name": self.name, "agent": "A1", "grant": self.grant, "period": period} | fields
        return self.served.tasks.LockTask(pb.LockTaskRequest(**asked))

    def unlock(self, **fields: Any) -> pb.UnlockTaskResponse:
        asked = {"name": self.name, "agent": "A1", "grant": self.grant} | fields
        return self.served.tasks.UnlockTask(pb.UnlockTaskRequest(**asked))


def hand_over(served: Served, *tasks: pb.HeldTask, **fields: Any) -> pb.HandOverTasksResponse:
    asked = {"parent": served.parent, "agent": "A1", "tasks": tasks} | fields
    return served.tasks.HandOverTasks(pb.HandOverTasksRequest(**asked))


@contextmanager
def offline(served: Served, agent: str) -> Iterator[agents_pb2.SetPresenceResponse]:
    """The agent goes, and comes back."""
    request = agents_pb2.SetPresenceRequest(name=served.name("agents", agent), presence=agents_pb2.PRESENCE_OFFLINE)
    try:
        yield served.agents.SetPresence(request)
    finally:
        request.presence = agents_pb2.PRESENCE_AVAILABLE
        served.agents.SetPresence(request)


def events(served: Served, after: int, through: int) -> list[str]:
    request = ReadEventsRequest(parent=served.parent, from_position=after + 1)
    found: list[str] = []
    for batch in served.audit.ReadEvents(request):
        found += [one.type for one in batch.events if one.position <= through]
    return found


def position(served: Served) -> int:
    return int(served.writer.position)


def test_it_goes_back_to_the_pool_and_can_be_claimed_again(ruled: Served) -> None:
    held = Held(ruled)
    before = position(ruled)
    done = hand_over(ruled, held.mine, note="speaks Cantonese")
    assert events(ruled, before, done.position) == ["TasksHandedOver.v1", "TasksPooled.v1"]
    assert ruled.writer.state.tasks[held.number].priority == 30
    assert held.claim("A2").grant > done.position


def test_several_go_to_another_agent_together(ruled: Served) -> None:
    both = Held(ruled), Held(ruled)
    before = position(ruled)
    done = hand_over(ruled, *(held.mine for held in both), to_agent="A2")
    assert events(ruled, before, done.position) == ["TasksHandedOver.v1", "TaskReassigned.v1", "TaskReassigned.v1"]
    assert all(ruled.writer.state.tasks[held.number].agent == "A2" for held in both)
    for held in both:
        ruled.tasks.CancelTask(pb.CancelTaskRequest(name=held.name, grant=ruled.writer.state.tasks[held.number].grant))


def test_all_or_none(ruled: Served) -> None:
    one, other = Held(ruled), Held(ruled)
    before = position(ruled)
    stale = pb.HeldTask(task=other.number, grant=other.grant + 1)
    found = refused(hand_over, ruled, one.mine, stale, request_id=fresh())
    assert (found.code, found.reason) == (STALE, "STALE_GRANT") and str(other.number) in found.message
    assert events(ruled, before, position(ruled)) == ["CommandRefused.v1"]
    assert ruled.writer.state.tasks[one.number].agent == "A1"


def test_it_goes_into_another_rule_s_pool(ruled: Served) -> None:
    held = Held(ruled)
    hand_over(ruled, held.mine, to_rule="by-hand")
    assert ruled.writer.state.tasks[held.number].rule == "by-hand"
    assert refused(held.claim, "A2").reason == "NOT_CLAIMABLE"


def test_the_second_time_a_supervisor_is_told(ruled: Served) -> None:
    held = Held(ruled)
    hand_over(ruled, held.mine)
    held.grant = held.claim("A1").grant
    before = position(ruled)
    done = hand_over(ruled, held.mine)
    assert events(ruled, before, done.position) == ["TasksHandedOver.v1", "TasksEscalated.v1", "TasksPooled.v1"]


def test_a_lock_says_when_it_ends_and_a_repeat_says_the_same(ruled: Served) -> None:
    held, given = Held(ruled), fresh()
    first = held.lock(0.25, request_id=given)
    locked = ruled.writer.state.tasks[held.number].marks
    assert first.name == held.name and first.position == position(ruled)
    assert first.locked_until.ToMilliseconds() == locked.locked_until
    renewed = held.lock(3600, note="calls back at five")
    assert renewed.locked_until.ToMilliseconds() > first.locked_until.ToMilliseconds() + 3_000_000
    assert held.lock(0.25, request_id=given) == first
    assert refused(held.lock, 1, request_id=given).reason == "REQUEST_ID_REUSED"


def test_what_is_shown_of_it(ruled: Served) -> None:
    """The task, its history, and the assignments it had."""
    held = Held(ruled)
    locked = held.lock(note="calls back")
    request = pb.GetTaskRequest(name=held.name, min_position=locked.position)
    assert ruled.tasks.GetTask(request).task.locked_until == locked.locked_until
    held.unlock()
    for _ in range(2):
        request.min_position = hand_over(ruled, held.mine, note="speaks Cantonese").position
        held.grant = held.claim("A1").grant
    task = ruled.tasks.GetTask(request).task
    assert (task.handed_over, task.escalated, task.recycled, task.priority) == (2, True, 0, 60)
    assert not task.HasField("locked_until")
    listed = pb.ListTasksRequest(parent=ruled.parent, filter="escalated = true", min_position=held.grant)
    assert held.number in [one.number for one in ruled.tasks.ListTasks(listed).tasks]
    asked = ListAssignmentsRequest(parent=ruled.parent, task=held.number, min_position=held.grant)
    outcomes = [one.outcome for one in ruled.audit.ListAssignments(asked).assignments]
    assert sorted(outcomes) == sorted([ASSIGNMENT_OUTCOME_IN_FORCE, *2 * [ASSIGNMENT_OUTCOME_HANDED_OVER]])
    told = ruled.audit.GetTaskHistory(GetTaskHistoryRequest(name=held.name, min_position=held.grant))
    assert {"TaskLocked.v1", "TaskUnlocked.v1", "TasksEscalated.v1"} <= {one.type for one in told.events}
    data = [json.loads(one.data_json) for one in told.events if one.type == "TasksHandedOver.v1"]
    handed = {"task": held.number, "agent": "A1", "note": "speaks Cantonese", "to_agent": "", "to_rule": ""}
    assert data == [handed | {"priority": 30}, handed | {"priority": 60}]


def test_a_history_says_of_an_escalation_what_concerns_the_task() -> None:
    assert about_task(ev.TasksEscalated((7, 8), "recycle_limit"), 8) == {"task": 8, "reason": "recycle_limit"}


def test_work_that_went_with_its_agent_is_counted_as_recycled(ruled: Served) -> None:
    held = Held(ruled)
    with offline(ruled, "A1") as gone:
        pass
    asked = ListAssignmentsRequest(parent=ruled.parent, task=held.number, min_position=gone.position)
    assert ruled.audit.ListAssignments(asked).assignments[0].outcome == ASSIGNMENT_OUTCOME_RECYCLED
    told = ruled.audit.GetTaskHistory(GetTaskHistoryRequest(name=held.name, min_position=gone.position))
    data = [json.loads(one.data_json) for one in told.events if one.type == "TasksRecycled.v1"]
    assert data == [{"task": held.number, "agent": "A1", "cause": "agent_offline"}]


def test_nobody_takes_what_is_locked_until_it_is_unlocked(ruled: Served) -> None:
    held, given = Held(ruled), fresh()
    held.lock()
    taken = pb.ReassignTaskRequest(name=held.name, agent="A2", grant=held.grant)
    found = refused(ruled.tasks.ReassignTask, taken)
    assert (found.code, found.reason) == (PRECONDITION, "TASK_LOCKED")
    with offline(ruled, "A1"):
        assert ruled.writer.state.tasks[held.number].agent == "A1"
    first = held.unlock(request_id=given)
    assert held.unlock(request_id=given) == first
    assert refused(held.unlock).reason == "NOT_LOCKED"
    assert ruled.tasks.ReassignTask(taken).grant > first.position


def test_a_lock_ends_by_itself(ruled: Served) -> None:
    held = Held(ruled)
    locked = held.lock(0.1)
    history = GetTaskHistoryRequest(name=held.name, min_position=ruled.wait(beyond(ruled, locked.position)))
    unlocked = ruled.audit.GetTaskHistory(history).events[-1]
    assert unlocked.type == "TaskUnlocked.v1" and json.loads(unlocked.data_json)["cause"] == "ended"
    assert unlocked.event_time.ToMilliseconds() >= locked.locked_until.ToMilliseconds()


async def beyond(served: Served, position: int) -> int:
    """The log's next position, once it is durable."""
    async with asyncio.timeout(20):
        await served.writer.wait_beyond(position)
    return served.writer.position


def test_a_lock_past_the_time_limit_is_refused_with_both_figures(ruled: Served) -> None:
    held = Held(ruled, "complaint")
    found = refused(held.lock, 1_801)
    assert (found.code, found.reason) == (PRECONDITION, "LOCK_PAST_DEADLINE")
    told = re.search(r"at most (\d+) ms.* got (\d+) ms", found.message)
    assert told is not None and 1_790_000 < int(told[1]) < 1_800_000 and told[2] == "1801000"


def test_a_locked_task_may_be_handed_over_by_who_locked_it(ruled: Served) -> None:
    held, given = Held(ruled), fresh()
    held.lock()
    first = hand_over(ruled, held.mine, request_id=given)
    assert hand_over(ruled, held.mine, request_id=given) == first
    assert not ruled.writer.state.tasks[held.number].locked


REFUSALS: dict[str, tuple[Callable[[Held], object], CODE, str]] = {
    "a task that is not there": (
        lambda held: hand_over(held.served, pb.HeldTask(task=9_999, grant=1)),
        NOT_FOUND,
        "TASK_UNKNOWN",
    ),
    "another's task": (lambda held: hand_over(held.served, held.mine, agent="A2"), STALE, "STALE_GRANT"),
    "to nobody known": (lambda held: hand_over(held.served, held.mine, to_agent="x"), NOT_FOUND, "AGENT_UNKNOWN"),
    "to himself": (lambda held: hand_over(held.served, held.mine, to_agent="A1"), PRECONDITION, "SAME_AGENT"),
    "to no rule": (lambda held: hand_over(held.served, held.mine, to_rule="x"), NOT_FOUND, "RULE_UNKNOWN"),
    "to two places": (
        lambda held: hand_over(held.served, held.mine, to_rule="by-hand", to_agent="A2"),
        INVALID,
        "HANDOVER_INVALID",
    ),
    "twice the same": (lambda held: hand_over(held.served, held.mine, held.mine), INVALID, "HANDOVER_INVALID"),
    "more than fit": (
        lambda held: hand_over(held.served, held.mine, Held(held.served).mine, to_agent="A3"),
        PRECONDITION,
        "AGENT_AT_CAPACITY",
    ),
    "too long a lock": (lambda held: held.lock(3_600.001), PRECONDITION, "LOCK_TOO_LONG"),
    "another's lock": (lambda held: held.lock(agent="A2"), STALE, "STALE_GRANT"),
    "a lock by an old grant": (lambda held: held.lock(grant=held.grant - 1), STALE, "STALE_GRANT"),
    "unlocking what is not locked": (lambda held: held.unlock(), PRECONDITION, "NOT_LOCKED"),
    "unlocking another's": (lambda held: held.unlock(agent="A2"), STALE, "STALE_GRANT"),
}


@pytest.mark.parametrize("what", REFUSALS)
def test_what_is_refused(ruled: Served, what: str) -> None:
    """With its reason, and with no effect."""
    ask, code, reason = REFUSALS[what]
    held = Held(ruled)
    found = refused(ask, held)
    assert (found.code, found.reason) == (code, reason) and found.message.startswith("Expected")
    task = ruled.writer.state.tasks[held.number]
    assert (task.agent, task.grant, task.locked) == ("A1", held.grant, False)
    ruled.tasks.CancelTask(pb.CancelTaskRequest(name=held.name, grant=held.grant))


def test_caps_hold_for_what_is_handed_over(ruled: Served) -> None:
    held = Held(ruled, "call")
    other = ruled.tasks.CreateTask(pb.CreateTaskRequest(parent=ruled.parent, task_type="call"))
    ruled.tasks.ClaimTask(pb.ClaimTaskRequest(parent=ruled.parent, agent="A2", task=other.number))
    found = refused(hand_over, ruled, held.mine, to_agent="A2")
    assert (found.code, found.reason) == (PRECONDITION, "RULE_CAP_REACHED")


LONG = "x" * 5_000


def _bad_handover(served: Served, **fields: Any) -> Refused:
    return refused(hand_over, served, **({"tasks": [pb.HeldTask(task=1, grant=1)]} | fields))


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"parent": "workspace/x"}, "parent"),
        ({"agent": ""}, "agent"),
        ({"agent": LONG}, "agent"),
        ({"tasks": []}, "tasks"),
        ({"tasks": [pb.HeldTask(task=n, grant=1) for n in range(1, 502)]}, "tasks"),
        ({"tasks": [pb.HeldTask(task=1, grant=1), pb.HeldTask(grant=1)]}, "tasks[1].task"),
        ({"tasks": [pb.HeldTask(task=1)]}, "tasks[0].grant"),
        ({"tasks": [pb.HeldTask(task=2**40, grant=1)]}, "tasks[0].task"),
        ({"note": LONG}, "note"),
        ({"to_agent": "a\nb"}, "to_agent"),
        ({"to_rule": LONG}, "to_rule"),
        ({"request_id": LONG}, "request_id"),
    ],
)
def test_a_bad_handover_names_its_field(ruled: Served, fields: dict[str, Any], field: str) -> None:
    found = _bad_handover(ruled, **fields)
    assert found.code == INVALID and field in found.fields, found.violations


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": "tasks/1"}, "name"),
        ({"agent": ""}, "agent"),
        ({"grant": 0}, "grant"),
        ({"period": None}, "period"),
        ({"period": Duration(nanos=999_999)}, "period"),
        ({"period": Duration(seconds=-1)}, "period"),
        ({"period": Duration(seconds=1, nanos=-1)}, "period"),
        ({"period": Duration(seconds=1, nanos=2_000_000_000)}, "period"),
        ({"period": Duration(seconds=3_660 * 86_400, nanos=1_000_000)}, "period"),
        ({"period": Duration(seconds=2**63 - 1)}, "period"),
        ({"note": LONG}, "note"),
        ({"request_id": LONG}, "request_id"),
    ],
)
def test_a_bad_lock_names_its_field(ruled: Served, fields: dict[str, Any], field: str) -> None:
    valid = {"name": ruled.name("tasks", 1), "agent": "A1", "grant": 1, "period": Duration(seconds=1)}
    found = refused(ruled.tasks.LockTask, pb.LockTaskRequest(**(valid | fields)))
    assert found.code == INVALID and found.fields == [field], found.violations
