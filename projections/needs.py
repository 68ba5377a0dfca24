"""What the view of work has to read before it can apply a batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from engine import events as ev
from engine.events import Recorded
from projections.pools import Pool, pool_of


class Needs:
    """What has to be read before a batch can be applied: tasks it moves that it did not itself put there."""

    def __init__(self, batch: Sequence[Recorded]) -> None:
        self.waiting: dict[int, None] = {}
        self.held: dict[int, None] = {}
        self.marked: dict[int, None] = {}
        """Tasks that the batch marks, or that may come back from an agent."""
        self.asked: dict[int, None] = {}
        """Tasks whose requester is asked, or heard."""
        self.reopened: dict[int, None] = {}
        self.called: dict[int, None] = {}
        """Tasks with a call to the outside that comes to an end."""
        self.pools: list[Pool] = []
        self._entered: set[int] = set()
        """Tasks that the batch itself brings or puts somewhere."""
        self._created: set[int] = set()
        for recorded in batch:
            self._look(recorded.event)

    def _look(self, event: ev.Event) -> None:
        look = _NEEDS.get(type(event))
        if look is not None:
            look(self, event)

    def _of_pooled(self, event: ev.TasksPooled) -> None:
        """Rows of a package come into pools for the first time, so nothing has to be looked up for them."""
        for placement in event.placements:
            self.pools.append(pool_of(placement.rule, placement.stage, placement.lane))
            if event.package is None:
                self._leaving(placement.tasks)
                self.marked.update((task, None) for task in placement.tasks if task not in self._created)
            self._entered.update(placement.tasks)

    def _of_created(self, event: ev.TaskCreated) -> None:
        self._created.add(event.task)
        self._entered.add(event.task)

    def _of_cancelled(self, event: ev.TasksCancelled | ev.TasksMerged) -> None:
        pairs = list(zip(event.tasks, event.agents, strict=True))
        self._leaving([number for number, agent in pairs if not agent])
        self.held.update((number, None) for number, agent in pairs if agent)
        self.called.update(dict.fromkeys(event.calling))

    def _of_answered(self, event: ev.CallbackSucceeded | ev.CallbacksFailed) -> None:
        tasks = event.tasks if isinstance(event, ev.CallbacksFailed) else (event.task,)
        self._leaving(tasks)
        self.called.update(dict.fromkeys(tasks))

    def _of_told(self, event: ev.ResultDelivered | ev.ResultUndelivered) -> None:
        self.called[event.task] = None

    def _of_merged(self, event: ev.TasksMerged) -> None:
        self._of_cancelled(event)
        self.marked.update(dict.fromkeys((event.into, *event.tasks)))

    def _of_reassigned(self, event: ev.TaskReassigned) -> None:
        if event.held_by:
            self.held[event.task] = None
        else:
            self._leaving((event.task,))
            self.marked[event.task] = None

    def _of_returned(self, event: ev.TasksRecycled | ev.TasksHandedOver | ev.OffersReturned) -> None:
        self.held.update(dict.fromkeys(event.tasks))
        self.marked.update(dict.fromkeys(event.tasks))

    def _of_step(self, event: ev.EscalationStepTaken) -> None:
        pairs = list(zip(event.tasks, event.agents, strict=True))
        self._leaving([number for number, agent in pairs if not agent])
        self.held.update((number, None) for number, agent in pairs if agent)
        self.marked.update(dict.fromkeys(event.tasks))

    def _of_held(self, event: ev.OfferAccepted | ev.TaskStarted) -> None:
        self.held[event.task] = None

    def _of_completed(self, event: ev.TaskCompleted) -> None:
        self.held[event.task] = None
        if event.closes_at:
            self.asked[event.task] = None

    def _of_opinion(self, event: ev.FeedbackGiven) -> None:
        self.held[event.task] = self.asked[event.task] = None

    def _of_closed(self, event: ev.TasksClosed) -> None:
        self.held.update(dict.fromkeys(event.tasks))
        self.asked.update(dict.fromkeys(event.tasks))

    def _of_reopened(self, event: ev.TaskReopened) -> None:
        for wanted in (self.held, self.asked, self.marked, self.reopened):
            wanted[event.task] = None

    def _of_escalated(self, event: ev.TasksEscalated) -> None:
        """Between hands, or completed."""
        self.marked.update(dict.fromkeys(event.tasks))
        self.held.update(dict.fromkeys(event.tasks))

    def _of_stalled(self, event: ev.PoolStalled) -> None:
        self.pools.append(pool_of_stall(event))

    def _leaving(self, numbers: Iterable[int]) -> None:
        self.waiting.update((number, None) for number in numbers if number not in self._entered)


_NEEDS: dict[type[ev.Event], Callable[[Needs, Any], None]] = {
    ev.TaskCreated: Needs._of_created,
    ev.TasksPooled: Needs._of_pooled,
    ev.TasksCancelled: Needs._of_cancelled,
    ev.TaskReassigned: Needs._of_reassigned,
    ev.OfferAccepted: Needs._of_held,
    ev.OffersReturned: Needs._of_returned,
    ev.TaskStarted: Needs._of_held,
    ev.TaskCompleted: Needs._of_completed,
    ev.PoolStalled: Needs._of_stalled,
    ev.TasksRecycled: Needs._of_returned,
    ev.TasksHandedOver: Needs._of_returned,
    ev.EscalationStepTaken: Needs._of_step,
    ev.TasksEscalated: Needs._of_escalated,
    ev.TaskReprioritised: lambda needs, event: needs.marked.update({event.task: None}),
    ev.TaskDeadlinesChanged: lambda needs, event: needs.marked.update({event.task: None}),
    ev.TaskCommented: lambda needs, event: needs.marked.update({event.task: None}),
    ev.TasksMerged: Needs._of_merged,
    ev.FeedbackGiven: Needs._of_opinion,
    ev.TaskReopened: Needs._of_reopened,
    ev.TasksClosed: Needs._of_closed,
    ev.TaskLocked: lambda needs, event: needs.marked.update({event.task: None}),
    ev.TaskUnlocked: lambda needs, event: needs.marked.update({event.task: None}),
    ev.CallbacksStarted: lambda needs, event: needs._leaving(event.tasks),
    ev.CallbackSucceeded: Needs._of_answered,
    ev.CallbacksFailed: Needs._of_answered,
    ev.ResultDelivered: Needs._of_told,
    ev.ResultUndelivered: Needs._of_told,
    ev.TasksRelaxed: lambda needs, event: needs._leaving(event.tasks),
    ev.TasksAllocated: lambda needs, event: needs._leaving(event.tasks),
    ev.TaskClaimed: lambda needs, event: needs._leaving((event.task,)),
}


def pool_of_stall(event: ev.PoolStalled) -> Pool:
    """The lane that stalled."""
    return pool_of(event.rule, event.stage, event.lane)
