"""A claim: which task an agent may take of its own accord."""

from __future__ import annotations

from engine.decide.context import Context
from engine.decide.pooling import misplaced
from engine.decide.room import no_room
from engine.decide.round import urgency_of
from engine.refusals import Refusal, precondition
from engine.state import Agent, Lane, State, Task, lane_key

CLAIMING = ("available", "busy")


def choose(state: State, agent: Agent, number: int | None, context: Context) -> Task | Refusal:
    """The task named, or the most urgent that the claim pools have for this agent."""
    if agent.presence not in CLAIMING:
        return precondition(
            "AGENT_NOT_THERE",
            f"Expected {agent.id} to be available or busy, but it is {agent.presence}",
            agent=agent.id,
        )
    if number is None:
        return _first(state, agent, context)
    task = state.tasks[number]
    return _hindrance(state, agent, task, context) or task


def _hindrance(state: State, agent: Agent, task: Task, context: Context) -> Refusal | None:
    number = task.number
    if task.status != "pooled":
        return precondition(
            "TASK_NOT_WAITING", f"Expected task {number} to wait in a pool, but it is {task.status}", task=number
        )
    if task.version != state.version and misplaced(state, [task], context):
        return precondition(
            "RULES_JUST_CHANGED",
            f"Expected task {number} in its pool under the new rules, but it is still on its way there; claim again",
            task=number,
        )
    rule = state.governing.get(task.rule or "")
    if rule is None or rule.method != "claim":
        under = f"rule {rule.id} with method {rule.method}" if rule else "no rule"
        return precondition(
            "NOT_CLAIMABLE", f"Expected task {number} under a claim rule, but it is under {under}", task=number
        )
    if not context.judge.is_target(state, lane_key(task), agent, agent.load):
        return precondition(
            "OUTSIDE_TARGETS",
            f"Expected {agent.id} within the targets of {rule.id}, but it is not",
            task=number,
            agent=agent.id,
        )
    return no_room(state, agent, task)


def _first(state: State, agent: Agent, context: Context) -> Task | Refusal:
    heads = sorted(_claimable(state, context), key=lambda pair: pair[0])
    refusal = None
    for _, task in heads:
        refusal = _hindrance(state, agent, task, context)
        if refusal is None:
            return task
    return precondition(
        "NOTHING_TO_CLAIM",
        f"Expected a task that {agent.id} may claim, but {refusal.message if refusal else 'no claim pool has one'}",
        agent=agent.id,
    )


def _claimable(state: State, context: Context) -> list[tuple[tuple[int, int], Task]]:
    return [
        (_urgency(state, lane, context.now), state.tasks[lane.order.first()[1]])
        for lane in state.lanes.values()
        if lane.key[0] in state.governing and state.governing[lane.key[0]].method == "claim"
    ]


def _urgency(state: State, lane: Lane, now: int) -> tuple[int, int]:
    start, number = lane.order.first()
    return (urgency_of(start, now, state.governing[lane.key[0] or ""]), number)
