"""What one agent holds, and what the log says of agents' work: the queries behind ``WatchAssignments``.

What is asked for one agent takes its turn: after a restart every desktop comes back at once, and other queries go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import nullcontext
from typing import NamedTuple, TypeVar
from uuid import UUID

import msgspec

from adapters.log.codec import Stored, decode
from adapters.views.query_pool import QueryPool
from engine.events import Recorded
from projections.listing import MAX_PAGE, Listing, Request, Scope, page_of, plan
from projections.other_lists import AGENTS
from projections.rows import Page, TaskView
from projections.work_lists import TASKS

Row = TypeVar("Row")

AT_ONCE = 2
"""Of the server's connections for queries, for what is asked for one agent."""
SPAN = 5_000
"""Positions that one statement looks through."""
MAX_FOUND = 100
"""Events of one statement: bulk ones carry some hundreds of tasks each."""

_EVENTS = """
SELECT originator_version, topic, state FROM stored_events
WHERE originator_id = %s AND originator_version > %s AND originator_version <= %s AND topic = ANY(%s)
    AND (%s::bytea IS NULL OR position(%s::bytea in state) > 0)
ORDER BY originator_version LIMIT %s
"""
_HEAD = "SELECT coalesce(max(originator_version), 0) FROM stored_events WHERE originator_id = %s"
_HELD = "a.agent = %s AND e.ended IS NULL AND w.task IS NULL"


class Found(NamedTuple):
    """Events, and the position up to which there are no others of the kind."""

    events: list[Recorded]
    through: int


class AgentWork:
    """Raises what ``QueryPool`` raises, and UnknownEventError."""

    def __init__(self, pool: QueryPool, stream: UUID) -> None:
        self._pool, self._stream = pool, stream
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def head(self) -> int:
        """Position of the last event, 0 for an empty log."""
        found = await self._pool.fetch(_HEAD, [self._stream])
        return int(found[0][0])

    async def knows(self, agent: str) -> bool:
        """Whether the view has an agent of this id, removed or not."""
        async with self._turns:
            return bool((await self._page(AGENTS, ("t.id = %s", (agent,), ()))).rows)

    async def held(self, agent: str) -> tuple[list[TaskView], int]:
        """All tasks in an agent's hands by number, and the position they were so at.

        What comes to the agent while page after page is read belongs to what comes after that position.
        """
        rows: list[TaskView] = []
        position, token = 0, ""
        while True:
            async with self._turns:
                page = await self._page(TASKS, (_HELD, (agent,), ("e", "w", "a")), token)
            position = position or page.position
            rows += [row for row in page.rows if row.grant <= position]
            token = page.next_page_token
            if not token:
                return rows, position

    async def tasks(self, numbers: Sequence[int]) -> list[TaskView]:
        """These tasks, as far as the view has them."""
        rows: list[TaskView] = []
        for start in range(0, len(numbers), MAX_PAGE):
            some = list(numbers[start : start + MAX_PAGE])
            rows += (await self._page(TASKS, ("t.number = ANY(%s)", (some,), ()))).rows
        return rows

    async def events(self, topics: Sequence[str], after: int, through: int, agent: str | None = None) -> Found:
        """The next events of these topics, of which ``agent`` leaves those that do not name the agent.

        PostgreSQL looks through the events; only what is found is decoded, and beside the loop.
        """
        until = min(after + SPAN, through)
        named = msgspec.json.encode(agent) if agent is not None else None
        params = [self._stream, after, until, list(topics), named, named, MAX_FOUND]
        async with self._turns if agent is not None else nullcontext():
            rows = await self._pool.fetch(_EVENTS, params)
        if not rows:
            return Found([], until)
        events = await asyncio.to_thread(lambda: [decode(Stored(*row)) for row in rows])
        return Found(events, events[-1].position if len(events) == MAX_FOUND else until)

    async def _page(self, listing: Listing[Row], scope: Scope, token: str = "") -> Page[Row]:
        made = plan(listing, Request(page_size=MAX_PAGE, page_token=token), {}, scope)
        return page_of(listing, made, await self._pool.fetch(made.sql, made.params))
