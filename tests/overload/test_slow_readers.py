"""A reader of a stream that does not keep up is cut off; the server keeps next to nothing for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from time import monotonic
from typing import Any

import grpc
import pytest
from paidan.v1.audit_pb2 import ReadEventsRequest
from paidan.v1.audit_pb2_grpc import AuditServiceStub

from adapters.grpc_api.client import Client
from adapters.grpc_api.status import told
from tests.acceptance.serving import Paidan, until

MIB = 1024 * 1024
NO_WINDOW = [
    ("grpc.http2.bdp_probe", 0),  # or gRPC itself buffers megabytes on the reader's side
    ("grpc.http2.lookahead_bytes", 1_024),
    ("grpc.use_local_subchannel_pool", 1),
]


def read(served: Paidan, channel: grpc.Channel, after: int = 0) -> Any:
    """A call that follows the log and has read its first message."""
    request = ReadEventsRequest(parent=served.parent, from_position=after + 1, follow=True)
    return AuditServiceStub(channel).ReadEvents(request)


@pytest.fixture
def channel(small: Paidan) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(small.address, options=NO_WINDOW) as made:
        yield made


def head(served: Paidan) -> int:
    with served.log() as log:
        return log.head()


def cuts(served: Paidan) -> int:
    return served.said().count("its reader took nothing")


def test_a_slow_reader_is_cut_off_and_resumes(small: Paidan, channel: grpc.Channel) -> None:
    end, positions = head(small), list[int]()
    call = read(small, channel)
    positions.extend(event.position for event in next(call).events)
    until_stuck(call)
    with pytest.raises(grpc.RpcError) as cut:
        for message in call:
            positions.extend(event.position for event in message.events)
    assert cut.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert told(cut.value).reason == "READER_TOO_SLOW" and "last position" in cut.value.details()
    assert positions[-1] < end
    again = read(small, channel, positions[-1])
    while positions[-1] < end:
        positions.extend(event.position for event in next(again).events)
    assert positions == list(range(1, len(positions) + 1))
    again.cancel()


def until_stuck(call: Any) -> None:
    """Wait past the time that the server gives a reader, and not so long that it closes the connection."""
    began = monotonic()
    until(lambda: monotonic() - began > 1.5, "a moment to pass")
    assert call.is_active()


def test_one_that_does_not_even_take_its_end_loses_the_connection(small: Paidan, channel: grpc.Channel) -> None:
    before = cuts(small)
    call = read(small, channel)
    assert next(call).events
    until(lambda: cuts(small) > before, "the connection to be closed", 20)
    with pytest.raises(grpc.RpcError) as cut:
        list(call)
    assert cut.value.code() == grpc.StatusCode.UNAVAILABLE
    fresh = read(small, channel)
    assert next(fresh).events, "it may come again"
    fresh.cancel()


def test_memory_stays_where_it_is(small: Paidan) -> None:
    """Crowds of stuck readers, one after the other.

    A stuck stream that is not let go keeps about 2 MiB, so eight crowds would keep 250. What the allocators keep for
    the next crowd comes to rest at 80 after some twenty.
    """
    server, peaks = small.process("server"), list[int]()
    for _ in range(8):
        with ExitStack() as opened:
            before = cuts(small)
            channels = [grpc.insecure_channel(small.address, options=NO_WINDOW) for _ in range(4)]
            calls = [read(small, opened.enter_context(channel)) for channel in channels for _ in range(4)]
            until(lambda seen=before: cuts(small) >= seen + 4, "all their connections to be closed", 20)  # type: ignore[misc]
            peaks.append(server.memory_info().rss)
            assert len(calls) == 16
    print("\nMiB after each crowd of 16:", [peak // MIB for peak in peaks])
    assert peaks[-1] - peaks[0] < 100 * MIB


def test_streams_of_one_connection_are_counted(small: Paidan, channel: grpc.Channel) -> None:
    calls = [read(small, channel, 10**9) for _ in range(9)]
    until(lambda: any(call.code() for call in calls if not call.is_active()), "the ninth to be refused", 10)
    refused = [call for call in calls if not call.is_active()]
    assert len(refused) == 1 and told(refused[0]).reason == "TOO_MANY_CALLS"
    with closing(Client(small.address, "another")) as other:
        following = other.audit.ReadEvents(ReadEventsRequest(parent=small.parent, follow=True))
        assert next(following).events
        following.cancel()
    for call in calls:
        call.cancel()
