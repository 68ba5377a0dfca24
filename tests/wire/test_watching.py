"""WatchAssignments: an agent's desktop knows its work the moment it is durable, and misses nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import grpc
import pytest
from paidan.v1 import tasks_pb2 as pb
from paidan.v1.values_pb2 import Value

from tests.acceptance.serving import until
from tests.wire.served import Served
from tests.wire.telling import Refused, refused
from tests.wire.watcher import Desktop

Open = Callable[..., Desktop]


@pytest.fixture
def desktop(ruled: Served) -> Iterator[Open]:
    """Opens streams, and closes them."""
    opened: list[Desktop] = []

    def open_one(agent: str = "A1", after: int = 0) -> Desktop:
        opened.append(Desktop(ruled.channel, ruled.parent, agent, after))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()
    clear(ruled)


def clear(served: Served) -> None:
    """Nobody holds anything, nothing waits, and the views show it."""
    for task in _tasks(served):
        if not task.HasField("end_time"):
            served.tasks.CancelTask(pb.CancelTaskRequest(name=task.name, grant=task.grant))
    assert all(task.HasField("end_time") for task in _tasks(served))


def _tasks(served: Served) -> list[pb.Task]:
    position = served.writer.position
    return list(served.tasks.ListTasks(pb.ListTasksRequest(parent=served.parent, min_position=position)).tasks)


def create(served: Served, task_type: str = "ticket", days: int = 0, **fields: object) -> pb.CreateTaskResponse:
    request = pb.CreateTaskRequest(parent=served.parent, task_type=task_type, **fields)  # type: ignore[arg-type]
    if days:
        request.attributes["days"].CopyFrom(Value(int_value=days))
    answer: pb.CreateTaskResponse = served.tasks.CreateTask(request)
    return answer


def claim(served: Served, number: int, agent: str = "A1") -> pb.ClaimTaskResponse:
    answer: pb.ClaimTaskResponse = served.tasks.ClaimTask(
        pb.ClaimTaskRequest(parent=served.parent, agent=agent, task=number)
    )
    return answer


def test_a_snapshot_comes_first(ruled: Served, desktop: Open) -> None:
    person = pb.Person(full_name="张三", mobile="13812345678")
    held = claim(ruled, create(ruled, customer="C1", region="JS", priority=7, person=person).number)
    ruled.tasks.StartTask(pb.StartTaskRequest(name=held.name, agent="A1", grant=held.grant))
    create(ruled)  # waits, and is nobody's
    one = desktop().sees(lambda one: one.held == {held.number}, "the task in hand")
    assert one.snapshot is not None
    task = one.snapshot.get(held.number) or next(change.task for change in one.changes)
    assert (task.customer, task.region, task.priority, task.grant, task.rule) == ("C1", "JS", 7, held.grant, "claimed")
    assert task.person_masked.mobile == "138****5678" and task.agent == "A1"


def test_whoever_holds_nothing_gets_an_empty_snapshot(desktop: Open) -> None:
    one = desktop("A2").sees(lambda one: one.snapshot is not None, "a snapshot")
    assert one.snapshot == {} and one.position > 0


def test_what_is_pushed_shows_at_once_with_all_that_the_desktop_needs(ruled: Served, desktop: Open) -> None:
    one = desktop().sees(lambda one: one.snapshot is not None, "a snapshot")
    made = create(ruled, "call", 9, customer="C7", person=pb.Person(full_name="李四"), priority=3, business_type="loan")
    change = one.sees(lambda one: one.changes, "a change").changes[0]
    assert (change.kind, change.number, change.held, change.method) == ("assigned", made.number, True, "push")
    assert change.position == change.grant == change.task.grant == made.position + 1
    task = change.task
    assert (task.name, task.type, task.business_type) == (made.name, "call", "loan")
    assert (task.customer, task.priority, task.agent, task.rule) == ("C7", 3, "A1", "pushed")
    assert task.attributes["days"].int_value == 9 and task.person_masked.full_name == "李*"
    assert task.picked_by and task.status == pb.TASK_STATUS_ASSIGNED and task.create_time.seconds
    assert change.event_time == task.assign_time


def test_the_task_is_the_same_whether_the_log_or_the_view_tells_of_it(ruled: Served, desktop: Open) -> None:
    """Live it comes from the events that have just come by, on resuming from the view."""
    one = desktop().sees(lambda one: one.snapshot is not None, "a snapshot")
    start = one.position
    tags = {"tags": Value(strings={"values": ["x", "y"]}), "days": Value(int_value=7), "vip": Value(bool_value=True)}  # type: ignore[arg-type]
    create(ruled, "call", customer="C8", owner="A1", region="JS", attributes=tags, person=pb.Person(id_card="1" * 18))
    live = one.sees(lambda one: one.changes, "a change").changes[0]
    again = desktop(after=start).sees(lambda one: one.changes, "the change again").changes[0]
    assert again == live


def test_every_way_in_and_out(ruled: Served, desktop: Open) -> None:
    first, second = desktop(), desktop("A2")
    for one in (first, second):
        one.sees(lambda one: one.snapshot is not None, "a snapshot")
    a, b, c = (create(ruled).number for _ in range(3))
    held = {number: claim(ruled, number) for number in (a, b, c)}
    ruled.tasks.StartTask(pb.StartTaskRequest(name=held[a].name, agent="A1", grant=held[a].grant))
    ruled.tasks.CompleteTask(pb.CompleteTaskRequest(name=held[a].name, agent="A1", grant=held[a].grant))
    moved = ruled.tasks.ReassignTask(
        pb.ReassignTaskRequest(name=held[b].name, agent="A2", grant=held[b].grant, reason="ill, call 13812345678")
    )
    ended = ruled.tasks.CancelTask(pb.CancelTaskRequest(name=held[c].name, grant=held[c].grant, reason="gone"))
    first.reaches(ended.position)
    second.reaches(moved.position)
    assert first.told == [
        ("assigned", a), ("assigned", b), ("assigned", c), ("started", a), ("completed", a), ("taken_away", b),
        ("cancelled", c),
    ]  # fmt: skip
    assert second.told == [("assigned", b)] and second.held == {b} and first.held == set()
    away = next(change for change in first.changes if change.kind == "taken_away")
    assert (away.given_to, away.reason) == ("A2", "ill, call 138****5678") and not away.held
    assert [change.method for change in first.changes[:3]] == ["claim"] * 3
    assert (second.changes[0].method, second.changes[0].task.picked_by) == ("manual", "manual")
    assert first.changes[0].grant == held[a].grant == first.changes[3].grant


def test_what_supervisors_do_to_held_work_is_told(ruled: Served, desktop: Open) -> None:
    first, second = desktop(), desktop("A2")
    for one in (first, second):
        one.sees(lambda one: one.snapshot is not None, "a snapshot")
    a, b = (create(ruled).number for _ in range(2))
    held, kept = claim(ruled, a), claim(ruled, b, "A2")
    ruled.tasks.ReprioritiseTask(pb.ReprioritiseTaskRequest(name=held.name, grant=held.grant, priority=90))
    ruled.tasks.CommentTask(pb.CommentTaskRequest(name=held.name, text="call 13812345678"))
    duplicate = pb.DuplicateTask(task=a, grant=held.grant)
    done = ruled.tasks.MergeTasks(pb.MergeTasksRequest(parent=ruled.parent, duplicates=[duplicate], into=b, reason="x"))
    for one in (first, second):
        one.reaches(done.position)
    assert first.told == [("assigned", a), ("reprioritised", a), ("commented", a), ("merged", a)]
    assert first.changes[2].reason == "call 138****5678" and first.held == set()
    assert second.told == [("assigned", b), ("duplicates_merged", b)] and second.held == {b}
    ruled.tasks.CancelTask(pb.CancelTaskRequest(name=kept.name, grant=kept.grant))
    again = desktop("A2", after=done.position - 1).sees(lambda one: one.changes, "the change again")
    assert again.told[0] == ("duplicates_merged", b)


def test_what_one_event_says_of_an_agent_stands_in_one_message(ruled: Served, desktop: Open) -> None:
    """Or a stream that breaks in between would resume with a gap."""
    one = desktop().sees(lambda one: one.snapshot is not None, "a snapshot")
    start = one.position
    request = pb.CreateTaskRequest(task_type="call", attributes={"days": Value(int_value=8)})
    ruled.tasks.BatchCreateTasks(pb.BatchCreateTasksRequest(parent=ruled.parent, requests=[request] * 4))
    one.sees(lambda one: len(one.changes) == 4, "four tasks")
    assert len({change.position for change in one.changes}) == 1
    calls = ruled.tasks.WatchAssignments(
        pb.WatchAssignmentsRequest(parent=ruled.parent, agent="A1", from_position=start), timeout=20
    )
    message = next(calls)
    assert len(message.changes) == 4 and message.position >= message.changes[0].position
    calls.cancel()


def test_resuming_again_and_again_leaves_no_gap_and_no_double(ruled: Served, desktop: Open) -> None:
    whole = desktop().sees(lambda one: one.snapshot is not None, "a snapshot")
    start = position = whole.position
    seen: list[tuple[str, int, int]] = []
    last = 0
    for turn in range(12):
        piece = desktop(after=position)
        last = _work(ruled, turn)
        if turn % 3 == 0:
            piece.sees(lambda one: one.changes, "some of it")
        position = piece.close()
        seen += [(change.kind, change.number, change.position) for change in piece.changes]
    piece = desktop(after=position).reaches(last)
    seen += [(change.kind, change.number, change.position) for change in piece.changes]
    whole.reaches(last)
    assert seen == [(change.kind, change.number, change.position) for change in whole.changes]
    again = desktop(after=start).reaches(last)
    assert again.told == whole.told and len(seen) == 12 * 3


def _work(served: Served, turn: int) -> int:
    """A task that is claimed and, one turn in two, completed; three changes. Gives the last position."""
    held = claim(served, create(served).number)
    named = {"name": held.name, "agent": "A1", "grant": held.grant}
    served.tasks.StartTask(pb.StartTaskRequest(**named))  # type: ignore[arg-type]
    if turn % 2:
        return int(served.tasks.CompleteTask(pb.CompleteTaskRequest(**named)).position)  # type: ignore[arg-type]
    return int(served.tasks.CancelTask(pb.CancelTaskRequest(name=held.name, grant=held.grant)).position)


def test_views_that_stand_still_hold_nothing_up(ruled: Served, desktop: Open) -> None:
    """A snapshot is as old as the view then, and what came since follows from the log."""
    ruled.pause_views()
    try:
        held = claim(ruled, create(ruled, customer="C9").number)
        one = desktop().sees(lambda one: one.held == {held.number}, "the task in hand")
        assert one.told == [("assigned", held.number)] and one.snapshot == {}
        live = claim(ruled, create(ruled, customer="C10").number)
        one.sees(lambda one: one.held == {held.number, live.number}, "the second one")
        assert one.changes[1].task.customer == "C10"
    finally:
        ruled.resume_views()


def test_two_desktops_of_one_agent(ruled: Served, desktop: Open) -> None:
    both = [desktop(), desktop()]
    for one in both:
        one.sees(lambda one: one.snapshot is not None, "a snapshot")
    held = claim(ruled, create(ruled).number)
    for one in both:
        one.sees(lambda one: one.held == {held.number}, "the task")
    both[0].close()
    done = ruled.tasks.CancelTask(pb.CancelTaskRequest(name=held.name, grant=held.grant))
    assert both[1].reaches(done.position).held == set()


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"agent": "nobody"}, grpc.StatusCode.NOT_FOUND, None),
        ({"agent": ""}, grpc.StatusCode.INVALID_ARGUMENT, "agent"),
        ({"from_position": -1}, grpc.StatusCode.INVALID_ARGUMENT, "from_position"),
        ({"from_position": 10**9}, grpc.StatusCode.INVALID_ARGUMENT, "from_position"),
        ({"parent": "workspaces/other"}, grpc.StatusCode.NOT_FOUND, None),
    ],
)
def test_what_cannot_be_watched(ruled: Served, fields: dict[str, object], code: grpc.StatusCode, field: str) -> None:
    request = pb.WatchAssignmentsRequest(**{"parent": ruled.parent, "agent": "A1", **fields})  # type: ignore[arg-type]
    found = refused(ruled.tasks.WatchAssignments, request, timeout=20)
    assert found.code == code and found.fields == ([field] if field else [])


def test_nothing_is_kept_when_nobody_watches(ruled: Served, desktop: Open) -> None:
    one = desktop().sees(lambda one: one.snapshot is not None, "a snapshot")
    one.close()
    watching = ruled.serving._watching
    until(lambda: not watching._watchers and watching._taken is None, "the tail to rest", 20)
    create(ruled)
    assert not watching._held


def test_a_server_that_stops_says_so_and_where_to_go_on(
    postgres: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    own = Served(postgres, "wire-watch-stop", tmp_path_factory.mktemp("spool"))
    own.start()
    own.apply_rules()
    own.apply_agents()
    one = Desktop(own.channel, own.parent, "A1").sees(lambda one: one.snapshot is not None, "a snapshot")
    own.wait(own.serving.stop(2.0))
    found = Refused(one.ends())
    assert (found.code, found.reason) == (grpc.StatusCode.UNAVAILABLE, "STOPPING")
    assert "last position" in found.message
    own.stop()
