"""Takes calls from the server, makes them, and says what came of each.

It keeps nothing: whatever is under way when it dies is sent to it again, and is called again under the same key.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from contextlib import suppress
from typing import Protocol
from uuid import uuid4

import msgspec

from adapters.outbound.attempts import Attempts
from adapters.outbound.lanes import Lane, Lanes
from adapters.outbound.port import OutboundCall, OutboundPort, Outcome, OverError, ServerAwayError

log = logging.getLogger("paidan.connector")

RETRY_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
PATIENT = 4
"""So often nothing is said of a server that is away: it may just be starting."""
END_S = 6.0
"""For calls under way to be answered and reported when told to end."""


class OutboundLimits(msgspec.Struct, frozen=True):
    """What each bounds stands in adapters/settings/limits.py."""

    at_once: int
    held: int


class Watcher(Protocol):
    """Who counts."""

    def tried(self, kind: str, outcome: str) -> None:
        """An attempt at a ``callback`` or a ``result`` was ``answered``, or has ``failed``."""

    def ended(self, kind: str, outcome: str) -> None:
        """A call has ``succeeded``, was ``declined``, or has ``failed`` for good."""

    def holds(self, calls: int) -> None:
        """So many wait or are under way."""


class Outbound:
    """One workspace's calls. The counter may be read from any thread."""

    def __init__(
        self, port: OutboundPort, attempts: Attempts, limits: OutboundLimits, watcher: Watcher | None = None
    ) -> None:
        self._port, self._attempts, self._limits, self._watcher = port, attempts, limits, watcher
        self._lanes = Lanes(limits.held)
        self._workers: set[asyncio.Task[None]] = set()
        self._room = asyncio.Event()
        """Set when what was left with the server can be taken."""
        self._trouble = ""
        self.outcomes: Counter[str] = Counter()
        """Calls by what came of them."""

    async def run(self) -> None:
        """For ever; cancelled, calls under way are ended and reported first, within bounds."""
        try:
            await self._follow_for_ever()
        finally:
            self._lanes.clear()
            await self._end()

    async def _follow_for_ever(self) -> None:
        failed = resume = 0
        while True:
            try:
                resume = await self._follow(resume)
                failed = 0
            except ServerAwayError as error:
                if failed >= PATIENT:
                    self._say("the server hands over no calls", error)
                await asyncio.sleep(RETRY_S[min(failed, len(RETRY_S) - 1)])
                failed, resume = failed + 1, 0

    async def _follow(self, resume: int) -> int:
        """Take calls until there is room for what was left; gives where to go on. Raises ServerAwayError."""
        self._room.clear()
        reading = asyncio.create_task(self._read(resume))
        waiting = asyncio.create_task(self._room.wait())
        try:
            await asyncio.wait({reading, waiting}, return_when=asyncio.FIRST_COMPLETED)
            if reading.done():
                reading.result()
            return self._lanes.resume()
        finally:
            for task in (reading, waiting):
                task.cancel()
            await asyncio.gather(reading, waiting, return_exceptions=True)

    async def _read(self, resume: int) -> None:
        async for call in self._port.calls(resume):
            self._well()
            lane = self._lanes.put(call)
            if lane is not None and lane.under_way < self._limits.at_once:
                self._begin(lane)
        raise ServerAwayError("the stream of calls has ended")

    def _begin(self, lane: Lane) -> None:
        lane.under_way += 1
        worker = asyncio.create_task(self._work(lane))
        self._workers.add(worker)
        worker.add_done_callback(self._finished)

    def _finished(self, worker: asyncio.Task[None]) -> None:
        self._workers.discard(worker)
        if not worker.cancelled() and worker.exception() is not None:
            log.error("a call was not made; it comes again", exc_info=worker.exception())

    async def _work(self, lane: Lane) -> None:
        """One call after another, until none waits."""
        try:
            while lane.waiting:
                call = lane.waiting.popleft()
                try:
                    await self._make(call)
                finally:
                    self._lanes.done(call)
                    self._count()
        finally:
            lane.under_way -= 1
            if self._lanes.tidy(lane):
                self._room.set()

    async def _make(self, call: OutboundCall) -> None:
        if call.ends <= asyncio.get_running_loop().time():
            return
        self._count()
        try:
            outcome = await self._attempts.outcome(call)
        except Exception as error:  # unforeseen, and no reason for the task to wait until its time is over
            log.exception("%s %s could not be made", call.kind, call.key)
            outcome = Outcome("failed", reason=f"Expected to make the call, but the connector failed: {error!r}"[:500])
        self.outcomes[outcome.word] += 1
        if self._watcher is not None:
            self._watcher.ended(call.kind, outcome.word)
        if outcome.word != "succeeded":
            log.info("%s %s: %s", call.kind, call.key, outcome.reason)
        await self._report(call, outcome)

    async def _report(self, call: OutboundCall, outcome: Outcome) -> None:
        """Until the server has it, or the call's time is over there."""
        request, failed = f"{call.key}-{uuid4().hex[:8]}", 0
        while True:
            try:
                return await self._port.report(call, outcome, request)
            except OverError as error:
                return log.info("%s %s is over for the server: %s", call.kind, call.key, error)
            except ServerAwayError as error:
                if asyncio.get_running_loop().time() > call.ends:
                    return log.warning("what came of %s %s could not be told: %s", call.kind, call.key, error)
            await asyncio.sleep(RETRY_S[min(failed, len(RETRY_S) - 1)])
            failed += 1

    async def _end(self) -> None:
        """What has reached a callee should be known: it would be called again."""
        if self._workers:
            with suppress(asyncio.CancelledError):
                await asyncio.wait(self._workers, timeout=END_S)
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        await self._attempts.close()

    def _count(self) -> None:
        if self._watcher is not None:
            self._watcher.holds(len(self._lanes))

    def _say(self, what: str, error: Exception) -> None:
        """Once a change."""
        if what != self._trouble:
            log.warning("%s (%s); trying again", what, error)
        self._trouble = what

    def _well(self) -> None:
        if self._trouble:
            log.info("taking calls")
        self._trouble = ""
