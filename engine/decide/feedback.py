"""The requester's opinion of completed work closes it, opens it again, or calls a supervisor; his silence closes it."""

from __future__ import annotations

from msgspec.structs import replace

from engine import events as ev
from engine.commands import GiveFeedback
from engine.decide.context import Context
from engine.decide.grants import known_task
from engine.decide.pooling import pooled_again
from engine.decide.room import no_room
from engine.refusals import Refusal, Violation, invalid, precondition
from engine.rules.model import DEFAULT_AUTO_CLOSE_MS, Feedback
from engine.rules.policy import policy_of
from engine.state import Agent, State, Task, lane_key
from engine.state.task import MAX_PRIORITY, Marks

MAX_SCORE = 5


def awaited_until(state: State, task: Task, now: int) -> int:
    """How long the requester's opinion is awaited of a task completed now, in milliseconds; 0: nobody asks for it."""
    feedback = _policy(state, task)
    return 0 if feedback is None else _closes_at(feedback, now)


def give(state: State, command: GiveFeedback, context: Context) -> list[ev.Event] | Refusal:
    if not 0 <= command.score <= MAX_SCORE:
        told = f"Expected a score of 1 to {MAX_SCORE}, or none, but got {command.score}"
        return invalid("SCORE_INVALID", told, Violation("score", told))
    task = _asked_about(state, command.task)
    if isinstance(task, Refusal):
        return task
    feedback, marks = _policy(state, task) or Feedback(), task.marks or Marks()
    given = ev.FeedbackGiven(task.number, marks.done_by or "", command.satisfied, command.score, command.note)
    if command.satisfied or feedback.unsatisfied == "close":
        return [given, ev.TasksClosed((task.number,), "satisfied" if command.satisfied else "unsatisfied")]
    reason = "unsatisfied" if feedback.unsatisfied == "escalate" else "reopen_limit"
    if feedback.unsatisfied == "escalate" or marks.reopened >= feedback.reopen_limit:
        given = replace(given, closes_at=_closes_at(feedback, context.now))
        return [given, ev.TasksEscalated((task.number,), reason)]
    return [given, *_reopened(state, task, feedback, command.note, context)]


def taken_up(state: State, task: Task, agent: Agent, reason: str) -> list[ev.Event]:
    """A supervisor gives an escalated task, whose requester was unsatisfied, to somebody."""
    done_by = (task.marks or Marks()).done_by or ""
    reopened = ev.TaskReopened(
        task.number, done_by, task.priority, "supervisor", to_agent=agent.id, package=task.package
    )
    return [reopened, _given(state, task, agent.id, reason)]


def close(_state: State, tasks: list[Task], _context: Context) -> list[ev.Event]:
    """Their time is over: nobody said anything, or no supervisor looked."""
    unattended = tuple(task.number for task in tasks if task.marks is not None and task.marks.unsatisfied)
    silent = tuple(task.number for task in tasks if task.number not in set(unattended))
    return [ev.TasksClosed(some, why) for some, why in ((silent, "silence"), (unattended, "unattended")) if some]


def _asked_about(state: State, number: int) -> Task | Refusal:
    """The task, if it is completed and its requester has not said anything yet."""
    task = known_task(state, number)
    if isinstance(task, Refusal):
        return task
    if task.status != "completed":
        return precondition(
            "NOT_COMPLETED", f"Expected task {number} to be completed, but it is {task.status}; wait for that",
            task=number,
        )  # fmt: skip
    if task.marks is not None and task.marks.unsatisfied:
        return precondition(
            "FEEDBACK_GIVEN", f"Expected no opinion of task {number} yet, but one was given; a supervisor looks at it",
            task=number,
        )  # fmt: skip
    return task


def _reopened(state: State, task: Task, feedback: Feedback, note: str, context: Context) -> list[ev.Event]:
    """Straight to who had completed it, where the rules want that and let him; else by way of the pool."""
    done_by = (task.marks or Marks()).done_by or ""
    raised = replace(task, priority=min(MAX_PRIORITY, task.priority + feedback.raise_priority))
    hindrance = _hindrance(state, raised, done_by, context) if feedback.reopen_to == "same" else ""
    straight = feedback.reopen_to == "same" and not hindrance
    reopened = ev.TaskReopened(
        task.number, done_by, raised.priority, "unsatisfied", feedback.reopen_to, done_by if straight else "",
        hindrance, task.package,
    )  # fmt: skip
    if straight:
        return [reopened, _given(state, task, done_by, note)]
    return [reopened, *pooled_again(state, [raised], context)]


def _hindrance(state: State, task: Task, agent_id: str, context: Context) -> str:
    """Why the agent may not have the task now under the rule that governs it, in few words; empty: he may."""
    agent = state.agents.get(agent_id)
    if agent is None:
        return "not in the roster"
    if context.judge.place(state, task) != (task.rule, task.lane):
        return "under another rule now"
    if agent.presence != "available":
        return agent.presence
    full = no_room(state, agent, task)
    if full is not None:
        return "at capacity" if full.reason == "AGENT_AT_CAPACITY" else "at rule cap"
    return "" if context.judge.is_target(state, lane_key(task), agent, agent.load) else "outside the targets"


def _given(state: State, task: Task, agent_id: str, reason: str) -> ev.TaskReassigned:
    return ev.TaskReassigned(task.number, agent_id, "", task.rule, state.version, reason, task.package, True)


def _closes_at(feedback: Feedback, now: int) -> int:
    return now + (feedback.auto_close_after_ms or DEFAULT_AUTO_CLOSE_MS)


def _policy(state: State, task: Task) -> Feedback | None:
    return policy_of(state.rule_set, task.type, state.rule_of(task)).feedback if state.rule_set else None
