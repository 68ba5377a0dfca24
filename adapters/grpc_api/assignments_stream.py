"""One agent's stream: what it holds, what the log says since, and then what the tail brings."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress

from paidan.v1 import tasks_pb2 as pb

from adapters.grpc_api.assignments_changes import TOPICS, Change, changes_of
from adapters.grpc_api.assignments_messages import change_messages, snapshot_messages
from adapters.grpc_api.failures import invalid, not_found
from adapters.grpc_api.services import Services
from adapters.grpc_api.task_messages import task_message
from adapters.grpc_api.watching import Watcher, Watching
from adapters.views.queries import BehindError
from engine.refusals import Violation
from projections.other_lists import AGENTS
from projections.work_lists import TASKS

FRESH_S = 0.3
"""How long a snapshot waits for the view to show all that there is."""
PATIENCE_S = 5.0
"""How long an agent that the view does not have may yet come into it."""

Messages = AsyncGenerator[pb.WatchAssignmentsResponse, None]


class AssignmentStream:
    """Makes the streams."""

    def __init__(self, services: Services, watching: Watching) -> None:
        self._queries, self._limits = services.queries, services.limits
        self._watching = watching

    async def of(self, agent: str, after: int) -> Messages:
        """Messages without end; ``after`` 0: a snapshot first. Raises Failure."""
        resumed = after > 0
        watcher = await self._watching.join(agent)  # first, so that nothing falls in between
        try:
            if after == 0:
                with suppress(BehindError):  # then the snapshot is older, and what came since follows from the log
                    await self._queries.wait_for(TASKS.views, watcher.since, FRESH_S)
                rows, after = await self._queries.work.held(agent)
                if not rows:
                    await self._known(agent, watcher.since)
                tasks = (task_message(self._watching.name("tasks", row.number), row) for row in rows)
                for message in snapshot_messages(tasks, after, self._limits.stream_message_bytes):
                    yield message
            elif after > watcher.since:
                await self._has_come(after)
            async for message in self._since(agent, after, watcher):
                after = message.position or after
                yield message
            after = max(after, watcher.since)
            if resumed:
                yield pb.WatchAssignmentsResponse(position=after)  # that is all there was
            async for message in self._from_now(after, watcher):
                yield message
        finally:
            self._watching.leave(watcher)

    async def _known(self, agent: str, head: int) -> None:
        """Raises Failure where there is no such agent, also once the view shows all that there is."""
        if await self._queries.work.knows(agent):
            return
        await self._queries.wait_for(AGENTS.views, head, PATIENCE_S)
        if not await self._queries.work.knows(agent):
            raise not_found("AGENT_UNKNOWN", f"Expected an agent of the roster, but {agent!r} is not in it")

    async def _has_come(self, position: int) -> None:
        head = await self._queries.work.head()
        if position > head:
            told = f"Expected a position of this log, which ends at {head}, but got {position}; begin anew with 0"
            raise invalid(Violation("from_position", told))

    async def _since(self, agent: str, after: int, watcher: Watcher) -> AsyncIterator[pb.WatchAssignmentsResponse]:
        """What the log has between the position and the tail, page by page."""
        while after < watcher.since:
            found = await self._queries.work.events(TOPICS, after, watcher.since, agent)
            after = found.through
            changes: list[Change] = []
            for recorded in found.events:
                changes += changes_of(recorded, (agent,))
            if changes:
                messages = await self._watching.messages(changes)
                for message in change_messages(messages, after, self._limits.stream_message_bytes):
                    yield message

    async def _from_now(self, after: int, watcher: Watcher) -> AsyncIterator[pb.WatchAssignmentsResponse]:
        """What the tail brings; what a snapshot shows already is left out. Where nothing comes, the position."""
        while True:
            taken = await watcher.take(self._limits.watch_heartbeat_s)
            changes = [change for change in taken if change.position > after]
            after = max(after, self._watching.told)
            for message in change_messages(changes, after, self._limits.stream_message_bytes):
                yield message
