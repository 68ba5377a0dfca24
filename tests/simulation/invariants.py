"""What must hold: of every decision when it is made, of the state after every step, and of a workspace at rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from engine import commands as cmd
from engine import events as ev
from engine.refusals import Refusal
from engine.rules.model import BY_ROUNDS
from engine.state import Agent, State, Task, lane_key
from engine.state.task import attribute
from tests.simulation.judging import governing, targets_at, within
from tests.simulation.reopening import check_closed, check_reopened
from tests.simulation.room import has_room, rule_of
from tests.simulation.rounds import MARGIN, all_aside, check_round, urgency


def check_decision(before: State, command: cmd.Command, recorded: ev.Recorded) -> None:
    """``before`` is the state that the event was decided on."""
    event = recorded.event
    match event:
        case ev.TasksAllocated():
            assert isinstance(command, cmd.AllocateTasks)
            check_round(before, command, recorded)
        case ev.TaskClaimed():
            assert isinstance(command, cmd.ClaimTask)
            _check_claim(before, command, event, recorded.at)
        case ev.TaskReassigned():
            assert has_room(before, before.agents[event.agent], before.tasks[event.task])
        case ev.TasksRelaxed():
            _check_relaxed(before, event, recorded.at)
        case ev.OffersReturned():
            _check_offers_returned(before, event, recorded.at)
    check = _CHECKS.get(type(event))
    if check is not None:
        check(before, event)
    if isinstance(event, ev.TasksClosed | ev.OfferAccepted):
        _check_timely(before, event, recorded.at)


def _check_timely(before: State, event: ev.TasksClosed | ev.OfferAccepted, now: int) -> None:
    if isinstance(event, ev.TasksClosed):
        check_closed(before, event, now)
    else:
        assert now < before.tasks[event.task].recycles_at, "accepted too late"


def check_refused_claim(state: State, command: cmd.ClaimTask, refusal: Refusal, now: int) -> None:
    """An agent is not told that there is nothing, while there is something."""
    if refusal.reason in ("NOTHING_TO_CLAIM", "OUTSIDE_TARGETS", "RULE_CAP_REACHED", "AGENT_AT_CAPACITY"):
        open_to = claimable(state, state.agents[command.agent], command.task)
        assert not open_to, f"{command} is refused for {refusal.reason}, but {open_to} could be claimed"


def claimable(state: State, agent: Agent, number: int | None) -> list[Task]:
    """What the agent may claim: the task named, or any that stands first in its lane."""
    if agent.presence not in ("available", "busy"):
        return []
    asked = [task for task in state.tasks.values() if number in (None, task.number) and _may_claim(state, agent, task)]
    return [task for task in asked if number is not None or next(state.lanes[lane_key(task)].numbers()) == task.number]


def _may_claim(state: State, agent: Agent, task: Task) -> bool:
    rule = state.governing.get(task.rule or "")
    if task.status != "pooled" or rule is None or rule.method != "claim":
        return False
    if not in_place(state, task):
        return False
    return has_room(state, agent, task) and within(state, lane_key(task), agent, agent.load)


def in_place(state: State, task: Task) -> bool:
    """Whether a waiting task stands where the rules in force want it, and they ask for the same agents as before."""
    now = state.governing.get(task.rule or "")
    if governing(state, task) != task.rule:
        return False
    if now is None:
        return True
    then = next(one for one in state.rule_sets[task.version].rules if one.id == task.rule)
    return (then.targets, then.relax) == (now.targets, now.relax)


def _check_claim(state: State, command: cmd.ClaimTask, event: ev.TaskClaimed, now: int) -> None:
    asked = claimable(state, state.agents[event.agent], command.task)
    open_to = {task.number: urgency(state, task, now) for task in asked}
    assert event.agent == command.agent and event.task in open_to
    assert event.rule_set_version == state.version
    assert open_to[event.task] + MARGIN >= max(open_to.values()), "not the most urgent"


def _check_placements(state: State, event: ev.TasksPooled) -> None:
    assert event.rule_set_version == state.version
    for placement in event.placements:
        rule = state.governing.get(placement.rule or "")
        for number in placement.tasks:
            task = state.tasks[number]
            assert governing(state, task) == placement.rule, f"task {number} belongs elsewhere"
            assert task.status in ("created", "pooled", "returned")
            names = rule.lane_attributes if rule else ()
            assert placement.lane == tuple(attribute(task, name) for name in names)


def _check_relaxed(state: State, event: ev.TasksRelaxed, now: int) -> None:
    rule = state.governing[event.rule]
    for number in event.tasks:
        task = state.tasks[number]
        assert in_place(state, task), f"task {number} is relaxed by rules no longer in force"
        assert task.pooled_at + rule.relax[event.stage - 1].after_ms <= now, f"task {number} is relaxed too early"


def _check_offers_returned(state: State, event: ev.OffersReturned, now: int) -> None:
    """An offer times out in its time, neither before nor late enough to be accepted."""
    for number in event.tasks:
        task = state.tasks[number]
        assert task.status == "offered"
        assert (task.recycles_at <= now) == (event.cause == "timed_out") or event.cause.startswith("agent_")


def _check_escalated(state: State, event: ev.TasksEscalated) -> None:
    """After as many offers as the rule says, and not before."""
    for number in event.tasks if event.reason == "offer_rounds" else ():
        task = state.tasks[number]
        rule, asking = rule_of(state, task), task.asked_under(task.rule)
        assert rule is not None and rule.offer is not None and asking is not None
        assert asking.rounds >= (rule.offer.rounds or 0)


def _check_recycled(state: State, event: ev.TasksRecycled) -> None:
    """Nothing begun or locked is taken from an agent who is there, and not before its time."""
    for number in event.tasks:
        task = state.tasks[number]
        assert task.status == "assigned" and not task.locked
        assert (task.recycles_at > 0) >= (event.cause == "not_started")


def _check_handed_over(state: State, event: ev.TasksHandedOver) -> None:
    for number, priority in zip(event.tasks, event.priorities, strict=True):
        assert state.tasks[number].priority <= priority <= 100


def _check_step(state: State, event: ev.EscalationStepTaken) -> None:
    """The next step of each, whose time has come; nothing locked goes to others."""
    for place, number in enumerate(event.tasks):
        task = state.tasks[number]
        due = task.next_step
        assert due is not None and (due.place, due.step) == (event.place, event.step)
        assert event.agents[place] == (task.agent or "")
        raised = replace(task, priority=event.priorities[place]) if event.priorities else task
        assert (number in event.reassigned) == (not task.locked and _reassigns(state, raised, event.step.reassign))
    assert all(0 <= priority <= 100 for priority in event.priorities)


def _reassigns(state: State, task: Task, reassign: str | None) -> bool:
    """Whether the rule that governs the task now gives work to such agents."""
    rule = state.governing.get(governing(state, task) or "")
    return reassign is not None and rule is not None and reassign in [step.reassign for step in rule.escalation]


def _check_reprioritised(state: State, event: ev.TaskReprioritised) -> None:
    assert event.before == state.tasks[event.task].priority != event.priority
    assert 0 <= event.priority <= 100


def _check_merged(state: State, event: ev.TasksMerged) -> None:
    """Each once, the survivor none of them; it takes the highest priority of all."""
    assert len({event.into, *event.tasks}) == len(event.tasks) + 1
    assert event.before == state.tasks[event.into].priority
    assert event.priority == max(state.tasks[number].priority for number in (event.into, *event.tasks))


def _check_deadlines_changed(state: State, event: ev.TaskDeadlinesChanged) -> None:
    """Steps taken stay, and so does every other; what is to come is in order of time."""
    task = state.tasks[event.task]
    assert task.status != "created" and (event.respond_by, event.resolve_by) != (task.respond_by, task.resolve_by)
    before, taken = task.terms.steps if task.terms else (), task.marks.step if task.marks else 0
    assert event.steps[:taken] == before[:taken]
    assert sorted(step.place for step in event.steps) == sorted(step.place for step in before)
    times = [step.at for step in event.steps[taken:]]
    assert times == sorted(times)


def _check_deadlines(state: State, event: ev.DeadlinesSet) -> None:
    """Once; steps in order of time."""
    assert all(state.tasks[number].terms is None for number in event.tasks)
    times = [step.at for step in event.steps]
    assert times == sorted(times)


def _check_locked(state: State, event: ev.TaskLocked) -> None:
    rule = rule_of(state, state.tasks[event.task])
    assert rule is None or rule.lock_max_ms is None or event.until - state.at >= 1


def _check_sweep(state: State, event: ev.TasksCancelled) -> None:
    """What an agent has started goes on; all else of the package goes, in turn."""
    if event.swept is None:
        return
    package = state.packages[event.package or 0]
    assert package.status in ("failed", "withdrawn")
    mine = [task for task in state.tasks.values() if task.package == event.package]
    due = [task for task in mine if package.swept_through < task.number <= event.swept]
    goes_on = ("in_progress", "completed")
    assert list(event.tasks) == sorted(task.number for task in due if task.status not in goes_on)


def _check_stall(state: State, event: ev.PoolStalled) -> None:
    """The round's picks are in the state by now."""
    key, rule = (event.rule, event.stage, event.lane), state.governing[event.rule]
    lane = state.lanes[key]
    assert event.waiting == len(lane.order) and event.reason != lane.stalled
    if "agent.load" in targets_at(rule, event.stage):
        return
    people = [agent for agent in state.agents.values() if within(state, key, agent, agent.load)]
    there = [agent for agent in people if agent.presence == "available"]
    roomy = [agent for agent in there if agent.load < agent.spec.capacity]
    if not there:
        assert event.reason == ("nobody_available" if people else "no_agent_within_targets")
    else:
        assert event.reason == ("all_at_rule_cap" if roomy else "all_at_capacity")


def _check_settled(state: State, event: ev.PackageDistributed) -> None:
    package = state.packages[event.package]
    waiting = package.waiting + package.calling
    assert (event.distributed, sum(event.waiting.values())) == (package.distributed, waiting)


def _check_asked_first(state: State, event: ev.CallbacksStarted) -> None:
    """Whom the rules in force name; what is asked about is new."""
    assert state.rule_set is not None and event.due > state.at
    for number in event.tasks:
        kind = state.rule_set.task_types[state.tasks[number].type]
        assert kind.callback == event.callback


def _check_unreported(state: State, event: ev.CallbacksFailed) -> None:
    for number in event.tasks:
        call = state.calls.callbacks[number]
        assert (event.cause == "unreported") == (event.attempts == 0) and call.at <= state.at


_CHECKS: dict[type[ev.Event], Callable[[State, Any], None]] = {
    ev.TasksPooled: _check_placements,
    ev.TasksCancelled: _check_sweep,
    ev.TasksRecycled: _check_recycled,
    ev.TasksEscalated: _check_escalated,
    ev.TasksHandedOver: _check_handed_over,
    ev.EscalationStepTaken: _check_step,
    ev.TaskReprioritised: _check_reprioritised,
    ev.TaskDeadlinesChanged: _check_deadlines_changed,
    ev.TasksMerged: _check_merged,
    ev.DeadlinesSet: _check_deadlines,
    ev.TaskLocked: _check_locked,
    ev.TaskReopened: check_reopened,
    ev.PoolStalled: _check_stall,
    ev.PackageDistributed: _check_settled,
    ev.CallbacksStarted: _check_asked_first,
    ev.CallbacksFailed: _check_unreported,
}


def check_at_rest(state: State) -> None:
    """Nothing is left lying."""
    for task in state.tasks.values():
        package = state.packages.get(task.package or 0)
        if task.status == "created":
            assert package is not None and package.status in ("initialized", "parsing")
        elif task.status == "pooled":
            assert in_place(state, task), f"task {task.number} waits where the rules in force do not want it"
            _check_timer(state, task)
    _nobody_could_take(state)
    for package in state.packages.values():
        assert package.status not in ("parsed", "distributing")
        assert package.status != "partly_distributed" or package.waiting or package.calling
        assert package.status not in ("distributed", "failed", "withdrawn") or not package.waiting


def _nobody_could_take(state: State) -> None:
    for key, lane in state.lanes.items():
        rule = state.governing.get(key[0] or "")
        if rule is None or rule.method not in BY_ROUNDS or all_aside(state, key):
            continue
        for agent in state.agents.values():
            capped = rule.cap_per_agent is not None and agent.load_by_rule.get(rule.id, 0) >= rule.cap_per_agent
            if agent.presence == "available" and agent.load < agent.spec.capacity and not capped:
                assert not within(state, key, agent, agent.load), f"{agent.id} could take from {key}"
        assert lane.stalled, f"{key} waits, and nobody said why"


def _check_timer(state: State, task: Task) -> None:
    rule = state.governing.get(task.rule or "")
    due = {number: when for when, kind, number in state.timers.entries() if kind == "relax"}
    if rule is not None and 0 <= task.stage < len(rule.relax):
        assert due.get(task.number) == task.pooled_at + rule.relax[task.stage].after_ms
    else:
        assert task.number not in due


def check_timers(state: State) -> None:
    """Every timer has its reason, and what has a reason has its timer."""
    wanted = set()
    for number, task in state.tasks.items():
        marks = task.marks
        if task.status == "pooled" and task.place.relaxes_at:
            wanted.add((task.place.relaxes_at, "relax", number))
        if marks and marks.locked_until:
            assert task.agent is not None
            wanted.add((marks.locked_until, "unlock", number))
        step = marks.step if marks else 0
        if marks and marks.closes_at:
            wanted.add((marks.closes_at, "close", number))
        assert (task.status == "completed") == bool(marks and marks.closes_at), "what is completed is closed in time"
        if task.terms and step < len(task.terms.steps) and task.status != "completed":
            wanted.add((task.terms.steps[step].at, "escalate", number))
        if task.status == "offered":
            wanted.add((task.recycles_at, "offer", number))
        elif task.recycles_at:
            assert task.status == "assigned" and not task.locked and not (marks and marks.escalated)
            wanted.add((task.recycles_at, "recycle", number))
    wanted |= {(call.due, "callback", number) for number, call in state.calls.callbacks.items()}
    wanted |= {(call.due, "delivery", made) for made, call in state.calls.results.items()}
    assert set(state.timers.entries()) == wanted
