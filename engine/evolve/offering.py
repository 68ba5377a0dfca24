"""Tasks are offered: in an agent's hands, but his own only once he accepts."""

from __future__ import annotations

from engine import events as ev
from engine.evolve.holding import await_start, count, recycle_at
from engine.evolve.marking import give_back
from engine.state import State, Task
from engine.state.task import Asking

ROUND_LOST: frozenset[str] = frozenset({"rejected", "timed_out"})
"""Causes by which the agent himself let an offer pass."""


def give_or_offer(state: State, tasks: list[Task], event: ev.TasksAllocated, recorded: ev.Recorded) -> None:
    """The picks of a round in which some tasks go out under rules that only offer them."""
    assigned: dict[int, list[Task]] = {}
    for task, who, under in zip(tasks, event.who, event.under, strict=True):
        agent, until = event.agents[who], event.until[under]
        state.turn += 1
        count(state, agent, task, state.turn)
        task.agent, task.grant, task.given = agent, recorded.position, True
        if until:
            _offer(state, task, agent, until)
        else:
            _hold(state, task, agent)
            assigned.setdefault(under, []).append(task)
    for under, group in assigned.items():
        await_start(state, event.rules[under], group, recorded.at)


def accepted(state: State, event: ev.OfferAccepted, recorded: ev.Recorded) -> None:
    task = state.tasks[event.task]
    recycle_at(state, task, 0)
    _hold(state, task, event.agent)
    await_start(state, task.rule, [task], recorded.at)


def returned(state: State, event: ev.OffersReturned, _recorded: ev.Recorded) -> None:
    for number, agent in zip(event.tasks, event.agents, strict=True):
        task = state.tasks[number]
        marks = give_back(state, task)
        if event.cause in ROUND_LOST:
            marks.asking = asking = marks.asking or Asking(task.rule or "")
            asking.rounds += 1
            asking.let_pass = (*asking.let_pass, agent)


def _offer(state: State, task: Task, agent: str, until: int) -> None:
    """Whoever let it pass before is asked again only when nobody else was left: everybody's turn begins anew."""
    task.status = "offered"
    recycle_at(state, task, until)
    if task.marks is None:
        return
    asking = task.marks.asking = task.asked_under(task.rule)
    task.marks.avoid = None
    if asking is not None and agent in asking.let_pass:
        asking.let_pass = ()


def _hold(state: State, task: Task, agent: str) -> None:
    task.status = "assigned"
    if task.customer is not None:
        state.last_agents[task.customer] = agent
    if task.marks is not None:
        task.marks.avoid = task.marks.asking = None
