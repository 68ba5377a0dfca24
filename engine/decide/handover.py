"""An agent gives work out of hand: back to the pool, to another agent, or to another rule's pool. All or none."""

from __future__ import annotations

from msgspec.structs import replace

from engine import events as ev
from engine.commands import HandOverTasks
from engine.decide.context import Context
from engine.decide.grants import in_hand, known_agent
from engine.decide.pooling import pooled, pooled_again
from engine.decide.room import no_room_for
from engine.refusals import Refusal, Violation, invalid, not_found, precondition
from engine.rules.model import Handover
from engine.rules.policy import Policy, policy_of
from engine.state import Agent, State, Task
from engine.state.task import MAX_PRIORITY

MAX_TASKS = 500


def hand_over(state: State, command: HandOverTasks, context: Context) -> list[ev.Event] | Refusal:
    wrong = _violations(command)
    if wrong:
        told = f"Expected a handover that can be made, but found {len(wrong)} problem(s); mend them and ask again"
        return invalid("HANDOVER_INVALID", told, *wrong)
    tasks: list[Task] = []
    for one in command.tasks:
        task = in_hand(state, one.task, command.agent, one.grant)
        if isinstance(task, Refusal):
            return task
        tasks.append(task)
    refused = _no_way(state, command, tasks)
    return refused or _handed_over(state, command, tasks, context)


def _handed_over(state: State, command: HandOverTasks, tasks: list[Task], context: Context) -> list[ev.Event]:
    numbers, raised = tuple(task.number for task in tasks), tuple(_raised(state, task) for task in tasks)
    events: list[ev.Event] = [
        ev.TasksHandedOver(command.agent, numbers, raised, command.note, command.to_agent, command.to_rule)
    ]
    last = tuple(task.number for task in tasks if _is_last(state, task))
    if last:
        events.append(ev.TasksEscalated(last, "handover_limit"))
    as_raised = [replace(task, priority=priority) for task, priority in zip(tasks, raised, strict=True)]
    return events + _onward(state, command, as_raised, context)


def _onward(state: State, command: HandOverTasks, tasks: list[Task], context: Context) -> list[ev.Event]:
    """Where they go from there."""
    if command.to_agent:
        return [
            ev.TaskReassigned(
                task.number, command.to_agent, "", task.rule, state.version, command.note, task.package, True
            )
            for task in tasks
        ]
    if command.to_rule:
        placings = [context.judge.place_under(state, task, command.to_rule) for task in tasks]
        return pooled(state, tasks, placings)
    return pooled_again(state, tasks, context)


def _violations(command: HandOverTasks) -> list[Violation]:
    wrong = []
    if not 1 <= len(command.tasks) <= MAX_TASKS:
        wrong.append(Violation("tasks", f"Expected 1 to {MAX_TASKS} tasks, but got {len(command.tasks)}"))
    if len({one.task for one in command.tasks}) < len(command.tasks):
        wrong.append(Violation("tasks", "Expected each task once, but one is there twice"))
    if command.to_agent and command.to_rule:
        wrong.append(Violation("to_rule", "Expected an agent or a rule to hand over to, but both are named"))
    return wrong


def _no_way(state: State, command: HandOverTasks, tasks: list[Task]) -> Refusal | None:
    """Why they cannot go where they are wanted."""
    if command.to_rule and command.to_rule not in state.governing:
        return not_found("RULE_UNKNOWN", f"Expected a rule in force, but there is no {command.to_rule!r}")
    if not command.to_agent:
        return None
    agent = known_agent(state, command.to_agent)
    if isinstance(agent, Refusal):
        return agent
    if agent.id == command.agent:
        return precondition("SAME_AGENT", f"Expected another agent, but {agent.id} holds the tasks", agent=agent.id)
    return _no_room_for_all(state, agent, tasks)


def _no_room_for_all(state: State, agent: Agent, tasks: list[Task]) -> Refusal | None:
    """Capacity and caps hold for what is given by hand too, for all tasks together."""
    coming: dict[str | None, int] = {}
    for place, task in enumerate(tasks):
        full = no_room_for(state, agent, task, place, coming.get(task.rule, 0))
        if full is not None:
            return full
        coming[task.rule] = coming.get(task.rule, 0) + 1
    return None


def _raised(state: State, task: Task) -> int:
    return min(MAX_PRIORITY, task.priority + _policy(state, task).raise_priority)


def _is_last(state: State, task: Task) -> bool:
    """The rule's limit was reached before; what is escalated once stays so."""
    marks = task.marks
    return marks is not None and not marks.escalated and marks.handed_over >= _policy(state, task).limit


def _policy(state: State, task: Task) -> Handover:
    policy = policy_of(state.rule_set, task.type, state.rule_of(task)) if state.rule_set else Policy()
    return policy.handover or Handover()
