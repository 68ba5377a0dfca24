"""Whoever acts on a task names what he takes to be so: the task, who holds it, under which grant."""

from __future__ import annotations

from engine.refusals import Refusal, not_found, precondition, stale
from engine.state import Agent, State, Task


def held(state: State, number: int, agent: str, grant: int) -> Task | Refusal:
    """The task, if this agent holds it under this grant."""
    task = granted(state, number, grant)
    if isinstance(task, Refusal) or task.agent == agent:
        return task
    return stale(
        f"Expected task {number} to be held by {agent!r}, but it is held by {task.agent or 'nobody'}", task=number
    )


def in_hand(state: State, number: int, agent: str, grant: int) -> Task | Refusal:
    """The same, and he has it for good: not as an offer that he has yet to accept."""
    task = held(state, number, agent, grant)
    if isinstance(task, Refusal) or task.status != "offered":
        return task
    return precondition(
        "OFFER_NOT_ACCEPTED",
        f"Expected {agent} to have accepted task {number}, but it is offered only; accept it first",
        task=number,
        agent=agent,
    )


def granted(state: State, number: int, grant: int) -> Task | Refusal:
    """The task, if the assignment the caller speaks of is the one in force."""
    task = open_task(state, number)
    if isinstance(task, Refusal) or task.grant == grant:
        return task
    now = f"grant {task.grant} with {task.agent}" if task.grant else "with nobody"
    return stale(f"Expected grant {grant} to be in force for task {number}, but it is {now}", task=number)


def assignable(state: State, number: int, grant: int) -> Task | Refusal:
    """As ``granted``, and also a completed task that a supervisor is to look at; it has no grant."""
    task = state.tasks.get(number)
    if task is not None and task.marks is not None and task.marks.unsatisfied and grant == 0:
        return task
    return granted(state, number, grant)


def open_task(state: State, number: int) -> Task | Refusal:
    """The task, if there is anything left to do of it."""
    task = known_task(state, number)
    if isinstance(task, Refusal) or task.status != "completed":
        return task
    return precondition(
        "TASK_COMPLETED", f"Expected task {number} to be open, but it is completed; its requester is asked", task=number
    )


def known_task(state: State, number: int) -> Task | Refusal:
    """The task, if it has not ended."""
    task = state.tasks.get(number)
    if task is not None:
        return task
    if 0 < number <= state.last_task:
        return precondition("TASK_ENDED", f"Expected task {number} to be open, but it has ended", task=number)
    return not_found("TASK_UNKNOWN", f"Expected a task of this workspace, but there is no number {number}")


def known_agent(state: State, agent_id: str) -> Agent | Refusal:
    """The agent, if the roster has one of that id."""
    agent = state.agents.get(agent_id)
    return agent or not_found("AGENT_UNKNOWN", f"Expected an agent of the roster, but {agent_id!r} is not in it")


def not_waiting(task: Task) -> Refusal:
    """What is refused of a row whose package is not yet wholly there, and while somebody outside is asked first."""
    why = "somebody outside is asked first" if task.status == "calling" else "its package is still being imported"
    told = f"Expected task {task.number} to wait in a pool or be held, but {why}"
    return precondition("TASK_NOT_WAITING", told, task=task.number)


def is_locked(task: Task) -> Refusal:
    """What is refused while the task's agent keeps it."""
    until = task.marks.locked_until if task.marks else 0
    return precondition(
        "TASK_LOCKED",
        f"Expected task {task.number} to be unlocked, but {task.agent} keeps it until {until} (ms since 1970 UTC)",
        task=task.number,
        agent=task.agent,
    )
