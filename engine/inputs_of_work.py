"""The way back from an event to the command of an agent or a supervisor, in a history where others may hold the work.

Work that was accepted, started or locked is so by whoever holds it here. A handover, as a rejection, is one agent's own
judgement: he hands over what he holds here too; the rest is asked for in his name all the same and refused, since
another might have kept it. The requester says the same of what is completed here. Whoever was asked by a callback
answers the same here, where he is asked at all. Recycling, escalation, the end of a lock and of an offer's time come of
the rules and the time, and are decided anew.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from engine import commands as cmd
from engine import events as ev
from engine.state import State, Task


def work_of(event: ev.Event, state: State, at: int) -> list[cmd.Command]:
    """The commands, as they can be put here; none where the event is no work, or nobody holds the task.

    ``at``: when it happened, in milliseconds since 1970 UTC.
    """
    again = _WORK.get(type(event))
    return [] if again is None else again(event, state, at)


def start(task: Task | None) -> list[cmd.Command]:
    """Begin work on it, where an agent has yet to; what he is only offered he accepts."""
    if task is None or task.status not in ("offered", "assigned") or task.agent is None:
        return []
    return [*accept(task), cmd.StartTask(task.number, task.agent, task.grant)]


def accept(task: Task | None) -> list[cmd.Command]:
    """Take it, where an agent is only offered it."""
    if task is None or task.status != "offered" or task.agent is None:
        return []
    return [cmd.AcceptOffer(task.number, task.agent, task.grant)]


def _accepted(event: ev.OfferAccepted, state: State, _at: int) -> list[cmd.Command]:
    return accept(state.tasks.get(event.task))


def _offers_returned(event: ev.OffersReturned, state: State, _at: int) -> list[cmd.Command]:
    """What he himself rejected; one agent's own judgement, as a handover is."""
    if event.cause != "rejected":
        return []
    pairs = zip(event.tasks, event.agents, strict=True)
    return [cmd.RejectOffer(task, agent, _grant(state, task), event.note) for task, agent in pairs]


def _removed(event: ev.AgentsRemoved, _state: State, _at: int) -> list[cmd.Command]:
    return [cmd.SetPresence(agent, "offline", "removed") for agent in event.agents]


def _cancelled(event: ev.TasksCancelled, state: State, _at: int) -> list[cmd.Command]:
    if event.swept is not None:
        return []
    return [cmd.CancelTask(task, _grant(state, task), event.reason) for task in event.tasks]


def _reassigned(event: ev.TaskReassigned, state: State, _at: int) -> list[cmd.Command]:
    return [cmd.ReassignTask(event.task, event.agent, _grant(state, event.task), event.reason)]


def _started(event: ev.TaskStarted, state: State, _at: int) -> list[cmd.Command]:
    return start(state.tasks.get(event.task))


def _handed_over(event: ev.TasksHandedOver, state: State, _at: int) -> list[cmd.Command]:
    """What he holds goes together, as it went; each of the others by itself, so that it holds nothing else back.

    What he is only offered here he accepts first.
    """
    agent = state.agents.get(event.agent)
    mine = tuple(number for number in event.tasks if agent is not None and number in agent.tasks)
    groups = [mine] if mine else []
    groups += [(number,) for number in event.tasks if number not in mine]
    accepted = [command for number in mine for command in accept(state.tasks.get(number))]
    return accepted + [_handover(event, state, group) for group in groups]


def _handover(event: ev.TasksHandedOver, state: State, numbers: tuple[int, ...]) -> cmd.Command:
    held = tuple(cmd.Held(number, _grant(state, number)) for number in numbers)
    return cmd.HandOverTasks(event.agent, held, event.note, event.to_agent, event.to_rule)


def _reprioritised(event: ev.TaskReprioritised, state: State, _at: int) -> list[cmd.Command]:
    return [cmd.ReprioritiseTask(event.task, event.priority, _grant(state, event.task), event.reason)]


def _deadlines_changed(event: ev.TaskDeadlinesChanged, state: State, _at: int) -> list[cmd.Command]:
    limits = {name: getattr(event, name) for name in event.moved}
    return [cmd.ChangeDeadlines(event.task, **limits, grant=_grant(state, event.task), reason=event.reason)]


def _merged(event: ev.TasksMerged, state: State, _at: int) -> list[cmd.Command]:
    """Those that are open here too; where none is, one that is refused."""
    duplicates = [number for number in event.tasks if number in state.tasks] or event.tasks[:1]
    held = tuple(cmd.Held(number, _grant(state, number)) for number in duplicates)
    return [cmd.MergeTasks(held, event.into, event.reason)]


def _locked(event: ev.TaskLocked, state: State, at: int) -> list[cmd.Command]:
    task = state.tasks.get(event.task)
    if task is None or task.agent is None:
        return []
    return [*accept(task), cmd.LockTask(task.number, task.agent, task.grant, event.until - at, event.note)]


def _unlocked(event: ev.TaskUnlocked, state: State, _at: int) -> list[cmd.Command]:
    task = state.tasks.get(event.task)
    if task is None or not task.locked or event.cause != "asked":
        return []
    return [cmd.UnlockTask(task.number, task.agent or "", task.grant)]


def _feedback(event: ev.FeedbackGiven, _state: State, _at: int) -> list[cmd.Command]:
    return [cmd.GiveFeedback(event.task, event.satisfied, event.score, event.note)]


def _reopened(event: ev.TaskReopened, state: State, _at: int) -> list[cmd.Command]:
    """By a supervisor; for the rest it comes of the opinion."""
    if event.cause != "supervisor":
        return []
    return [cmd.ReassignTask(event.task, event.to_agent, _grant(state, event.task))]


def _called(event: ev.CallbackSucceeded, state: State, _at: int) -> list[cmd.Command]:
    call = state.calls.callbacks.get(event.task)
    if call is None:
        return []
    return [cmd.FinishCallback(event.task, call.made, "succeeded", event.result, "", event.attempts)]


def _not_called(event: ev.CallbacksFailed, state: State, _at: int) -> list[cmd.Command]:
    """What nobody reported is decided anew, by time."""
    calls = [call for number in event.tasks if (call := state.calls.callbacks.get(number)) is not None]
    if event.cause not in ("declined", "failed"):
        return []
    outcome: Literal["declined", "failed"] = "declined" if event.cause == "declined" else "failed"
    return [cmd.FinishCallback(call.task, call.made, outcome, {}, event.reason, event.attempts) for call in calls]


def _grant(state: State, number: int) -> int:
    task = state.tasks.get(number)
    return task.grant if task else 0


_WORK: dict[type[ev.Event], Callable[[Any, State, int], list[cmd.Command]]] = {
    ev.AgentsRemoved: _removed,
    ev.TasksCancelled: _cancelled,
    ev.TaskReassigned: _reassigned,
    ev.OfferAccepted: _accepted,
    ev.OffersReturned: _offers_returned,
    ev.TaskStarted: _started,
    ev.TasksHandedOver: _handed_over,
    ev.TaskReprioritised: _reprioritised,
    ev.TaskDeadlinesChanged: _deadlines_changed,
    ev.TasksMerged: _merged,
    ev.TaskLocked: _locked,
    ev.TaskUnlocked: _unlocked,
    ev.FeedbackGiven: _feedback,
    ev.TaskReopened: _reopened,
    ev.CallbackSucceeded: _called,
    ev.CallbacksFailed: _not_called,
}
