"""Checks a workspace from its log alone: that the log is whole, that a replay gives the views, and why a task went
where it went.

Plain functions for a process of their own; arguments and results can be sent to another one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import psycopg

from adapters.audit.findings import Finding, Progress, Report
from adapters.audit.state_check import state_finding
from adapters.audit.view_check import Shadow
from adapters.log.codec import GENESIS, BrokenChainError, Stored, UnknownEventError, check_link, decode
from adapters.log.event_log import EventLog
from engine.events import Recorded
from engine.evolve import evolve
from engine.explain import Explanation
from engine.explain import explain as explain_from
from engine.refusals import Refusal
from engine.state import State

READ = 256
Say = Callable[[Progress], None]


def explain(dsn: str, workspace: str, task: int, grant: int = 0) -> Explanation | Refusal:
    """Why a task went where it went: under this grant, or the last (0); or why it waits.

    Reads the log twice. Raises LogUnavailableError, UnknownEventError.
    """
    log = EventLog(dsn, workspace)
    try:
        return explain_from(log.replay, workspace, task, grant)
    finally:
        log.close()


def verify(dsn: str, workspace: str, progress: Say = lambda _progress: None) -> Report:
    """Check the chain of hashes, replay the log, and compare every view with one built anew.

    Raises LogUnavailableError, psycopg.Error where PostgreSQL is away.
    """
    log = EventLog(dsn, workspace)
    try:
        chain = Chain()
        findings = [_checked_chain(log, chain, progress)]
        if not findings[0].ok:
            return Report(tuple(findings), chain.position, chain.hash, chain.position)
        findings += _compared(dsn, workspace, log, chain.position, progress)
        return Report(tuple(findings), chain.position, chain.hash, chain.position)
    finally:
        log.close()


class Chain:
    """The log as far as it was followed."""

    def __init__(self) -> None:
        self.position, self.hash, self.at = 0, GENESIS, 0

    def follow(self, stored: Stored) -> str:
        """What is wrong with the next event, empty if nothing is."""
        expected = self.position + 1
        if stored.position != expected:
            return f"Expected an event at position {expected}, but the next one is at {stored.position}"
        try:
            self.hash = check_link(stored, self.hash)
            at = decode(stored).at
        except (BrokenChainError, UnknownEventError, ValueError) as error:
            return str(error)
        if at < self.at:
            return f"Expected time to go on at position {expected}, but {at} is before {self.at}"
        self.position, self.at = stored.position, at
        return ""


def _checked_chain(log: EventLog, chain: Chain, progress: Say) -> Finding:
    head = log.head()
    while batch := log.read_stored(chain.position, READ):
        for stored in batch:
            wrong = chain.follow(stored)
            if wrong:
                return Finding("chain", False, wrong)
        progress(Progress("chain", chain.position, max(head, chain.position)))
    return Finding("chain", True, f"{chain.position} events without a gap, each with the hash of the one before")


def _compared(dsn: str, workspace: str, log: EventLog, head: int, progress: Say) -> list[Finding]:
    """Views stand where they stand: each is built up to there, and so is the state it is held against."""
    with Shadow(dsn, workspace) as shadow:
        replay = Replay(workspace)
        for batch in _batches(log, head):
            replay.take(batch, shadow.take(batch))
            progress(Progress("replay", batch[-1].position, head))
        with shadow.moment(log):
            replay.take(log.replay(replay.state.position), shadow.live.get("tasks", 0))
            return [*shadow.findings(head), replay.finding(shadow.connection, shadow.schema)]


class Replay:
    """The state by the log, up to where the views stand."""

    def __init__(self, workspace: str) -> None:
        self.state = State(workspace)
        self._broken = ""

    def take(self, events: Iterable[Recorded], until: int) -> None:
        """Replay events up to a position; what cannot follow is kept as a finding."""
        for recorded in events:
            if self._broken or recorded.position > until:
                return
            try:
                evolve(self.state, recorded)
            except (LookupError, AttributeError, TypeError, ValueError) as error:
                self._broken = f"Expected event {recorded.position} to follow from those before, but {error!r}"

    def finding(self, connection: psycopg.Connection, schema: str) -> Finding:
        """Whether the views show this state."""
        if self._broken:
            return Finding("state", False, self._broken)
        return state_finding(connection, schema, self.state)


def _batches(log: EventLog, head: int) -> Iterator[list[Recorded]]:
    after = 0
    while after < head:
        batch = log.read(after, min(READ, head - after))
        yield batch
        after = batch[-1].position
