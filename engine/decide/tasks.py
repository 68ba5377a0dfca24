"""What services, agents and supervisors ask of single tasks. Whoever acts on an assignment names its grant."""

from __future__ import annotations

from engine import events as ev
from engine.commands import CancelTask, ClaimTask, CompleteTask, CreateTask, ReassignTask, StartTask
from engine.decide.arriving import arrived
from engine.decide.attributes import shadowed
from engine.decide.calls import delivery_of
from engine.decide.claiming import choose
from engine.decide.context import Context
from engine.decide.feedback import awaited_until, taken_up
from engine.decide.forms import task_violations, wrap_up_violations
from engine.decide.grants import assignable, granted, in_hand, is_locked, known_agent, not_waiting, open_task
from engine.decide.room import no_room
from engine.refusals import Refusal, Violation, invalid, precondition
from engine.rules.policy import Policy, policy_of
from engine.state import Agent, State, Task
from engine.state.task import MAX_PRIORITY, Origin, new_task


def create(state: State, command: CreateTask, context: Context) -> list[ev.Event] | Refusal:
    made = created(state, command, state.last_task + 1, context)
    if isinstance(made, list):
        return invalid("TASK_INVALID", f"Expected a valid task, but found {len(made)} problem(s)", *made)
    event, task = made
    return [event, *arrived(state, [task], context)]


def created(
    state: State, command: CreateTask, number: int, context: Context
) -> tuple[ev.TaskCreated, Task] | list[Violation]:
    """The event of one new task, and the task as the rules are asked about it; or all that is wrong with it."""
    policy = policy_of(state.rule_set, command.task_type, None) if state.rule_set else Policy()
    wrong = _task_violations(state, command, policy)
    if wrong:
        return wrong
    priority = policy.priority if command.priority is None else command.priority
    row = ev.TaskRow(0, command.customer, command.owner, command.region, priority, tuple(command.attributes.values()))
    columns = tuple(command.attributes)
    origin = Origin(command.task_type, command.business_type, columns, context.now, context.now)
    event = ev.TaskCreated(number, command.task_type, command.business_type, columns, row, command.person)
    return event, new_task(number, origin, row)


def claim(state: State, command: ClaimTask, context: Context) -> list[ev.Event] | Refusal:
    agent = known_agent(state, command.agent)
    if isinstance(agent, Refusal):
        return agent
    if command.task is not None:
        known = open_task(state, command.task)
        if isinstance(known, Refusal):
            return known
    chosen = choose(state, agent, command.task, context)
    if isinstance(chosen, Refusal):
        return chosen
    return [ev.TaskClaimed(chosen.number, agent.id, chosen.rule or "", state.version, chosen.package, chosen.given)]


def start(state: State, command: StartTask, _context: Context) -> list[ev.Event] | Refusal:
    task = in_hand(state, command.task, command.agent, command.grant)
    if isinstance(task, Refusal):
        return task
    if task.status == "in_progress":
        return precondition(
            "ALREADY_STARTED", f"Expected task {task.number} to be unstarted, but it is in progress", task=task.number
        )
    return [ev.TaskStarted(task.number, command.agent, command.grant)]


def complete(state: State, command: CompleteTask, context: Context) -> list[ev.Event] | Refusal:
    task = in_hand(state, command.task, command.agent, command.grant)
    if isinstance(task, Refusal):
        return task
    if task.status != "in_progress":
        return precondition(
            "NOT_STARTED",
            f"Expected task {task.number} to be in progress, but it is {task.status}; start it first",
            task=task.number,
        )
    unfit = _unfit(state, task, command.wrap_up)
    if unfit is not None:
        return unfit
    return [
        ev.TaskCompleted(
            task.number, command.agent, command.grant, command.wrap_up, task.package, task.respond_by, task.resolve_by,
            awaited_until(state, task, context.now),
            delivery_of(state, task, context.now),
        )
    ]  # fmt: skip


def cancel(state: State, command: CancelTask, _context: Context) -> list[ev.Event] | Refusal:
    task = granted(state, command.task, command.grant)
    if isinstance(task, Refusal):
        return task
    again = (task.number,) if task.given and not task.agent else ()
    calling = (task.number,) if task.status == "calling" else ()
    return [
        ev.TasksCancelled(
            (task.number,), (task.agent or "",), command.reason, task.package, again=again, calling=calling
        )
    ]


def reassign(state: State, command: ReassignTask, _context: Context) -> list[ev.Event] | Refusal:
    """Targets and presence are the supervisor's to overrule; capacity and the rule's cap are not."""
    task = assignable(state, command.task, command.grant)
    agent = known_agent(state, command.agent)
    for found in (task, agent):
        if isinstance(found, Refusal):
            return found
    assert isinstance(task, Task) and isinstance(agent, Agent)
    refused = _not_to_him(state, task, agent)
    if refused is not None:
        return refused
    if task.status == "completed":
        return taken_up(state, task, agent, command.reason)
    return [
        ev.TaskReassigned(
            task.number, agent.id, task.agent or "", task.rule, state.version, command.reason, task.package, task.given
        )
    ]


def _not_to_him(state: State, task: Task, agent: Agent) -> Refusal | None:
    """Why a supervisor may not give the task to this agent."""
    if task.status in ("created", "calling"):
        return not_waiting(task)
    if task.locked:
        return is_locked(task)
    if task.agent == agent.id:
        return precondition(
            "SAME_AGENT", f"Expected another agent, but {agent.id} already holds task {task.number}", task=task.number
        )
    return no_room(state, agent, task)


def _task_violations(state: State, command: CreateTask, policy: Policy) -> list[Violation]:
    declared = state.rule_set.task_attributes if state.rule_set else None
    wrong = list(task_violations(command, policy.form, declared))
    wrong += [
        Violation(f"attributes.{name}", f"Expected {name!r} as a field of its own, not among the attributes")
        for name in shadowed(command.attributes)
    ]
    if not command.task_type:
        wrong.append(Violation("task_type", "Expected a task type, but it is empty"))
    if command.priority is not None and not 0 <= command.priority <= MAX_PRIORITY:
        wrong.append(Violation("priority", f"Expected 0 to {MAX_PRIORITY}, but got {command.priority}"))
    return wrong


def _unfit(state: State, task: Task, given: dict[str, str]) -> Refusal | None:
    """Why the wrap-up does not do."""
    policy = policy_of(state.rule_set, task.type, state.rule_of(task)) if state.rule_set else Policy()
    wrong = list(wrap_up_violations(policy.wrap_up, given)) if policy.wrap_up else []
    if not wrong:
        return None
    if all(not given.get(violation.field.removeprefix("wrap_up.")) for violation in wrong):
        told = "Expected every field that the wrap-up requires, but some are missing"
        return invalid("WRAP_UP_INCOMPLETE", told, *wrong)
    return invalid("WRAP_UP_INVALID", f"Expected a wrap-up that fits, but found {len(wrong)} problem(s)", *wrong)
