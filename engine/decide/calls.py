"""What came of calls to the outside: a task is done without a human, or goes to people; a result was told, or not."""

from __future__ import annotations

from collections import defaultdict

from engine import events as ev
from engine.commands import FinishCallback, FinishDelivery
from engine.decide.context import Context
from engine.decide.deadlines import deadlines
from engine.decide.grants import open_task
from engine.decide.pooling import pooled
from engine.refusals import Refusal, stale_call
from engine.rules.policy import policy_of
from engine.state import State, Task

DELIVERY_GRACE_MS = 86_400_000
"""Beyond the patience of a channel: nobody waits for it, and a result should survive a day without a connector."""
UNREPORTED = "Expected the connector to say what came of it, but it did not in time"


def finish_callback(state: State, command: FinishCallback, context: Context) -> list[ev.Event] | Refusal:
    task = open_task(state, command.task)
    call = state.calls.callbacks.get(command.task)
    if isinstance(task, Refusal) and task.kind == "not_found":
        return task
    if isinstance(task, Refusal) or call is None or call.made != command.started:
        told = f"Expected the callback of task {command.task} that began at {command.started} to be under way"
        return stale_call(f"{told}, but it is over", task=command.task)
    if command.outcome == "succeeded":
        return [_succeeded(state, task, command, context)]
    return _failed(state, [task], context, command.outcome, command.reason, command.attempts)


def unreported(state: State, tasks: list[Task], context: Context) -> list[ev.Event]:
    """No connector has said what came of these callbacks: people do it."""
    return _failed(state, tasks, context, "unreported", UNREPORTED, 0)


def finish_delivery(state: State, command: FinishDelivery, _context: Context) -> list[ev.Event] | Refusal:
    call = state.calls.results.get(command.made)
    if call is None or call.task != command.task:
        told = f"Expected the result of task {command.task} as of {command.made} to be on its way"
        return stale_call(f"{told}, but it is not", task=command.task)
    if command.delivered:
        return [ev.ResultDelivered(command.task, command.made, command.attempts)]
    return [ev.ResultUndelivered(command.task, command.made, command.reason, command.attempts)]


def give_up(state: State, made: list[int]) -> list[ev.Event]:
    """No connector has said what came of telling these results."""
    return [ev.ResultUndelivered(state.calls.results[position].task, position, UNREPORTED) for position in made]


def delivery_of(state: State, task: Task, now: int) -> ev.Delivery | None:
    """Whom to tell how the task ended; None: its type has no channel."""
    channel = policy_of(state.rule_set, task.type, None).feedback_channel if state.rule_set else None
    return None if channel is None else ev.Delivery(channel, now + channel.patience_ms + DELIVERY_GRACE_MS)


def _succeeded(state: State, task: Task, command: FinishCallback, context: Context) -> ev.Event:
    """In time or late: by the limits that it would have had in a pool, unless somebody has set others."""
    limits = deadlines(state, [task], [context.judge.place(state, task)])
    respond_by = limits[0].respond_by if limits else task.respond_by
    resolve_by = limits[0].resolve_by if limits else task.resolve_by
    return ev.CallbackSucceeded(
        task.number, command.started, command.result, command.attempts, task.package, respond_by, resolve_by,
        delivery_of(state, task, context.now),
    )  # fmt: skip


def _failed(
    state: State, tasks: list[Task], context: Context, cause: str, reason: str, attempts: int
) -> list[ev.Event]:
    groups: dict[int | None, list[Task]] = defaultdict(list)
    for task in tasks:
        groups[task.package].append(task)
    events: list[ev.Event] = []
    for package, some in groups.items():
        events.append(ev.CallbacksFailed(tuple(task.number for task in some), cause, reason, attempts, package))
        events += pooled(state, some, context.judge.placing(state, some), package)
    return events
