"""A writer on a real log, and what befalls logs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any, LiteralString

import psycopg

from adapters.log.event_log import EventLog, LogUnavailableError
from adapters.log.ownership import Ownership, lock_key
from adapters.log.schemas import schema_of
from adapters.log.writer import NotServingError, Writer, wall_clock
from adapters.log.writer_limits import Limits
from engine.answers import Answer
from engine.commands import Command, Order
from engine.events import Recorded
from engine.refusals import Refusal
from tests.engine.given import agent, roster, rule, rules

PATIENCE_S = 20.0


class FailingLog(EventLog):
    """A log whose appends can be held up, or made to fail before or after they are written."""

    def __init__(self, dsn: str, workspace: str) -> None:
        super().__init__(dsn, workspace)
        self.before: Callable[[Sequence[Recorded]], object] = nothing
        self.after: Callable[[Sequence[Recorded]], object] = nothing

    def append(self, recorded: Sequence[Recorded]) -> None:
        self.before(recorded)
        super().append(recorded)
        self.after(recorded)


def nothing(_recorded: Sequence[Recorded]) -> None:
    """The log as it is."""


def away(_recorded: Sequence[Recorded] = ()) -> None:
    """What a log says that cannot be reached."""
    raise LogUnavailableError("Expected PostgreSQL to answer, but the line is cut")


def order(command: Command, request: str = "") -> Order:
    """From a tester."""
    return Order(command, "tester", request)


@asynccontextmanager
async def writing(
    log: EventLog, workspace: str, clock: Callable[[], int] = wall_clock, limits: Limits | None = None
) -> AsyncIterator[Writer]:
    """An open writer; closed at the end."""
    writer = Writer(log, workspace, clock, limits)
    await writer.open()
    try:
        yield writer
    finally:
        await writer.close()


@asynccontextmanager
async def owning(
    dsn: str, workspace: str, log: EventLog, at_once: bool = True
) -> AsyncIterator[tuple[Writer, list[bool]]]:
    """A writer under its ownership loop, and what the loop said of the ownership; ``at_once``: as soon as it owns."""
    writer, told = Writer(log, workspace), list[bool]()

    async def on_change(owned: bool) -> None:
        told.append(owned)

    task = asyncio.create_task(Ownership(dsn, workspace, writer, on_change).hold_for_ever())
    try:
        await until(lambda: not at_once or (bool(told) and told[-1]))
        yield writer, told
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(holds: Callable[[], bool], seconds: float = PATIENCE_S) -> None:
    """Wait for something that comes by itself."""
    end = monotonic() + seconds
    while not holds():
        assert monotonic() < end, "Expected it to come about, but it did not"
        await asyncio.sleep(0.005)


async def insisting(
    ask: Callable[[], Awaitable[Answer | Refusal]], turned_away: list[str] | None = None
) -> Answer | Refusal:
    """The answer, asked for as a client does: again while the server does not serve, which is noted."""
    end = monotonic() + PATIENCE_S
    while True:
        try:
            return await ask()
        except NotServingError as error:
            assert monotonic() < end
            if turned_away is not None:
                turned_away.append(str(error))
            await asyncio.sleep(0.05)


def prepared(log: EventLog, workspace: str, **rule_fields: Any) -> tuple[Order, ...]:
    """Rules with one pool that agents claim from, and two agents with much room."""
    log.create()
    fields = {"method": "claim", **rule_fields}
    return (
        order(rules(rule(**fields), workspace=workspace)),
        order(roster(agent("ann", capacity=100_000), agent("bob", capacity=100_000))),
    )


async def ready(writer: Writer, log: EventLog, workspace: str) -> None:
    """Put the usual rules and agents in force."""
    for one in prepared(log, workspace):
        told = await writer.submit(one)
        assert isinstance(told, Answer) and told.changed


def cut_log(dsn: str, workspace: str) -> int:
    """End every connection that last spoke of the workspace's log; gives how many there were."""
    return _end(dsn, "query LIKE %s", f"%{schema_of(workspace)}%")


def cut_owner(dsn: str, workspace: str) -> int:
    """End the session that holds the workspace's lock; gives how many there were."""
    holds = "pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND objid = %s::bigint::oid)"
    return _end(dsn, holds, lock_key(workspace) & 0xFFFFFFFF)


def _end(dsn: str, whose: LiteralString, of: object) -> int:
    with psycopg.connect(dsn, autocommit=True) as connection:
        found = f"SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND {whose}"
        row = connection.execute(f"SELECT count(pg_terminate_backend(pid)) FROM ({found}) found", [of]).fetchone()
    return int(row[0]) if row else 0
