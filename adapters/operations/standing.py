"""How the views stand to the log: looked at each second, told to health and metrics."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from time import monotonic, time
from typing import TYPE_CHECKING, Protocol

from adapters.log.writer import NotServingError
from adapters.views.queries import Queries
from adapters.views.query_pool import TooManyQueriesError, ViewsUnavailableError
from engine.state import State

if TYPE_CHECKING:
    from adapters.operations.metrics import StandingMetrics

log = logging.getLogger("paidan.readiness")

LOOK_S = 1.0
COUNT_S = 15.0
"""Between two counts of all tasks, or twenty times as long as the last one took, if that is more."""
MOST_SAMPLES = 4_096


class Writer(Protocol):
    """Of the workspace's writer, what is looked at."""

    @property
    def position(self) -> int: ...

    @property
    def queue(self) -> object: ...

    @property
    def state(self) -> State: ...


class Lateness:
    """When the log passed which position, so that it can be said how old is what a view shows."""

    def __init__(self) -> None:
        self._passed: deque[tuple[float, int]] = deque()

    def note(self, head: int, now: float) -> None:
        """The log ends at ``head``."""
        if not self._passed or self._passed[-1][1] < head:
            self._passed.append((now, head))
        if len(self._passed) > MOST_SAMPLES:
            self._passed = deque(list(self._passed)[::2])

    def began(self, position: int, then: float) -> None:
        """From before the first look: the event at ``position`` came ``then``."""
        self._passed.appendleft((then, position))

    def of(self, position: int, now: float) -> float:
        """For how long there has been something beyond ``position``, in seconds."""
        return next((now - then for then, head in self._passed if head > position), 0.0)

    def forget(self, position: int) -> None:
        """No view stands below it any more."""
        while self._passed and self._passed[0][1] <= position:
            self._passed.popleft()


class Standing:
    """``run`` looks for ever. ``shows`` is told whether views are at most ``bound_s`` behind."""

    def __init__(
        self,
        queries: Queries,
        writer: Writer,
        bound_s: float,
        shows: Callable[[bool], Awaitable[None]],
        metrics: StandingMetrics | None,
        ages: bool = True,
    ) -> None:
        """``ages``: events have the time of the wall; not so in a rehearsal."""
        self._queries, self._writer, self._bound_s, self._shows, self._metrics = (
            queries,
            writer,
            bound_s,
            shows,
            metrics,
        )
        self._late = Lateness()
        self._seeded = not ages
        self._fresh: bool | None = None
        self._count_at = 0.0

    async def run(self) -> None:
        """Ends by cancellation."""
        while True:
            try:
                await self._tell(await self._look())
                await self._count()
            except ViewsUnavailableError as error:
                await self._tell(f"PostgreSQL does not answer ({error})")
            except TooManyQueriesError:
                log.info("too many queries to look at the views now")
            self._measure()
            await asyncio.sleep(LOOK_S)

    async def _look(self) -> str:
        """What is wrong with the views, nothing if all is well."""
        views, head, now = await self._queries.positions(), await self._queries.head(), time()
        if not views:
            return "there are none yet"
        least = min(view.position for view in views)
        await self._seed(least, head)
        self._late.note(head, now)
        wrong = []
        for view in views:
            late = self._late.of(view.position, now)
            if self._metrics is not None:
                self._metrics.view(view.view, view.position, max(0, head - view.position), late)
            if late > self._bound_s:
                wrong.append(f"{view.view} is {late:.0f} s and {head - view.position} events behind")
        self._late.forget(least)
        return ", ".join(wrong)

    async def _seed(self, least: int, head: int) -> None:
        """At the first look the log says itself since when it has had what a view does not show."""
        if self._seeded:
            return
        self._seeded = True
        missing = await self._queries.events(least, 1) if least < head else []
        if missing:
            self._late.began(missing[0].position, missing[0].at / 1000)

    async def _tell(self, wrong: str) -> None:
        fresh = not wrong
        if fresh is self._fresh:
            return
        self._fresh = fresh
        log.log(logging.INFO if fresh else logging.WARNING, "views: %s", wrong or "ready")
        await self._shows(fresh)

    async def _count(self) -> None:
        if self._metrics is None or monotonic() < self._count_at:
            return
        began, counts = monotonic(), Counter[str]()
        for row in await self._queries.counts():
            counts[row.status] += row.count
        self._metrics.tasks(counts)
        self._count_at = monotonic() + max(COUNT_S, 20 * (monotonic() - began))

    def _measure(self) -> None:
        if self._metrics is None:
            return
        try:
            sizes = sizes_of(self._writer.state)
        except NotServingError:
            sizes = {}
        self._metrics.server(bool(sizes), self._writer.position, len(self._writer.queue), sizes)  # type: ignore[arg-type]


def sizes_of(state: State) -> dict[str, int]:
    """What a workspace holds in memory."""
    return {
        "agents": len(state.agents),
        "lanes": len(state.lanes),
        "packages": len(state.packages),
        "requests": len(state.requests),
        "rule_sets": len(state.rule_sets),
        "tasks": len(state.tasks),
    }
