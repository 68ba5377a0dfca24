"""Tasks as an agent's desktop shows them when they come: from what has just come by in the log, else from the view.

The log's own events are there first; the view, which may be a quarter of a second behind, knows the older ones.
"""

from __future__ import annotations

import logging
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from paidan.v1 import tasks_pb2 as pb

from adapters.grpc_api.foreign import failure_of
from adapters.grpc_api.task_messages import task_message
from adapters.grpc_api.values import to_value
from adapters.grpc_api.words import timestamp
from adapters.views.queries import Queries
from engine import events as ev
from engine.events import Recorded
from projections.masking import masked

log = logging.getLogger("paidan.grpc")

RECENT_TASKS = 20_000
"""Tasks that came last, kept as they came: some tens of megabytes where each has much to say."""
RECENT_CHANGES = 20_000
"""Tasks changed since, whose view has to be waited for."""
VIEW_S = 1.0
"""So long at most are agents kept waiting for a view that is behind."""

UNCHANGED = frozenset({
    ev.TasksPooled, ev.TasksRelaxed, ev.TasksAllocated, ev.TaskClaimed, ev.TaskReassigned, ev.TaskStarted,
    ev.OfferAccepted, ev.OffersReturned,
    ev.TaskCompleted, ev.TasksCancelled, ev.TasksRecycled, ev.TaskLocked, ev.TaskUnlocked, ev.TasksEscalated,
    ev.CallbacksStarted, ev.CallbackSucceeded, ev.CallbacksFailed, ev.ResultDelivered, ev.ResultUndelivered,
    ev.TaskCommented, ev.FeedbackGiven, ev.TasksClosed, ev.CommandRefused, ev.CommandHadNoEffect,
})  # fmt: skip
"""Events that leave what a task is as it came. Any other that names tasks may have changed their priority."""


class Arrival(NamedTuple):
    """Tasks that one event brought: numbers from ``first`` on."""

    first: int
    event: ev.TaskCreated | ev.TasksImported
    at: int


class Cards:
    """Fed with durable events in order; ``of`` makes the messages."""

    def __init__(self, queries: Queries, name: Callable[[str, int], str]) -> None:
        self._queries, self._name = queries, name
        self._firsts: list[int] = []
        self._arrivals: list[Arrival] = []
        self._changed: dict[int, int] = {}
        """Task -> position of an event that changed it."""
        self._limits: dict[int, ev.DeadlinesSet] = {}
        """Of the tasks that came last."""

    def forget(self) -> None:
        """Events were missed: only the view is to be trusted."""
        self._firsts, self._arrivals = [], []

    def note(self, recorded: Recorded) -> None:
        """The next event."""
        event = recorded.event
        match event:
            case ev.TaskCreated(task=first) | ev.TasksImported(first_task=first):
                self._firsts.append(first)
                self._arrivals.append(Arrival(first, event, recorded.at))
                if first - self._firsts[0] > RECENT_TASKS:
                    self._drop_oldest(first)
            case ev.DeadlinesSet():
                self._note_limits(event)
            case _ if type(event) not in UNCHANGED:
                self._note_changed(event, recorded.position)

    async def of(self, numbers: Iterable[int]) -> dict[int, pb.Task]:
        """Task -> its message, for all that could be had."""
        cards = {number: card for number in numbers if (card := self._recent(number)) is not None}
        missing = [number for number in numbers if number not in cards]
        try:
            if missing:
                await self._add(cards, missing)
        except Exception as error:
            if failure_of(error) is None:
                raise
            log.warning("assignments are told without their tasks: %s", error)
        return cards

    async def _add(self, cards: dict[int, pb.Task], missing: list[int]) -> None:
        """What the view has; that of changed tasks, and of tasks it does not have yet, is waited for."""
        changed = max((self._changed.get(number, 0) for number in missing), default=0)
        if changed:
            await self._queries.wait_for(("tasks",), changed, VIEW_S)
        await self._add_viewed(cards, missing)
        missing = [number for number in missing if number not in cards]
        if missing:
            await self._queries.wait_for(("tasks",), await self._queries.work.head(), VIEW_S)
            await self._add_viewed(cards, missing)

    async def _add_viewed(self, cards: dict[int, pb.Task], numbers: list[int]) -> None:
        for row in await self._queries.work.tasks(numbers):
            cards[row.number] = task_message(self._name("tasks", row.number), row)

    def _recent(self, number: int) -> pb.Task | None:
        place = bisect_right(self._firsts, number) - 1
        if place < 0 or number in self._changed:
            return None
        first, event, at = self._arrivals[place]
        came = 1 if isinstance(event, ev.TaskCreated) else len(event.rows)
        return self._message(number, event, number - first, at) if number - first < came else None

    def _message(self, number: int, event: ev.TaskCreated | ev.TasksImported, index: int, at: int) -> pb.Task:
        row, person = _row_of(event, index)
        card = pb.Task(
            name=self._name("tasks", number), number=number, type=event.task_type, business_type=event.business_type,
            priority=row.priority, customer=row.customer or "", owner=row.owner or "", region=row.region or "",
            package=getattr(event, "package", 0), line=row.line, create_time=timestamp(at),
        )  # fmt: skip
        limits = self._limits.get(number)
        if limits is not None:
            for field, due in (("respond_by_time", limits.respond_by), ("resolve_by_time", limits.resolve_by)):
                if due:
                    getattr(card, field).CopyFrom(timestamp(due))
        for name, value in zip(event.columns, row.attributes, strict=True):
            if value is not None:
                card.attributes[name].CopyFrom(to_value(value))
        if person is not None and any(shown := masked(person)):
            card.person_masked.CopyFrom(pb.Person(full_name=shown[0], mobile=shown[1], id_card=shown[2]))
        return card

    def _note_limits(self, event: ev.DeadlinesSet) -> None:
        self._limits.update(dict.fromkeys(event.tasks, event))
        for number in list(self._limits)[: max(0, len(self._limits) - RECENT_TASKS)]:
            del self._limits[number]

    def _note_changed(self, event: ev.Event, position: int) -> None:
        for number in _tasks_of(event):
            self._changed.pop(number, None)
            self._changed[number] = position
        while len(self._changed) > RECENT_CHANGES:
            del self._changed[next(iter(self._changed))]

    def _drop_oldest(self, last: int) -> None:
        """Down to half, so that it is seldom done."""
        keep = bisect_right(self._firsts, last - RECENT_TASKS // 2)
        del self._firsts[:keep], self._arrivals[:keep]


def _row_of(event: ev.TaskCreated | ev.TasksImported, index: int) -> tuple[ev.TaskRow, ev.Person | None]:
    if isinstance(event, ev.TaskCreated):
        return event.row, event.person
    return event.rows[index], event.persons[index] if event.persons else None


def _tasks_of(event: ev.Event) -> Iterator[int]:
    for field in ("task", "into"):
        task = getattr(event, field, None)
        if task:
            yield task
    yield from getattr(event, "tasks", ())
