"""The log played to a server over gRPC: many calls under way, those of one incident one after another.

Time is that of the log, to the minute: the next minute begins once all of this one is answered. So each event stands
in the server's log with the very time of its row, however fast the machine is.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, TypeVar

from paidan.v1 import tasks_pb2 as pb
from paidan.v1.tasks_pb2_grpc import TaskServiceStub

from adapters.grpc_api.metadata import TIME, naming
from adapters.grpc_api.values import to_value
from benchmarks.incidents.desk import WORKSPACE, desk_of, rule_of, type_of
from benchmarks.incidents.source import Incident, Row

Answer = TypeVar("Answer")
Turn = tuple["Played", Row | None]
"""An incident, and the row that says what becomes of it; None: it is opened."""

PARENT = f"workspaces/{WORKSPACE}"
TIMEOUT_S = 60.0
UNDER_WAY = 64
"""Incidents at a time."""


def caller_at(at: int) -> tuple[tuple[str, str | bytes], ...]:
    """Metadata of a call at this moment, milliseconds since 1970 UTC."""
    return (naming("service-desk"), (TIME, datetime.fromtimestamp(at / 1000, UTC).isoformat()))


class Calls:
    """One connection; calls are counted, and made at the time it is."""

    def __init__(self, stub: TaskServiceStub) -> None:
        self.tasks: Any = stub
        self.made: Counter[str] = Counter()
        self.position = 0
        """Of the last event that any of them caused."""
        self._room = asyncio.Semaphore(UNDER_WAY)
        self._caller = caller_at(0)

    def it_is(self, at: int) -> None:
        """From now on."""
        self._caller = caller_at(at)

    async def ask(self, method: Callable[..., Awaitable[Any]], request: Any) -> Any:
        """The durable answer. Raises grpc.RpcError."""
        async with self._room:
            answer = await method(request, timeout=TIMEOUT_S, metadata=self._caller)
        self.made[type(request).__name__.removesuffix("Request")] += 1
        self.position = max(self.position, answer.position)
        return answer


class Played:
    """One incident, as far as it has come."""

    def __init__(self, incident: Incident) -> None:
        self.incident = incident
        self._number = self._grant = 0
        self._group, self._agent = incident.rows[0].group, ""
        self._started = self._over = False
        self._reassignments = 0

    async def open(self, calls: Calls) -> None:
        """It is reported, for its first group."""
        incident = self.incident
        attributes = {"incident": to_value(incident.number), "category": to_value(incident.category)}
        request = pb.CreateTaskRequest(
            parent=PARENT, task_type=type_of(incident.priority), business_type=self._group,
            customer=incident.caller, attributes=attributes,
        )  # fmt: skip
        self._number = (await calls.ask(calls.tasks.CreateTask, request)).number

    async def live(self, row: Row, calls: Calls) -> None:
        """It becomes what the row says."""
        if self._over and not row.is_over:
            await self._reopen(calls)
        if not self._over:
            await self._work(row, calls)
        self._reassignments = row.reassignments

    async def _work(self, row: Row, calls: Calls) -> None:
        if row.group != self._group or row.reassignments > self._reassignments:
            await self._hand_over(row.group, calls)
        if row.assignee or self._agent or not row.is_new:
            await self._give(row.assignee or desk_of(row.group), calls)
        if not row.is_new and not self._started:
            await calls.ask(calls.tasks.StartTask, pb.StartTaskRequest(**self._held()))
            self._started = True
        if row.is_over:
            await calls.ask(calls.tasks.CompleteTask, pb.CompleteTaskRequest(**self._held()))
            self._let_go(over=True)

    async def _give(self, agent: str, calls: Calls) -> None:
        """Out of the pool he takes it himself; out of other hands it is given to him."""
        if agent == self._agent:
            return
        if not self._agent:
            claim = pb.ClaimTaskRequest(parent=PARENT, agent=agent, task=self._number)
            answer = await calls.ask(calls.tasks.ClaimTask, claim)
        else:
            give = pb.ReassignTaskRequest(name=self._name(), agent=agent, grant=self._grant)
            answer = await calls.ask(calls.tasks.ReassignTask, give)
        self._agent, self._grant, self._started = agent, answer.grant, False

    async def _hand_over(self, group: str, calls: Calls) -> None:
        """Whoever has it gives it to the other group's pool; what nobody has yet, the desk of its group."""
        await self._give(self._agent or desk_of(self._group), calls)
        request = pb.HandOverTasksRequest(
            parent=PARENT,
            agent=self._agent,
            tasks=[pb.HeldTask(task=self._number, grant=self._grant)],
            to_rule=rule_of(group, self.incident.priority),
        )
        await calls.ask(calls.tasks.HandOverTasks, request)
        self._group = group
        self._let_go(over=False)

    async def _reopen(self, calls: Calls) -> None:
        """Whoever reported it is not satisfied."""
        await calls.ask(calls.tasks.GiveFeedback, pb.GiveFeedbackRequest(name=self._name(), satisfied=False))
        self._let_go(over=False)

    def _let_go(self, *, over: bool) -> None:
        self._agent, self._grant, self._started, self._over = "", 0, False, over

    def _name(self) -> str:
        return f"{PARENT}/tasks/{self._number}"

    def _held(self) -> dict[str, Any]:
        return {"name": self._name(), "agent": self._agent, "grant": self._grant}


def moments(incidents: Iterable[Incident]) -> Iterator[tuple[int, list[Turn]]]:
    """Every minute in which something happens, with what happens in it, in the order of the log."""
    turns: dict[int, list[Turn]] = defaultdict(list)
    for incident in incidents:
        played = Played(incident)
        turns[incident.opened].append((played, None))
        for row in incident.rows:
            turns[row.at].append((played, row))
    for at in sorted(turns):
        yield at, turns[at]


async def play(calls: Calls, at: int, turns: list[Turn]) -> None:
    """All that happens in one minute. Raises grpc.RpcError."""
    calls.it_is(at)
    chains: dict[str, list[Turn]] = defaultdict(list)
    for turn in turns:
        chains[turn[0].incident.number].append(turn)
    await asyncio.gather(*(_live(calls, chain) for chain in chains.values()))


async def _live(calls: Calls, chain: list[Turn]) -> None:
    for played, row in chain:
        if row is None:
            await played.open(calls)
        else:
            await played.live(row, calls)
