"""Checks a workspace from its log alone: that the log is whole, that a replay gives the views, and why a task went
where it went.

Plain functions for a process of their own; arguments and results can be sent to another one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import psycopg

from adapters.audit.anchor import Anchor
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
    """Check the chain of hashes, replay the log, and compare every view with one built anew, all in one reading.

    Raises LogUnavailableError, psycopg.Error where PostgreSQL is away.
    """
    log, chain = EventLog(dsn, workspace), Chain()
    try:
        findings = _findings(dsn, workspace, log, chain, progress)
    except WrongError as error:
        findings = [Finding("chain", False, str(error))]
    finally:
        log.close()
    return Report(tuple(findings), chain.position, chain.hash, chain.position)


class WrongError(Exception):
    """The log is not as it was written; the message says where."""


class Chain:
    """The log as far as it was followed."""

    def __init__(self) -> None:
        self.position, self.hash, self.at = 0, GENESIS, 0

    def follow(self, stored: Stored) -> Recorded:
        """The next event, decoded. Raises WrongError."""
        expected = self.position + 1
        if stored.position != expected:
            raise WrongError(f"Expected an event at position {expected}, but the next one is at {stored.position}")
        try:
            self.hash = check_link(stored, self.hash)
            recorded = decode(stored)
        except (BrokenChainError, UnknownEventError, ValueError) as error:
            raise WrongError(str(error)) from error
        if recorded.at < self.at:
            raise WrongError(f"Expected time to go on at position {expected}, but {recorded.at} is before {self.at}")
        self.position, self.at = stored.position, recorded.at
        return recorded


def _followed(log: EventLog, chain: Chain, progress: Say) -> Iterator[list[Recorded]]:
    """The log by the batch, each event decoded once. Raises WrongError.

    A batch is handed on once the one behind it carries its hash: nothing is built on an event that was changed.
    """
    anchor, head = Anchor(log), log.head()
    vouched: list[Recorded] = []
    while stored := log.read_stored(chain.position, READ):
        batch = []
        for row in stored:
            batch.append(chain.follow(row))
            _refuse(anchor.passed(chain.position, chain.hash))
        yield vouched
        vouched = batch
        progress(Progress("replay", chain.position, max(head, chain.position)))
    _refuse(anchor.ended(chain.position))
    yield vouched


def _refuse(wrong: str) -> None:
    if wrong:
        raise WrongError(wrong)


def _findings(dsn: str, workspace: str, log: EventLog, chain: Chain, progress: Say) -> list[Finding]:
    """Views stand where they stand: each is built up to there, and so is the state it is held against."""
    with Shadow(dsn, workspace) as shadow:
        replay = Replay(workspace)
        for batch in _followed(log, chain, progress):
            replay.take(batch, shadow.take(batch))
        whole = f"{chain.position} events without a gap, each with the hash of the one before"
        with shadow.moment(log):
            replay.take(log.replay(replay.state.position), shadow.live.get("tasks", 0))
            return [
                Finding("chain", True, whole),
                *shadow.findings(chain.position),
                replay.finding(shadow.connection, shadow.schema),
            ]


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
