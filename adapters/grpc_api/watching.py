"""The one tail of the log that all watchers of agents' work share.

The writer hands over what it has made durable; only what concerns a watched agent goes further, to a bounded queue for
each watcher. So an idle watcher costs a command nothing. Where events are missed, as on a stand-by server, which has no
writer, the log itself is read from where the tail stands.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress

from paidan.v1 import tasks_pb2 as pb

from adapters.grpc_api.assignments_cards import Cards
from adapters.grpc_api.assignments_changes import SHOWN, TOPICS, Change, changes_of
from adapters.grpc_api.assignments_messages import change_message
from adapters.grpc_api.failures import Failure, overloaded, unavailable
from adapters.grpc_api.foreign import failure_of
from adapters.grpc_api.services import Services
from engine.events import Recorded

log = logging.getLogger("paidan.grpc")

POLL_S = 0.5
"""The log is looked at this often in any case: a stand-by server is told nothing."""
PAUSE_S = 0.002
"""Between two steps: watchers have their turn, and more events are told in one go."""
MAX_HELD = 2_000
"""Events kept between two steps; beyond that they are read from the log again."""


class Watcher:
    """One stream's end of the tail: what is for it above ``since``."""

    def __init__(self, agent: str, since: int, most: int) -> None:
        self.agent, self.since, self._most = agent, since, most
        self._changes: list[pb.AssignmentChange] = []
        self._ended: Failure | None = None
        self._news = asyncio.Event()

    def put(self, changes: list[pb.AssignmentChange]) -> None:
        """More for the reader, who is cut off where it has left too much lying."""
        if self._changes and len(self._changes) + len(changes) > self._most:
            told = f"Expected changes to be read as they come, but {len(self._changes)} of them wait"
            self.end(overloaded("READER_TOO_SLOW", f"{told}; go on from the last position received"))
        elif self._ended is None:
            self._changes += changes
            self._news.set()

    def end(self, failure: Failure) -> None:
        """Nothing more comes."""
        self._changes = []
        self._ended = self._ended or failure
        self._news.set()

    async def take(self, seconds: float) -> list[pb.AssignmentChange]:
        """All there is, waited for; nothing where nothing comes for so long. Raises Failure once it is ended."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()
        self._news.clear()
        if self._ended is not None:
            raise self._ended
        taken, self._changes = self._changes, []
        return taken


class Watching:
    """``start`` and ``stop`` with the server; a stream joins, takes, and leaves."""

    def __init__(self, services: Services) -> None:
        self._queries, self._workspace = services.queries, services.workspace
        self._cards = Cards(services.queries, self.name)
        self._most = services.limits.watch_queue
        self._watchers: defaultdict[str, list[Watcher]] = defaultdict(list)
        self._taken: int | None = None
        """Events up to here have been looked through for watchers; None: nobody watches."""
        self.told = 0
        """What they say up to here has been given to watchers."""
        self._held: list[Recorded] = []
        self._news = asyncio.Event()
        self._waking = asyncio.Lock()
        self._stopping = self._failing = False
        self._task: asyncio.Task[None] | None = None
        services.writer.followers.append(self._durable)

    def start(self) -> None:
        """Begin to follow."""
        self._task = asyncio.create_task(self._follow_for_ever(), name="watching")

    async def stop(self) -> None:
        """End all streams."""
        self._stopping = True
        told = "Expected the server to go on, but it is being stopped; go on from the last position received"
        self._end_all(unavailable("STOPPING", told))
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def name(self, collection: str, key: int) -> str:
        """``workspaces/{workspace}/{collection}/{key}``."""
        return f"workspaces/{self._workspace}/{collection}/{key}"

    async def join(self, agent: str) -> Watcher:
        """A watcher that gets everything above its ``since``, which is a position of the log. Raises Failure."""
        async with self._waking:
            if self._taken is None:
                head = await self._queries.work.head()
                self._cards.forget()
                self._taken = self.told = head
        if self._stopping:
            raise unavailable("STOPPING", "Expected the server to go on, but it is being stopped; ask again shortly")
        watcher = Watcher(agent, self._taken, self._most)
        self._watchers[agent].append(watcher)
        return watcher

    def leave(self, watcher: Watcher) -> None:
        """Nothing more is kept for it."""
        those = self._watchers[watcher.agent]
        those.remove(watcher)
        if not those:
            del self._watchers[watcher.agent]

    # --- the tail ----------------------------------------------------------------------------------------------------

    def _durable(self, events: Sequence[Recorded]) -> None:
        """From the writer."""
        if self._taken is None:
            return
        if len(self._held) + len(events) > MAX_HELD:
            self._held = []
        self._held += events
        self._news.set()

    async def _follow_for_ever(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_S):
                    await self._news.wait()
            self._news.clear()
            try:
                await self._step()
                self._failing = False
            except Exception as error:
                self._failed(error)
                await asyncio.sleep(POLL_S)
            await asyncio.sleep(PAUSE_S)

    def _failed(self, error: Exception) -> None:
        """What passes by itself is waited for: the next step goes on from where this one came to."""
        if failure_of(error) is not None:
            if not self._failing:
                log.warning("agents' work cannot be followed now: %s", error)
            self._failing = True
            return
        log.error("agents' work cannot be followed", exc_info=error)
        self._end_all(unavailable("INTERRUPTED", "Expected the stream to go on, but it broke; go on from its position"))

    async def _step(self) -> None:
        if not self._watchers:
            self._taken, self._held = None, []
            return
        assert self._taken is not None, "whoever joins sets it"
        events, self._held = self._held, []
        events = [recorded for recorded in events if recorded.position > self._taken]
        if not events:
            await self._read_up(await self._queries.work.head())
            return
        if events[0].position > self._taken + 1:
            await self._read_up(events[0].position - 1)
        for recorded in events:
            self._cards.note(recorded)
        await self._tell(self._look_through(events, events[-1].position))

    async def _read_up(self, position: int) -> None:
        """From the log, what the writer did not hand over."""
        while self._taken is not None and self._taken < position:
            self._cards.forget()
            found = await self._queries.work.events(TOPICS, self._taken, position)
            await self._tell(self._look_through(found.events, found.through))

    def _look_through(self, events: Sequence[Recorded], through: int) -> list[tuple[Change, list[Watcher]]]:
        """Changes and those who watch now. Whoever joins after this reads these events in the log."""
        found = [
            (change, list(self._watchers[change.agent]))
            for recorded in events
            for change in changes_of(recorded, self._watchers)
        ]
        self._taken = through
        return found

    async def _tell(self, found: list[tuple[Change, list[Watcher]]]) -> None:
        through = self._taken or 0
        messages = await self.messages([change for change, _ in found])
        for_each: defaultdict[Watcher, list[pb.AssignmentChange]] = defaultdict(list)
        for message, (_, watchers) in zip(messages, found, strict=True):
            for watcher in watchers:
                for_each[watcher].append(message)
        for watcher, changes in for_each.items():
            watcher.put(changes)
        self.told = through

    async def messages(self, changes: Sequence[Change]) -> list[pb.AssignmentChange]:
        """Changes as they are told, each assignment with its task."""
        cards = await self._cards.of({change.task: None for change in changes if change.kind in SHOWN})
        return [change_message(self.name("tasks", change.task), change, cards.get(change.task)) for change in changes]

    def _end_all(self, failure: Failure) -> None:
        for watchers in self._watchers.values():
            for watcher in watchers:
                watcher.end(failure)
