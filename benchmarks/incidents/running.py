"""From a list of incidents to a server's log with the year in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import NamedTuple

import grpc
from paidan.v1.agents_pb2 import ApplyRosterRequest
from paidan.v1.agents_pb2_grpc import AgentServiceStub
from paidan.v1.rules_pb2 import ApplyRulesRequest
from paidan.v1.rules_pb2_grpc import RuleServiceStub
from paidan.v1.tasks_pb2_grpc import TaskServiceStub

from adapters.cli.agents import agent_message
from benchmarks.incidents.desk import Desk
from benchmarks.incidents.play import PARENT, TIMEOUT_S, Calls, caller_at, moments, play
from benchmarks.incidents.source import Incident


class Run(NamedTuple):
    """What was asked of the server, and how long it took."""

    calls: dict[str, int]
    """Method -> calls, all of them granted."""
    position: int
    """Of the last event."""
    moments: int
    """Of the log, at which something happened."""
    seconds: float


async def replay(
    address: str, incidents: Sequence[Incident], desk: Desk, played: Callable[[int], None] = lambda _: None
) -> Run:
    """Play all of it; ``played`` is told how many turns were. Raises grpc.RpcError where anything is refused."""
    story = list(moments(incidents))
    async with grpc.aio.insecure_channel(address) as channel:
        await _open_desk(channel, desk, story[0][0])
        calls, began = Calls(TaskServiceStub(channel)), perf_counter()
        for at, turns in story:
            await play(calls, at, turns)
            played(len(turns))
    return Run(dict(calls.made), calls.position, len(story), perf_counter() - began)


async def _open_desk(channel: grpc.aio.Channel, desk: Desk, at: int) -> None:
    """Rules and people, there before the first incident."""
    caller = caller_at(at)
    rules = ApplyRulesRequest(parent=PARENT, source=desk.rules(), reason="replay")
    await RuleServiceStub(channel).ApplyRules(rules, timeout=TIMEOUT_S, metadata=caller)
    roster = ApplyRosterRequest(parent=PARENT, agents=map(agent_message, desk.roster()))
    await AgentServiceStub(channel).ApplyRoster(roster, timeout=TIMEOUT_S, metadata=caller)
