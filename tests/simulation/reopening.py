"""What must hold where a requester's opinion opens work again, or it is closed."""

from __future__ import annotations

from msgspec.structs import replace

from engine import events as ev
from engine.rules.model import Feedback
from engine.state import State, Task, lane_key
from engine.state.task import attribute
from tests.simulation.judging import governing, within
from tests.simulation.room import has_room, rule_of


def check_reopened(state: State, event: ev.TaskReopened) -> None:
    """Never oftener than the rule lets it; to whom it wants, or it is said why not. After that a supervisor may."""
    task = state.tasks[event.task]
    rule, marks = rule_of(state, task), task.marks
    assert marks is not None and task.status == "completed" and event.priority <= 100
    assert marks.unsatisfied == (event.cause == "supervisor")
    feedback = (rule.feedback if rule else None) or Feedback()
    if event.cause == "supervisor":
        assert event.to_agent and (event.to, event.priority) == ("", task.priority)
        return
    assert feedback.unsatisfied == "reopen" and marks.reopened < feedback.reopen_limit
    assert event.priority == min(100, task.priority + feedback.raise_priority) and event.to == feedback.reopen_to
    straight = event.to == "same" and _could_have(state, replace(task, priority=event.priority), event.agent)
    assert event.to_agent == (event.agent if straight else "")
    assert bool(event.kept_from) == (event.to == "same" and not straight)


def _could_have(state: State, task: Task, agent_id: str) -> bool:
    """Whether push might give it to him under the rule that it is under."""
    agent = state.agents.get(agent_id)
    if agent is None or agent.presence != "available" or governing(state, task) != task.rule:
        return False
    lane = tuple(attribute(task, name) for name in (state.governing[task.rule].lane_attributes if task.rule else ()))
    return lane == task.lane and has_room(state, agent, task) and within(state, lane_key(task), agent, agent.load)


def check_closed(state: State, event: ev.TasksClosed, now: int) -> None:
    """What a supervisor is to look at is closed by the time only, and by the time nothing before it is over."""
    by_time = event.why in ("silence", "unattended")
    for number in event.tasks:
        marks = state.tasks[number].marks
        assert marks is not None and marks.unsatisfied == (event.why == "unattended")
        assert not by_time or marks.closes_at <= now
