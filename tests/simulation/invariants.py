"""What must hold: of every decision when it is made, of the state after every step, and of a workspace at rest."""

from __future__ import annotations

from engine import commands as cmd
from engine import events as ev
from engine.refusals import Refusal
from engine.state import Agent, State, Task
from engine.state.task import attribute
from tests.simulation.judging import governing, within
from tests.simulation.rounds import check_round, urgency


def check_decision(before: State, command: cmd.Command, recorded: ev.Recorded) -> None:
    """``before`` is the state that the event was decided on."""
    event = recorded.event
    if isinstance(event, ev.TasksAllocated):
        assert isinstance(command, cmd.AllocateTasks)
        check_round(before, command, recorded)
    elif isinstance(event, ev.TaskClaimed):
        assert isinstance(command, cmd.ClaimTask)
        _check_claim(before, command, event, recorded.at)
    elif isinstance(event, ev.TaskReassigned):
        assert has_room(before, before.agents[event.agent], before.tasks[event.task])
    elif isinstance(event, ev.TasksPooled):
        _check_placements(before, event)
    elif isinstance(event, ev.PackageDistributed):
        package = before.packages[event.package]
        assert (event.distributed, sum(event.waiting.values())) == (package.distributed, package.waiting)


def check_refused_claim(state: State, command: cmd.ClaimTask, refusal: Refusal, now: int) -> None:
    """An agent is not told that there is nothing, while there is something."""
    if refusal.reason in ("NOTHING_TO_CLAIM", "OUTSIDE_TARGETS", "RULE_CAP_REACHED", "AGENT_AT_CAPACITY"):
        open_to = claimable(state, state.agents[command.agent])
        assert command.task is not None or not open_to
        assert command.task not in {task.number for task in open_to}


def has_room(state: State, agent: Agent, task: Task) -> bool:
    """By capacity, and by the cap of the task's rule: as in force, or as it was when the task came under it."""
    rule = state.governing.get(task.rule or "")
    if rule is None and task.rule is not None:
        rule = next((one for one in state.rule_sets[task.version].rules if one.id == task.rule), None)
    cap = rule.cap_per_agent if rule else None
    held = sum(one.agent == agent.id for one in state.tasks.values())
    under = sum(one.agent == agent.id and one.rule == task.rule for one in state.tasks.values())
    return held < agent.spec.capacity and (cap is None or under < cap)


def claimable(state: State, agent: Agent) -> list[Task]:
    """Every waiting task the agent may claim."""
    if agent.presence not in ("available", "busy"):
        return []
    return [task for task in state.tasks.values() if _may_claim(state, agent, task)]


def _may_claim(state: State, agent: Agent, task: Task) -> bool:
    rule = state.governing.get(task.rule or "")
    if task.status != "pooled" or rule is None or rule.method != "claim":
        return False
    return has_room(state, agent, task) and within(state, (task.rule, task.stage, task.lane), agent, agent.load)


def _check_claim(state: State, command: cmd.ClaimTask, event: ev.TaskClaimed, now: int) -> None:
    open_to = {task.number: urgency(state, task, now) for task in claimable(state, state.agents[event.agent])}
    assert event.agent == command.agent and event.task in open_to
    assert event.rule_set_version == state.version
    if command.task is None:
        assert open_to[event.task] + 1e-6 >= max(open_to.values()), "not the most urgent"
    else:
        assert event.task == command.task


def _check_placements(state: State, event: ev.TasksPooled) -> None:
    assert event.rule_set_version == state.version
    for placement in event.placements:
        rule = state.governing.get(placement.rule or "")
        for number in placement.tasks:
            task = state.tasks[number]
            assert governing(state, task) == placement.rule, f"task {number} belongs elsewhere"
            names = rule.lane_attributes if rule else ()
            assert placement.lane == tuple(attribute(task, name) for name in names)


def check_at_rest(state: State) -> None:
    """Nothing is left lying."""
    for task in state.tasks.values():
        package = state.packages.get(task.package or 0)
        if task.status == "created":
            assert package is not None and package.status in ("initialized", "parsing")
        elif task.status == "pooled":
            assert governing(state, task) == task.rule, f"task {task.number} waits under a rule that does not govern it"
            _check_timer(state, task)
    _nobody_could_take(state)
    for package in state.packages.values():
        assert package.status not in ("parsed", "distributing")
        assert package.status != "partly_distributed" or package.waiting
        assert package.status not in ("distributed", "failed", "withdrawn") or not package.waiting


def _nobody_could_take(state: State) -> None:
    for key, lane in state.lanes.items():
        rule = state.governing.get(key[0] or "")
        if rule is None or rule.method != "push":
            continue
        for agent in state.agents.values():
            capped = rule.cap_per_agent is not None and agent.load_by_rule.get(rule.id, 0) >= rule.cap_per_agent
            if agent.presence == "available" and agent.load < agent.spec.capacity and not capped:
                assert not within(state, key, agent, agent.load), f"{agent.id} could take from {key}"
        assert lane.stalled, f"{key} waits, and nobody said why"


def _check_timer(state: State, task: Task) -> None:
    rule = state.governing.get(task.rule or "")
    due = {number: when for when, _, number in state.timers.entries()}
    if rule is not None and task.stage < len(rule.relax):
        assert due.get(task.number) == task.pooled_at + rule.relax[task.stage].after_ms
    else:
        assert task.number not in due


def check_timers(state: State) -> None:
    """Only what waits has a timer."""
    for _, _, number in state.timers.entries():
        assert state.tasks[number].status == "pooled"
