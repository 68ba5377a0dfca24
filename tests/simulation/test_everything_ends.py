"""From any history: every lock ends, every step is taken at most once, and where all are willing every order ends."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, get_args

import pytest

from engine import events as ev
from engine.decide import timers
from engine.decide.round import Round
from engine.evolve import EVOLVE, terms
from engine.evolve.marking import marks_of
from engine.state import State
from engine.state.task import Status
from engine.state.timers import UNLOCK
from tests.simulation.simulation import Simulation
from tests.simulation.steps import LIMITS, WIDTH, limited, opened, run
from tests.simulation.willing import (
    DOES,
    WAITING,
    check_steps,
    everybody_comes,
    needs_a_human,
    supervisor_decides,
    tick_through,
    until_nothing_moves,
)

SEQUENCES = 60
Patch = pytest.MonkeyPatch
YEAR = 365 * 24 * 3_600_000


def _history(seed: int) -> Simulation:
    chance = random.Random(f"ends-{seed}")
    steps = [chance.randbytes(WIDTH) for _ in range(chance.randint(10, 70))]
    return run(opened(chance.randbytes(7), steps), checked=False)


def test_every_status_has_somebody_who_goes_on() -> None:
    assert {*DOES, *WAITING} == set(get_args(Status))


def test_with_willing_agents_every_order_ends() -> None:
    open_, decided = _all_end()
    assert open_ > SEQUENCES and 0 < decided < open_ / 2, "hardly anything was to be done, or supervisors did it"


def test_every_lock_ends_by_itself() -> None:
    locks, steps = _time_alone()
    assert locks and steps, "none was locked, or nothing escalated"


def _all_end() -> tuple[int, int]:
    """How many tasks were open, and how many of them needed a supervisor."""
    open_ = decided = 0
    for seed in range(SEQUENCES):
        with limited(LIMITS[seed % len(LIMITS)]):
            history = _history(seed)
            open_ += len(history.state.tasks)
            decided += _ends(history)
            check_steps(history.log)
    return open_, decided


def _ends(history: Simulation) -> int:
    everybody_comes(history)
    until_nothing_moves(history)
    left = list(history.state.tasks.values())
    for task in left:
        assert needs_a_human(history.state, task), f"nobody took {task}"
        supervisor_decides(history, task)
    until_nothing_moves(history)
    state = history.state
    assert not state.tasks and not state.lanes and not state.timers.entries()
    assert all(not agent.tasks and not agent.load for agent in state.agents.values())
    return len(left)


def _time_alone() -> tuple[int, int]:
    """A year goes by and nobody asks for anything: how many locks ended, and how many steps were taken, ever."""
    locked = steps = 0
    for seed in range(SEQUENCES):
        with limited(LIMITS[seed % len(LIMITS)]):
            history = _history(seed)
            locks, before = [task.number for task in history.state.tasks.values() if task.locked], len(history.log)
            history.now += YEAR
            tick_through(history)
        assert not any(task.locked for task in history.state.tasks.values())
        ends = [one.event.task for one in history.log[before:] if isinstance(one.event, ev.TaskUnlocked)]
        assert sorted(ends) == sorted(locks), "each ends once"
        locked, steps = locked + len(locks), steps + check_steps(history.log)
    return locked, steps


# --- each of these faults is found ---------------------------------------------------------------------------------------


def locks_never_end(patch: Patch) -> None:
    patch.setitem(timers.DUE, UNLOCK, lambda state, tasks, context: [])


def locks_set_no_timer(patch: Patch) -> None:
    right = EVOLVE[ev.TaskLocked]

    def wrong(state: State, event: Any, recorded: ev.Recorded) -> None:
        right(state, event, recorded)
        state.timers.drop_all(UNLOCK, event.until, [event.task])

    patch.setitem(EVOLVE, ev.TaskLocked, wrong)


def a_step_falls_due_again(patch: Patch) -> None:
    right = EVOLVE[ev.EscalationStepTaken]

    def wrong(state: State, event: Any, recorded: ev.Recorded) -> None:
        right(state, event, recorded)
        for number in event.tasks:
            task = state.tasks[number]
            terms.drop_step(state, task)
            marks_of(task).step -= 1
            terms._arm(state, task)

    patch.setitem(EVOLVE, ev.EscalationStepTaken, wrong)


def waiting_never_relaxes(patch: Patch) -> None:
    patch.setattr("engine.evolve.pools._relaxes_at", lambda state, key, pooled_at: 0)


def wider_targets_are_never_asked(patch: Patch) -> None:
    right = Round._open
    patch.setattr(Round, "_open", lambda self, lanes: right(self, [lane for lane in lanes if lane.key[1] == 0]))


@pytest.mark.parametrize(
    ("fault", "finds"),
    [
        (locks_never_end, _time_alone), (locks_set_no_timer, _time_alone), (a_step_falls_due_again, _time_alone),
        (waiting_never_relaxes, _all_end), (wider_targets_are_never_asked, _all_end),
    ],
    ids=lambda each: each.__name__,
)  # fmt: skip
def test_a_fault_is_found(fault: Callable[[Patch], None], finds: Callable[[], object], monkeypatch: Patch) -> None:
    fault(monkeypatch)
    with pytest.raises((AssertionError, LookupError)):
        finds()
