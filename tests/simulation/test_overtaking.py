"""No starvation: in random histories nobody is given anything before what was due to him by ageing."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

import tests.simulation.simulation
from engine import commands as cmd
from engine import events as ev
from engine.reactions import Agenda
from engine.state import State, Task
from tests.simulation.invariants import check_decision
from tests.simulation.overtaking import check_overtaking
from tests.simulation.simulation import Simulation
from tests.simulation.steps import WIDTH, busy, opened, take

SEQUENCES = 40
Patch = pytest.MonkeyPatch
Draw = Callable[[random.Random], bytes]


def test_no_task_is_overtaken_beyond_what_ageing_promises(monkeypatch: Patch) -> None:
    assert _live_all(monkeypatch, _anything) > 10, "nothing overtook anything"


def _anything(chance: random.Random) -> bytes:
    return chance.randbytes(WIDTH)


def _live_all(patch: Patch, draw: Draw) -> int:
    """Histories in which everything comes to rest after every step; how many tasks were overtaken by rights."""
    overtaken = 0

    def check(before: State, command: cmd.Command, recorded: ev.Recorded) -> None:
        nonlocal overtaken
        check_decision(before, command, recorded)
        if isinstance(recorded.event, ev.TasksAllocated):
            overtaken += check_overtaking(before, recorded)

    patch.setattr(tests.simulation.simulation, "check_decision", check)
    for seed in range(SEQUENCES):
        _live(seed, draw)
    return overtaken


def _live(seed: int, draw: Draw) -> None:
    chance, simulation = random.Random(seed), Simulation()
    steps = [draw(chance) for _ in range(chance.randint(20, 80))]
    for place, step in enumerate(opened(chance.randbytes(7), steps)):
        take(simulation, step, place)
        simulation.rest()


# --- each of these faults is found, also without the other checks of a round ---------------------------------------------


def waiting_is_worth_nothing(patch: Patch) -> None:
    patch.setattr("engine.decide.round.urgency_of", lambda start, now, rule: start // rule.ageing_ms)


def a_raise_changes_nothing(patch: Patch) -> None:
    def wrong(_state: State, tasks: list[Task], priorities: tuple[int, ...]) -> None:
        for task, priority in zip(tasks, priorities, strict=True):
            task.priority = priority

    patch.setattr("engine.evolve.terms.set_priorities", wrong)


def the_freed_look_only_where_nothing_happened(patch: Patch) -> None:
    def wrong(self: Agenda, state: State, limit: int) -> cmd.Command | None:
        among = tuple(agent for agent in self._freed if agent in state.agents and state.agents[agent].has_room)
        self._freed.clear()
        lanes = tuple(key for key in state.lanes if key not in self._lanes) if self._lanes else None
        return cmd.AllocateTasks(limit, lanes, among) if among and lanes != () else None

    patch.setattr(Agenda, "_next_freed", wrong)


@pytest.mark.parametrize(
    "fault",
    [waiting_is_worth_nothing, a_raise_changes_nothing, the_freed_look_only_where_nothing_happened],
    ids=lambda fault: fault.__name__,
)
def test_a_fault_is_found(fault: Callable[[Patch], None], monkeypatch: Patch) -> None:
    fault(monkeypatch)
    with pytest.raises((AssertionError, LookupError)):
        _live_all(monkeypatch, busy)
