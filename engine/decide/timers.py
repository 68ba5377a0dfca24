"""Time has come: what is due happens, in order, once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

from engine import events as ev
from engine.answers import Answer
from engine.commands import Tick
from engine.decide import calls, escalation, feedback, locks, offers, pooling, recycling
from engine.decide.context import Context
from engine.state import State, Task
from engine.state.timers import CALLBACK, CLOSE, DELIVERY, ESCALATE, OFFER, RECYCLE, RELAX, UNLOCK, Timer

DUE: dict[str, Callable[[State, list[Task], Context], list[ev.Event]]] = {
    RELAX: pooling.relax,
    RECYCLE: recycling.recycle,
    UNLOCK: locks.end,
    ESCALATE: escalation.escalate,
    OFFER: offers.time_out,
    CLOSE: feedback.close,
    CALLBACK: calls.unreported,
}


def tick(state: State, command: Tick, context: Context) -> list[ev.Event] | Answer:
    groups: dict[str, list[int]] = defaultdict(list)
    for _, kind, number in _once_a_task(state.timers.due(context.now, command.limit)):
        groups[kind].append(number)
    events = [event for kind, numbers in groups.items() for event in _due(state, kind, numbers, context)]
    return events or Answer(state.position, changed=False)


def _due(state: State, kind: str, numbers: list[int], context: Context) -> list[ev.Event]:
    if kind == DELIVERY:
        return calls.give_up(state, numbers)
    return DUE[kind](state, [state.tasks[number] for number in numbers], context)


def _once_a_task(due: Iterable[Timer]) -> list[Timer]:
    """As far as no task comes twice: its second timer is looked at once the first has had its effect."""
    first: list[Timer] = []
    seen: set[int] = set()
    for timer in due:
        if timer[2] in seen:
            break
        seen.add(timer[2])
        first.append(timer)
    return first
