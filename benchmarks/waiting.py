"""A workspace in which a million timers wait, made by commands through the writer itself, on a clock of its own.

Orders wait where agents claim, each with its deadline. Visits were pushed to agents: each has its deadline, and goes
back to the pool unless work begins in time, or is locked, which ends by itself. Of each kind a first lot falls due
in one instant well before the rest; the rest is due in one instant too, as after a night or a long stop.
"""

from __future__ import annotations

import asyncio
import json
from typing import NamedTuple

from adapters.log.writer import Writer
from engine.answers import Answer
from engine.commands import (
    ApplyRoster,
    ApplyRules,
    Command,
    FinishParsing,
    ImportRows,
    LockTask,
    Order,
    RegisterPackage,
    StartParsing,
)
from engine.events import AgentSpec, ColumnMapping, TaskRow
from engine.state import Task

WORKSPACE = "timers"
MINUTE = 60_000
HOUR = 60 * MINUTE
BEGIN = 1_700_000_000_000
CHUNK = 500
AGENTS = 200
LOOK_S = 0.05

LOCKS_END, RECYCLED, LATE, ALL_LATE = (BEGIN + int(hours * HOUR) for hours in (11, 12, 12.5, 14))
"""When the first lot of each kind falls due; when the rest of the recycles and of the orders' deadlines has."""

_ORDERS = {
    "id": "orders", "task_type": "order", "method": "claim", "sla": {"resolve_within": "750m"},
    "escalation": [{"at": "resolve_within", "raise_priority": 10, "mark_overdue": True}],
}  # fmt: skip
_VISITS = {
    "id": "visits", "task_type": "visit", "method": "push", "recycle_after": "12h", "sla": {"resolve_within": "90h"},
    "escalation": [{"at": "resolve_within", "mark_overdue": True}],
}  # fmt: skip


class Sizes(NamedTuple):
    """Tasks; ``lot``: of each kind due in one instant."""

    orders: int
    visits: int
    locks: int
    lot: int


def sizes_of(timers: int, lot: int) -> Sizes:
    """Four tenths orders; the others are visits of two timers each, every third of them locked."""
    visits = timers * 3 // 10
    return Sizes(timers - 2 * visits, visits, visits // 3, lot)


class Clock:
    """Stands until it is put forward. The writer's port; milliseconds since 1970 UTC."""

    def __init__(self) -> None:
        self.now = BEGIN

    def __call__(self) -> int:
        return self.now


class Scene:
    """A writer and the clock it goes by."""

    def __init__(self, writer: Writer, clock: Clock) -> None:
        self.writer, self.clock = writer, clock

    async def fill(self, sizes: Sizes) -> None:
        """Make all of it."""
        await self.ask(ApplyRules(json.dumps({"workspace": WORKSPACE, "rules": [_ORDERS, _VISITS]})))
        room = sizes.visits // AGENTS + CHUNK
        await self.ask(ApplyRoster(tuple(AgentSpec(f"agent-{each}", capacity=room) for each in range(AGENTS))))
        await self._package("visit", sizes.lot)
        await self._package("order", sizes.lot)
        self.clock.now += HOUR
        await self._package("visit", sizes.visits - sizes.lot)
        await self._package("order", sizes.orders - sizes.lot)
        await self._locks(sizes)

    async def ask(self, command: Command) -> None:
        """It has to be granted."""
        told = await self.writer.submit(Order(command, "bench"))
        assert isinstance(told, Answer), told

    async def at_rest(self) -> None:
        """Wait until nothing is due, nothing is in motion, and all is durable."""
        before = -1
        while self._is_due() or not before == self.writer.position == self.writer.state.position:
            before = self.writer.position
            await asyncio.sleep(LOOK_S)

    def _is_due(self) -> bool:
        due = self.writer.state.timers.next_due()
        return due is not None and due <= self.clock.now

    async def _package(self, task_type: str, rows: int) -> None:
        number, starts = self.writer.state.last_package + 1, range(0, rows, CHUNK)
        mapping = ColumnMapping()
        await self.ask(RegisterPackage("", "bench", "bench", f"digest-{number}", 0, task_type, "b", mapping))
        await self.ask(StartParsing(number))
        for place, start in enumerate(starts):
            lines = range(start, min(start + CHUNK, rows))
            await self.ask(
                ImportRows(number, place, (), tuple(TaskRow(line, None, None, None, 0, ()) for line in lines))
            )
        await self.ask(FinishParsing(number, len(starts)))
        await self.at_rest()

    async def _locks(self, sizes: Sizes) -> None:
        """On visits of the second lot: a lot of locks until one instant, each of the others until its own."""
        tasks = self.writer.state.tasks.values()
        held = [task for task in tasks if task.agent and task.created_at > BEGIN][: sizes.locks]
        for start in range(0, len(held), CHUNK):
            some = enumerate(held[start : start + CHUNK], start)
            await asyncio.gather(*(self.ask(_lock(task, place, sizes.lot)) for place, task in some))


def _lock(task: Task, place: int, lot: int) -> LockTask:
    period = LOCKS_END - BEGIN - HOUR if place < lot else 30 * HOUR + place
    return LockTask(task.number, task.agent or "", task.grant, period)
