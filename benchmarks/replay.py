"""Replay of a log beside decode alone of the same bytes, and all views built again from its first event."""

from __future__ import annotations

from time import perf_counter, process_time
from typing import NamedTuple

from adapters.log.codec import Stored, decode
from adapters.log.event_log import EventLog
from adapters.log.schemas import schema_of
from adapters.views.connection import Window, connect, create_views, drop_tables
from adapters.views.projector import Projector
from benchmarks.served import WORKSPACE
from engine.events import Event, TasksAllocated, TasksImported, TasksPooled
from engine.workspace import Workspace
from projections.catalogue import VIEWS

ROUNDS = 3


class Replay(NamedTuple):
    """Seconds of CPU, the best of some rounds, over so many facts; ``bytes`` as stored."""

    events: int
    facts: int
    bytes: int
    decode: float
    replay: float
    """Decode included."""


def replay(dsn: str, rounds: int = ROUNDS) -> Replay:
    """The log of the benchmark's workspace; the server need not run."""
    rows = _rows(dsn)
    decoding = min(_timed_decode(rows) for _ in range(rounds))
    replaying = min(_timed_replay(rows) for _ in range(rounds))
    facts = sum(_facts(decode(row).event) for row in rows)
    return Replay(len(rows), facts, sum(len(row.state) for row in rows), decoding, replaying)


def catch_up(dsn: str) -> float:
    """Seconds in which all views are built from nothing; the server must not run."""
    events = EventLog(dsn, WORKSPACE)
    with connect(dsn, schema_of(WORKSPACE)) as connection:
        for view in VIEWS:
            drop_tables(connection, view)
        create_views(connection)
        started, window, projector = perf_counter(), Window(events.read_stored), Projector(dsn, WORKSPACE)
        while projector.step(connection, window):
            pass
        taken = perf_counter() - started
    events.close()
    return taken


def _rows(dsn: str) -> list[Stored]:
    log, rows = EventLog(dsn, WORKSPACE), list[Stored]()
    while found := log.read_stored(rows[-1].position if rows else 0, 200):
        rows += found
    log.close()
    return rows


def _timed_decode(rows: list[Stored]) -> float:
    """Each event is dropped before the next, as a replay drops it."""
    started = process_time()
    for row in rows:
        decode(row)
    return process_time() - started


def _timed_replay(rows: list[Stored]) -> float:
    workspace = Workspace(WORKSPACE)
    started = process_time()
    workspace.restore(map(decode, rows))
    return process_time() - started


def _facts(event: Event) -> int:
    """A row imported, a task pooled, a task assigned: one fact each; any other event is one."""
    if isinstance(event, TasksImported):
        return len(event.rows)
    if isinstance(event, TasksPooled):
        return sum(len(placement.tasks) for placement in event.placements)
    if isinstance(event, TasksAllocated):
        return len(event.tasks)
    return 1
