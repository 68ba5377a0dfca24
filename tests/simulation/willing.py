"""Everybody is there and willing: what is begun is ended, what may be claimed is claimed, and time goes on.

A status that comes new is dealt with by one line of ``DOES``.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from engine import commands as cmd
from engine import events as ev
from engine.answers import Answer
from engine.events import AttributeValue
from engine.refusals import Refusal
from engine.state import State, Task, lane_key
from tests.simulation.judging import targets_at, within
from tests.simulation.rounds import is_aside
from tests.simulation.simulation import Simulation
from tests.simulation.worlds import AGENTS, RISING, spec

ROOM = 1_000
_ABLE: dict[str, AttributeValue] = {"regions": ("JS", "ZJ"), "skills": ("a", "b"), "level": 3}
TIMERS_A_TASK = 5
"""Relax steps and escalation steps that a rule of these worlds may have, and the closing or the end of a callback."""
LIVES = 3
"""A task is reopened twice at most, and needs its timers each time."""
WAITING = ("created", "calling", "pooled", "returned")
"""Nobody holds it. What somebody outside is asked about comes back by time, if he says nothing."""


def _accept(task: Task) -> cmd.Command:
    return cmd.AcceptOffer(task.number, str(task.agent), task.grant)


def _start(task: Task) -> cmd.Command:
    return cmd.StartTask(task.number, str(task.agent), task.grant)


def _complete(task: Task) -> cmd.Command:
    return cmd.CompleteTask(task.number, str(task.agent), task.grant, {"note": "done"})


def _complain(task: Task) -> cmd.Command:
    """Nobody is ever satisfied; until a supervisor is to look, who does not."""
    return cmd.GiveFeedback(task.number, False)


DOES: dict[str, Callable[[Task], cmd.Command]] = {
    "offered": _accept,
    "assigned": _start,
    "in_progress": _complete,
    "completed": _complain,
}
"""Status of a task -> what its agent or requester does next."""


def everybody_comes(sim: Simulation) -> None:
    """Imports under way come to their end; all six agents are there, have room, and can do most things."""
    for number, package in sim.state.packages.items():
        if package.status == "initialized":
            sim.ask(cmd.StartParsing(number))
        if package.status == "parsing":
            sim.ask(cmd.FinishParsing(number, package.chunks))
    known = {agent.id: agent.spec for agent in sim.state.agents.values()}
    people = (replace(known.get(one, spec(one, 0)), capacity=ROOM, attributes=_ABLE) for one in AGENTS)
    sim.ask(cmd.ApplyRoster(tuple(people)))
    for agent in AGENTS:
        sim.ask(cmd.SetPresence(agent, "available"))


def until_nothing_moves(sim: Simulation) -> int:
    """Sweep until one changes nothing and no timer is left; gives how many sweeps it took."""
    sim.now = max(sim.now, sim.state.at)
    tick_through(sim)  # offers whose time is over are not accepted any more
    sweeps, most = 0, 1 + len(sim.state.tasks) * (1 + TIMERS_A_TASK) * LIVES + _results(sim)
    while _sweep(sim) or _time_goes_on(sim):
        sweeps += 1
        assert sweeps <= most, f"after {sweeps} sweeps {len(sim.state.tasks)} tasks are open and go on for ever"
    return sweeps


def _sweep(sim: Simulation) -> bool:
    """All that is held is ended, and all that agents may claim is claimed and ended; False: there was nothing."""
    sim.rest()
    ended = _end_what_is_held(sim)
    for agent in AGENTS:
        while isinstance(sim.ask(cmd.ClaimTask(agent))[1], Answer):
            ended += _end_what_is_held(sim)
    return ended > 0


def _end_what_is_held(sim: Simulation) -> int:
    held = [task for task in sim.state.tasks.values() if _somebody_acts(task)]
    for task in held:
        while _somebody_acts(task) and task.number in sim.state.tasks:
            told = sim.ask(DOES[task.status](task))[1]
            assert not isinstance(told, Refusal), told
    return len(held)


def _somebody_acts(task: Task) -> bool:
    """Neither a pool nor a supervisor has it."""
    return task.status in DOES and not (task.marks and task.marks.unsatisfied)


def _time_goes_on(sim: Simulation) -> bool:
    """To the next timer; False: there is none."""
    due = sim.state.timers.next_due()
    if due is None:
        return False
    sim.now = max(sim.now, due)
    tick_through(sim)
    return True


def tick_through(sim: Simulation) -> None:
    """All that is due by now. Nothing that it sets in motion is due at once."""
    most = 1 + len(sim.state.tasks) * (1 + TIMERS_A_TASK) * 2 + _results(sim)
    for _ in range(most):
        due = sim.state.timers.next_due()
        if due is None or due > sim.now:
            return
        sim.tick()
        sim.rest()
    raise AssertionError(f"timers are still due after {most} ticks")


def _results(sim: Simulation) -> int:
    """Results that are or may come to be on their way: each is given up in its time."""
    return len(sim.state.calls.results) + len(sim.state.tasks)


def needs_a_human(state: State, task: Task) -> bool:
    """By the rules nobody is given it and nobody may claim it, although all are there, hold nothing and have room.

    As long as its rule has wider targets to come, time will help.
    """
    rule = state.governing.get(task.rule or "")
    if rule is None or rule.method == "manual" or is_aside(state, task):
        return True
    if 0 <= task.stage < len(rule.relax):
        return False
    if targets_at(rule, task.stage) == RISING:
        return True
    return not any(within(state, lane_key(task), agent, 0) for agent in state.agents.values())


def supervisor_decides(sim: Simulation, task: Task) -> None:
    """It is given to one of them, who ends it."""
    told = sim.ask(cmd.ReassignTask(task.number, AGENTS[task.number % len(AGENTS)], task.grant))[1]
    assert not isinstance(told, Refusal), told
    _end_what_is_held(sim)


def check_steps(log: list[ev.Recorded]) -> int:
    """No step of the escalation was taken twice for a task; gives how many were taken."""
    taken = [
        (number, recorded.event.place)
        for recorded in log
        if isinstance(recorded.event, ev.EscalationStepTaken)
        for number in recorded.event.tasks
    ]
    assert len(taken) == len(set(taken)), "a step was taken twice"
    return len(taken)
