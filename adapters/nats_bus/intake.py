"""The intake: messages on ``paidan.<workspace>.in.tasks`` become tasks, each exactly one.

A message is acknowledged only when its task is in the log, and its id is the request id: so it may come twice, and
any process may die at any moment. What can never become a task goes to the dead letters with the reason. While the
server is away, or another one owns the workspace, messages stay with NATS, for whoever serves them first.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from typing import Protocol

import nats

from adapters.nats_bus.intake_line import Line, Taken
from adapters.nats_bus.intake_port import IntakePort, RefusedError, ServerAwayError, ServerFailedError
from adapters.nats_bus.intake_reading import BadMessageError, read
from adapters.nats_bus.intake_streams import IntakeLimits

log = logging.getLogger("paidan.connector")

RETRY_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
LOOK_S = 0.5
"""Between two looks at whether the server serves."""
FAILURES = 10
"""A server that fails so often over one message fails because of it."""
END_S = 6.0
"""For what is under way to be answered when told to end; the server is given less."""


class Watcher(Protocol):
    """Who counts."""

    def came(self, outcome: str) -> None:
        """A message was ``created``, is ``dead``, or was put off to come ``again``."""

    def stands(self, connected: bool, waiting: int) -> None:
        """Whether messages can come, and how many NATS still has."""


class Intake:
    """One workspace's messages. The counters may be read from any thread."""

    def __init__(
        self, url: str, workspace: str, port: IntakePort, limits: IntakeLimits, watcher: Watcher | None = None
    ) -> None:
        self._url, self._workspace, self._port, self._limits = url, workspace, port, limits
        self._watcher = watcher
        self._under_way: set[asyncio.Task[None]] = set()
        self._freed = asyncio.Event()
        self._shut = True
        """Nothing is pulled until the server is known to serve."""
        self._failures: Counter[str] = Counter()
        self._attempt = 0
        self._trouble = ""
        self.outcomes: Counter[str] = Counter()
        """Messages by what has become of them."""

    async def run(self) -> None:
        """For ever; cancelled, what is under way is answered first."""
        while True:
            line = Line(self._workspace, self._limits)
            try:
                await line.open(self._url)
                await self._follow(line)
            except (nats.errors.Error, OSError, TimeoutError) as error:
                self._stands(False, 0)
                self._say("NATS is away; it keeps what comes", error)
            finally:
                await self._end(line)
            await asyncio.sleep(RETRY_S[min(self._attempt, len(RETRY_S) - 1)])
            self._attempt += 1

    async def _follow(self, line: Line) -> None:
        still_to_come = 0
        self._stands(True, 0)
        while True:
            if not still_to_come:
                still_to_come = await self._room()
                await line.pull(still_to_come)
            taken = await line.next()
            still_to_come = still_to_come - 1 if taken is not None else 0
            self._stands(True, taken.waiting if taken is not None else 0)
            if taken is not None:
                self._begin(line, taken)

    async def _room(self) -> int:
        """Wait until the server serves and a good part of the window is free; gives how many may come."""
        most = self._limits.in_flight
        while True:
            await self._serving()
            self._well()
            free = most - len(self._under_way)
            if free >= (most + 3) // 4:
                return free
            self._freed.clear()
            await self._freed.wait()

    async def _serving(self) -> None:
        while self._shut:
            await asyncio.sleep(LOOK_S)
            self._shut = not await self._port.is_serving()
            if self._shut:
                self._say("the server does not serve; messages stay with NATS")

    def _begin(self, line: Line, taken: Taken) -> None:
        task = asyncio.create_task(self._take(line, taken))
        self._under_way.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._freed.set()
        if not task.cancelled() and task.exception() is not None:
            log.error("a message was not taken; it comes again", exc_info=task.exception())

    async def _take(self, line: Line, taken: Taken) -> None:
        """One message. Should the line break meanwhile, it comes again."""
        try:
            outcome = "again" if self._shut else await self._outcome(line, taken)
            if outcome == "again":
                await line.again(taken, later=taken.place in self._failures)
            else:
                await line.done(taken)
        except (nats.errors.Error, OSError, TimeoutError) as error:
            log.debug("a message comes again: %s", error)
            return
        self.outcomes[outcome] += 1
        if self._watcher is not None:
            self._watcher.came(outcome)

    async def _outcome(self, line: Line, taken: Taken) -> str:
        try:
            await self._port.create(read(taken.headers, taken.payload, self._limits.message_bytes, taken.place))
        except (BadMessageError, RefusedError) as error:
            return await self._bury(line, taken, error.reason, str(error))
        except ServerAwayError as error:
            self._shut = True
            self._say("the server does not take messages, which stay with NATS", error)
            return "again"
        except ServerFailedError as error:
            return await self._failed(line, taken, error)
        except Exception as error:  # unforeseen, and no reason to let the message be given out for ever
            log.exception("message %s cannot be taken", taken.place)
            return await self._failed(line, taken, error)
        self._failures.pop(taken.place, None)
        return "created"

    async def _failed(self, line: Line, taken: Taken, error: Exception) -> str:
        self._failures[taken.place] += 1
        if self._failures[taken.place] < FAILURES:
            return "again"
        return await self._bury(line, taken, "SERVER_FAILED", str(error))

    async def _bury(self, line: Line, taken: Taken, reason: str, told: str) -> str:
        await line.bury(taken, reason, told)
        self._failures.pop(taken.place, None)
        log.info("message %s is put to the dead letters: %s", taken.place, reason)
        return "dead"

    async def _end(self, line: Line) -> None:
        """What is under way is asked of the server to its end: it may be in the log already."""
        try:
            if self._under_way:
                await asyncio.wait(self._under_way, timeout=END_S)
        finally:
            await line.close()

    def _stands(self, connected: bool, waiting: int) -> None:
        if self._watcher is not None:
            self._watcher.stands(connected, waiting)

    def _say(self, what: str, error: Exception | None = None) -> None:
        """Once a change: who is away for hours fills no log."""
        if what != self._trouble:
            why = f" ({str(error).strip() or type(error).__name__})" if error is not None else ""
            log.warning("%s%s; trying again", what, why)
        self._trouble = what

    def _well(self) -> None:
        if self._trouble:
            log.info("taking messages")
        self._trouble, self._attempt = "", 0
