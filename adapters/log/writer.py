"""The one writer of a workspace: decides commands one after another and commits them in groups.

Commands are decided as they come, on the state as it will be once everything before them is durable; those decided
while one append is under way go into the next. A caller is answered when its events are durable; one whose command
left no event, when the log was seen to end where the decision stood. If an append fails, the state is thrown away and
built again from the log.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from math import inf
from time import perf_counter, time_ns

import msgspec

from adapters.log.ahead import Ahead
from adapters.log.command_queue import CommandQueue, Reply
from adapters.log.event_log import ConflictError, EventLog, LogUnavailableError
from adapters.log.writer_limits import Limits
from engine.answers import Answer
from engine.commands import (
    AcceptOffer,
    CancelTask,
    ChangeDeadlines,
    ClaimTask,
    CommentTask,
    CompleteTask,
    CreateTask,
    CreateTasks,
    HandOverTasks,
    LockTask,
    MergeTasks,
    Order,
    ReassignTask,
    RejectOffer,
    ReprioritiseTask,
    SetPresence,
    StartTask,
    UnlockTask,
)
from engine.events import Recorded
from engine.refusals import Refusal
from engine.state import State
from engine.workspace import Workspace

log = logging.getLogger("paidan.writer")

ASKED = (
    CreateTask, CreateTasks, ClaimTask, StartTask, CompleteTask, CancelTask, ReassignTask, SetPresence, HandOverTasks,
    LockTask, UnlockTask, AcceptOffer, RejectOffer, ReprioritiseTask, ChangeDeadlines, CommentTask, MergeTasks,
)  # fmt: skip
"""What people wait for. What comes with packages is bulk work itself."""
LATELY_S = 0.1
"""They count as asking for this long after their last command."""
GATHER_STEP_S = 0.001
"""Company that comes, comes sooner than this after the last."""
FOLLOW_S = 0.3
"""So long at most is the state brought up to the log in one go while standing by."""


class NotServingError(Exception):
    """This server does not own the workspace now, or cannot reach the log. Try again with the same request id."""


class Decided(msgspec.Struct):
    """Outcomes on their way to be durable."""

    events: list[Recorded] = []
    replies: list[tuple[Reply, Answer | Refusal]] = []


def wall_clock() -> int:
    """Milliseconds since 1970 UTC."""
    return time_ns() // 1_000_000


class Writer:
    """``open`` replays the log and starts; ``submit`` hands in a command; ``close`` finishes what was accepted."""

    def __init__(
        self, log: EventLog, workspace: str, clock: Callable[[], int] = wall_clock, limits: Limits | None = None
    ) -> None:
        self._log, self._name, self._clock = log, workspace, clock
        self._limits = limits or Limits()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="log")
        self.queue = CommandQueue(self._limits.queued_commands, self._limits.queued_s)
        self._decided = Decided()
        self._in_flight = Decided()
        self._workspace: Workspace | None = None
        self._ahead = Ahead(log, workspace)
        self._work = asyncio.Event()
        self._news = asyncio.Event()
        self._durable = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None
        self._closing = False
        self._held_back = False
        """Whether bulk work waits until what was decided is on its way."""
        self._asked_at = -inf
        self.position = 0
        """Of the last durable event."""
        self.followers: list[Callable[[Sequence[Recorded]], None]] = []
        """Called with events once they are durable, in order; they only take note, and never fail. Some may be missed:
        positions show it, and the log has them."""
        self.lost: asyncio.Event = asyncio.Event()
        """Set when another writer was found on the stream, or the log went away: ``close`` and stand by."""

    @property
    def state(self) -> State:
        """What the next decision rests on. Raises NotServingError."""
        return self._open().state

    async def follow(self) -> None:
        """While standing by: build on the state, so that ``open`` finds it done. Raises LogUnavailableError."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._ahead.follow, FOLLOW_S)

    async def open(self) -> None:
        """Build the state from the log and begin to decide. Raises LogUnavailableError."""
        self._workspace = await asyncio.get_running_loop().run_in_executor(self._thread, self._ahead.take)
        self.position = self._workspace.state.position
        self._decided = Decided()
        self._closing = False
        self.lost.clear()
        self._work.set()
        self._task = asyncio.create_task(self._run(self._workspace))

    async def submit(self, order: Order, until: float = inf) -> Answer | Refusal:
        """The command's outcome, once durable; ``until`` is the caller's deadline in the event loop's time.

        Raises NotServingError, OverloadedError; LateError where it was not decided because the deadline had passed.
        """
        self._open()
        if isinstance(order.command, ASKED):
            self._asked_at = perf_counter()
        self._work.set()
        return await self.queue.answer(order, until)

    async def wait_beyond(self, position: int) -> int:
        """Wait until an event above the position is durable; gives the last durable position."""
        async with self._durable:
            await self._durable.wait_for(lambda: self.position > position)
        return self.position

    async def close(self) -> None:
        """Finish what was accepted, then let go of the state."""
        self._closing = True
        await self.queue.answered()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._task = None
        await asyncio.get_running_loop().run_in_executor(self._thread, _nothing)  # an append under way comes to its end
        self._drop("Expected this server to own the workspace, but it has let go of it")

    def abandon(self, reason: str) -> None:
        """Tell all who wait to ask again, at once; what is being appended may yet come to be. ``close`` afterwards."""
        if self._task is not None:
            self._task.cancel()
        self._drop(reason)
        self.lost.set()

    def _open(self) -> Workspace:
        if self._workspace is None or self._closing:
            raise NotServingError("Expected this server to own the workspace, but it stands by; try again shortly")
        return self._workspace

    async def _run(self, workspace: Workspace) -> None:
        """Any failure, of the log or of our own making, ends here: the state goes, callers are to ask again."""
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._decide_for_ever(workspace))
                both.create_task(self._append_for_ever())
        except* (ConflictError, LogUnavailableError) as errors:
            self._drop(str(errors.exceptions[0]))
        except* Exception as errors:
            log.exception("the writer failed; building the state again from the log")
            self._drop(f"Expected the command to be decided, but the writer failed: {errors.exceptions[0]!r}")
        self.lost.set()
        await self._announce(self.position)

    async def _decide_for_ever(self, workspace: Workspace) -> None:
        while True:
            await self._until_there_is_work(workspace)
            moving = self._decide_slice(workspace)
            if moving:
                self._work.set()
            self._news.set()
            await asyncio.sleep(self._limits.rest_ms / 1000 if moving and self._asked_lately() else 0)
            while len(self._decided.events) > self._limits.pending_events:
                await self._appended()

    async def _until_there_is_work(self, workspace: Workspace) -> None:
        if not self._work.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(self._until_due(workspace)):  # wait_for would swallow a cancellation
                    await self._work.wait()  # that comes together with work
        self._work.clear()

    def _until_due(self, workspace: Workspace) -> float | None:
        """Seconds until the next timer; None: there is none, or it waits for the next append."""
        due = workspace.state.timers.next_due()
        return None if due is None or self._held_back else max(0.0, (due - self._clock()) / 1000)

    def _tick(self, workspace: Workspace) -> bool:
        """One step of what is due, which comes first however much work there is; False: nothing is due.

        Ten thousand timers may be due at once. So they are bulk work too, and wait for what was decided to be on its
        way; nothing is decided before them once it is.
        """
        due = workspace.state.timers.next_due()
        if due is None or due > self._clock() or self._is_much_decided():
            return False
        self._note(workspace.tick(self._clock(), self._step()), None)
        return True

    def _decide_slice(self, workspace: Workspace) -> bool:
        """Timers and commands first, then one step of what they set in motion; True while more is in motion."""
        ticked = self._tick(workspace)
        end = perf_counter() + self._limits.slice_ms / 1000
        while perf_counter() < end and (queued := self.queue.take()):
            self._note(workspace.handle(queued.order, self._clock()), queued.reply)
        self._held_back = self._is_much_decided()
        if self._held_back:
            return bool(self.queue)  # the next append gives the word to go on
        outcome = workspace.follow_up(self._clock(), self._step())
        if outcome is not None:
            self._note(outcome, None)
        return ticked or outcome is not None or bool(self.queue)

    def _is_much_decided(self) -> bool:
        return len(self._decided.events) >= self._limits.pending_bulk

    def _step(self) -> int | None:
        """Tasks of one step of bulk work; None: as many as cost least."""
        return self._limits.asked_step if self._asked_lately() else None

    def _asked_lately(self) -> bool:
        return perf_counter() - self._asked_at < LATELY_S

    def _note(self, outcome: tuple[list[Recorded], Answer | Refusal], reply: Reply | None) -> None:
        events, told = outcome
        self._decided.events.extend(events)
        if reply is not None:
            self._decided.replies.append((reply, told))

    async def _append_for_ever(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            while self._decided.events or self._decided.replies:
                await self._gather()
                self._in_flight, self._decided = self._decided, Decided()
                if self._held_back:
                    self._work.set()
                self.queue.appending_since = asyncio.get_running_loop().time()
                await self._append(self._in_flight)
                self.queue.appending_since = inf

    async def _gather(self) -> None:
        """Where many ask, let more come: an append of forty events costs little more than one of four.

        It goes off as soon as none came in a millisecond, so that callers who all wait are not kept waiting.
        """
        if len(self._in_flight.replies) < self._limits.company:
            return
        end = perf_counter() + self._limits.gather_ms / 1000
        before = -1
        while before < len(self._decided.replies) and perf_counter() < end:
            before = len(self._decided.replies)
            await asyncio.sleep(GATHER_STEP_S)

    async def _append(self, decided: Decided) -> None:
        in_thread = partial(asyncio.get_running_loop().run_in_executor, self._thread)
        if decided.events:
            await in_thread(self._log.append, decided.events)
            await self._announce(decided.events[-1].position)
            for note in self.followers:
                note(decided.events)
        else:
            await in_thread(self._log.confirm, self.position)  # or it may be told what another server has made untrue
        for reply, told in decided.replies:
            if not reply.done():
                reply.set_result(told)

    async def _announce(self, position: int) -> None:
        async with self._durable:
            self.position = position
            self._durable.notify_all()

    async def _appended(self) -> None:
        position = self.position
        async with self._durable:
            await self._durable.wait_for(lambda: self.position > position or self.lost.is_set())

    def _drop(self, reason: str) -> None:
        self._workspace = None
        self._decided = self._in_flight = Decided()
        self.queue.drop(NotServingError(reason))


def _nothing() -> None:
    """Done once the thread has done what it was given before."""
