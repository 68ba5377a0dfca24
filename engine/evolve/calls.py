"""Calls to the outside begin and end. What they are about is kept with them, as the task may go on or be gone."""

from __future__ import annotations

from engine import events as ev
from engine.rules.model import Channel
from engine.state import State, Task
from engine.state.calls import Call, Result
from engine.state.timers import CALLBACK, DELIVERY


def callbacks_started(state: State, event: ev.CallbacksStarted, recorded: ev.Recorded) -> None:
    for number in event.tasks:
        task = state.tasks[number]
        task.status = "calling"
        state.calls.callbacks[number] = _call(task, event.callback, event.due, recorded)
    state.timers.set_all(CALLBACK, event.due, event.tasks)
    if event.package is not None:
        package = state.packages[event.package]
        package.calling += len(event.tasks)
        package.pooled_through = event.through


def callbacks_failed(state: State, event: ev.CallbacksFailed, _recorded: ev.Recorded) -> None:
    for number in event.tasks:
        task = state.tasks[number]
        drop_callback(state, task)
        task.status = "created"


def delivery_ended(state: State, event: ev.ResultDelivered | ev.ResultUndelivered, _recorded: ev.Recorded) -> None:
    call = state.calls.results.pop(event.made)
    state.timers.drop_all(DELIVERY, call.due, [event.made])


def deliver(state: State, task: Task, delivery: ev.Delivery | None, result: Result, recorded: ev.Recorded) -> None:
    """The result is to be told, if there is anybody to tell it to."""
    if delivery is None:
        return
    state.calls.results[recorded.position] = _call(task, delivery.to, delivery.due, recorded, result)
    state.timers.set_all(DELIVERY, delivery.due, [recorded.position])


def drop_callback(state: State, task: Task) -> None:
    """Nobody outside is asked about it any more, if anybody was."""
    if task.status != "calling":
        return
    call = state.calls.callbacks.pop(task.number)
    state.timers.drop_all(CALLBACK, call.due, [task.number])
    if task.package is not None:
        state.packages[task.package].calling -= 1


def _call(task: Task, to: Channel, due: int, recorded: ev.Recorded, result: Result | None = None) -> Call:
    return Call(
        task.number, recorded.position, recorded.at, to, due, task.origin, task.priority, task.customer, task.owner,
        task.region, task.attributes, recorded.trace, result,
    )  # fmt: skip
