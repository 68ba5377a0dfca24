"""A task is offered to an agent, who accepts it, or lets it pass: then the next one is asked."""

from __future__ import annotations

from engine import events as ev
from engine.commands import AcceptOffer, RejectOffer
from engine.decide.context import Context
from engine.decide.grants import held
from engine.decide.pooling import pooled_again
from engine.refusals import Refusal, precondition
from engine.rules.policy import offer_of
from engine.state import State, Task


def accept(state: State, command: AcceptOffer, context: Context) -> list[ev.Event] | Refusal:
    task = _open_offer(state, command, context)
    return task if isinstance(task, Refusal) else [ev.OfferAccepted(task.number, command.agent, command.grant)]


def reject(state: State, command: RejectOffer, context: Context) -> list[ev.Event] | Refusal:
    task = _open_offer(state, command, context)
    return task if isinstance(task, Refusal) else _let_pass(state, [task], "rejected", context, command.note)


def time_out(state: State, tasks: list[Task], context: Context) -> list[ev.Event]:
    """Nobody has accepted these in their rule's time."""
    return _let_pass(state, tasks, "timed_out", context)


def taken_back(state: State, tasks: list[Task], cause: str, context: Context) -> list[ev.Event]:
    """The agent they were offered to is gone, which is no round: he let nothing pass."""
    return [_returned(tasks, cause), *pooled_again(state, tasks, context)]


def _let_pass(state: State, tasks: list[Task], cause: str, context: Context, note: str = "") -> list[ev.Event]:
    events: list[ev.Event] = [_returned(tasks, cause, note)]
    last = tuple(task.number for task in tasks if _is_last_round(state, task))
    if last:
        events.append(ev.TasksEscalated(last, ev.OFFER_ROUNDS))
    return events + pooled_again(state, tasks, context)


def _returned(tasks: list[Task], cause: str, note: str = "") -> ev.OffersReturned:
    numbers, agents = tuple(task.number for task in tasks), tuple(task.agent or "" for task in tasks)
    return ev.OffersReturned(numbers, agents, cause, note)


def _is_last_round(state: State, task: Task) -> bool:
    """Of a rule that still offers; under any other method the task goes its way."""
    rule = state.rule_of(task)
    if rule is None or rule.method != "offer" or state.rule_set is None:
        return False
    terms, asking = offer_of(state.rule_set, rule), task.asked_under(rule.id)
    return terms is not None and (asking.rounds if asking else 0) + 1 >= terms.rounds


def _open_offer(state: State, command: AcceptOffer | RejectOffer, context: Context) -> Task | Refusal:
    """The task, if it is offered to this agent under this grant and there is time left."""
    task = held(state, command.task, command.agent, command.grant)
    if isinstance(task, Refusal):
        return task
    if task.status != "offered":
        return precondition(
            "NOT_OFFERED", f"Expected task {task.number} to be offered, but it is {task.status}", task=task.number
        )
    if context.now >= task.recycles_at:
        return precondition(
            "OFFER_ENDED",
            f"Expected an answer before {task.recycles_at} (ms since 1970 UTC), but it is {context.now}; "
            f"task {task.number} goes to the next agent",
            task=task.number,
        )
    return task
