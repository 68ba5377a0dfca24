"""WatchAssignments where much is asked: slow readers, many streams, a tail that missed events, a server standing by."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import grpc
import pytest
from paidan.v1 import agents_pb2
from paidan.v1 import tasks_pb2 as pb

from adapters.grpc_api.assignments_changes import CHANGES, WITHOUT
from adapters.grpc_api.assignments_messages import change_messages, snapshot_messages
from adapters.grpc_api.watching import Watcher
from adapters.settings.limits import Limits
from engine.events import EVENT_TYPES
from tests.acceptance.serving import until
from tests.wire.served import Served
from tests.wire.telling import Refused, refused
from tests.wire.watcher import Desktop

LIMITS = Limits(watch_queue=20, watch_heartbeat_s=0.2, watches_per_connection=6, stream_write_s=5.0)
NO_WINDOW = [("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 1_024), ("grpc.use_local_subchannel_pool", 1)]
NOTE = "x" * 4_000


@pytest.fixture(scope="module")
def small(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that takes on little, with agents who may hold much."""
    served = Served(postgres, "wire-watch-small", tmp_path_factory.mktemp("spool"), LIMITS)
    served.start()
    served.apply_rules()
    specs = [agents_pb2.AgentSpec(agent_id=name, capacity=5_000) for name in ("A1", "A2")]
    served.agents.ApplyRoster(agents_pb2.ApplyRosterRequest(parent=served.parent, agents=specs))
    yield served
    served.stop()


def give(served: Served, number: int, agent: str = "A1") -> int:
    """Large tasks of type ``case``, given one by one; the position of the last."""
    note = {"note": {"string_value": NOTE}}
    request = pb.CreateTaskRequest(task_type="case", attributes=note)  # type: ignore[arg-type]
    made = served.tasks.BatchCreateTasks(pb.BatchCreateTasksRequest(parent=served.parent, requests=[request] * number))
    moved = [served.tasks.ReassignTask(pb.ReassignTaskRequest(name=name, agent=agent)) for name in made.names]
    return int(moved[-1].position)


def test_a_slow_reader_is_cut_off_and_resumes(small: Served) -> None:
    with grpc.insecure_channel(small.target, options=NO_WINDOW) as channel:
        call = pb_watch(channel, small, "A1")
        seen = [change for change in next(call).changes]
        last = give(small, 120)
        watching = small.serving._watching
        until(lambda: any(one._ended for one in watching._watchers["A1"]), "the reader to be cut off", 20)
        position = 0
        with pytest.raises(grpc.RpcError) as cut:
            for message in call:
                seen += message.changes
                position = message.position or position
        found = Refused(cut.value)
        assert (found.code, found.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "READER_TOO_SLOW")
        assert len(seen) < 120
        rest = Desktop(channel, small.parent, "A1", position).reaches(last)
        grants = [change.grant for change in (*seen, *rest.changes)]
        assert len(grants) == 120 and grants == sorted(set(grants))
        rest.close()


def pb_watch(channel: grpc.Channel, served: Served, agent: str) -> grpc.Call:
    from paidan.v1.tasks_pb2_grpc import TaskServiceStub

    return TaskServiceStub(channel).WatchAssignments(pb.WatchAssignmentsRequest(parent=served.parent, agent=agent))  # type: ignore[return-value]


def test_a_quiet_stream_tells_the_position(small: Served) -> None:
    one = Desktop(small.channel, small.parent, "A2").sees(lambda one: one.snapshot is not None, "a snapshot")
    last = give(small, 1)
    one.reaches(last)
    assert one.changes == [] and one.messages >= 2
    before = one.messages
    one.sees(lambda one: one.messages >= before + 3, "three more")
    one.close()


def test_streams_of_one_connection_are_counted_apart_from_others(small: Served) -> None:
    with grpc.insecure_channel(small.target, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
        held = [Desktop(channel, small.parent, "A2") for _ in range(6)]
        for one in held:
            one.sees(lambda one: one.snapshot is not None, "a snapshot")
        found = Refused(Desktop(channel, small.parent, "A2").ends())
        assert (found.code, found.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_CALLS")
        other = Desktop(small.channel, small.parent, "A2").sees(lambda one: one.snapshot is not None, "a snapshot")
        for one in (*held, other):
            one.close()


def test_events_that_the_writer_did_not_hand_over_are_read_from_the_log(small: Served) -> None:
    """As on a server that stands by: only the log moves."""
    one = Desktop(small.channel, small.parent, "A2").sees(lambda one: one.snapshot is not None, "a snapshot")
    followers = list(small.writer.followers)
    small.writer.followers.clear()
    first = give(small, 3, "A2")
    one.reaches(first)
    give(small, 2, "A2")
    small.writer.followers.extend(followers)
    last = give(small, 2, "A2")
    one.reaches(last)
    grants = [change.grant for change in one.changes]
    assert len(grants) == 7 and grants == sorted(set(grants)) and all(change.task.type for change in one.changes)
    one.close()


def test_a_long_way_back_is_read_page_by_page(small: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    last = give(small, 30, "A2")
    whole = Desktop(small.channel, small.parent, "A2", 1).reaches(last)
    monkeypatch.setattr("adapters.views.agent_work.SPAN", 7)
    monkeypatch.setattr("adapters.views.agent_work.MAX_FOUND", 3)
    paged = Desktop(small.channel, small.parent, "A2", 1).reaches(last)
    assert paged.told == whole.told and len(whole.told) >= 30 and paged.messages > whole.messages
    for one in (whole, paged):
        one.close()


def test_more_in_hand_than_a_page_has(small: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    give(small, 12, "A2")
    whole = Desktop(small.channel, small.parent, "A2").sees(lambda one: one.position, "the whole snapshot")
    monkeypatch.setattr("adapters.views.agent_work.MAX_PAGE", 5)
    paged = Desktop(small.channel, small.parent, "A2").sees(lambda one: one.position, "the whole snapshot")
    assert whole.snapshot == paged.snapshot and len(whole.snapshot or ()) > 10
    for one in (whole, paged):
        one.close()


def test_agents_of_any_name_are_found_in_the_log(small: Served) -> None:
    names = ['o"neil', "back\\slash", "张三", "A", "1"]
    specs = [agents_pb2.AgentSpec(agent_id=name, capacity=5) for name in names]
    small.agents.ApplyRoster(agents_pb2.ApplyRosterRequest(parent=small.parent, agents=specs))
    for name in names:
        last = give(small, 1, name)
        one = Desktop(small.channel, small.parent, name, 1).reaches(last)
        assert [kind for kind, _ in one.told] == ["assigned"], name
        one.close()


def test_every_event_is_known_to_change_agents_work_or_not() -> None:
    assert {*CHANGES, *WITHOUT} == set(EVENT_TYPES.values()) and not CHANGES.keys() & WITHOUT


def test_a_message_has_no_position_while_more_of_it_follows() -> None:
    changes = [
        pb.AssignmentChange(position=at, number=number, reason="x" * 100) for number, at in enumerate((5, 5, 5, 6, 7))
    ]
    parts = list(change_messages(changes, 9, 230))
    assert [len(part.changes) for part in parts] == [2, 2, 1]
    assert [part.position for part in parts] == [0, 6, 9]
    tasks = [pb.Task(number=number, customer="x" * 100) for number in range(3)]
    told = list(snapshot_messages(tasks, 4, 230))
    assert [(len(part.snapshot.tasks), part.position) for part in told] == [(2, 0), (1, 4)]
    assert [part.HasField("snapshot") for part in snapshot_messages([], 4, 230)] == [True]


def test_one_large_event_is_no_reason_to_be_cut_off() -> None:
    async def taken() -> int:
        watcher = Watcher("A1", 0, 2)
        watcher.put([pb.AssignmentChange()] * 5)
        return len(await watcher.take(1.0))

    assert asyncio.run(taken()) == 5


def test_a_position_that_is_not_of_this_log(small: Served) -> None:
    request = pb.WatchAssignmentsRequest(parent=small.parent, agent="A1", from_position=10**9)
    told = refused(small.tasks.WatchAssignments, request, timeout=20).violations["from_position"]
    assert told.startswith("Expected a position of this log, which ends at ") and told.endswith("begin anew with 0")
