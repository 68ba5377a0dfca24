"""The invariants can fail: each of these small faults, put into the engine, is found by random sequences."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from msgspec.structs import replace

import engine.decide
import engine.decide.claiming
import engine.decide.grants
import engine.decide.tasks
from adapters.log.codec import decode
from engine import commands as cmd
from engine import events as ev
from engine.answers import Answer
from engine.decide import DECIDE
from engine.decide.grants import open_task
from engine.decide.seats import Seat, Seats
from engine.decide.strategies import Queue
from engine.evolve import EVOLVE
from engine.reactions import Agenda
from engine.state import Agent, State
from engine.workspace import Workspace
from tests.simulation.steps import LIMITS, WIDTH, limited, opened, run

SEQUENCES = 800
Patch = pytest.MonkeyPatch
_DECIDE: dict[Any, Any] = DECIDE


def _sequence(seed: int) -> list[bytes]:
    chance = random.Random(seed)
    return opened(chance.randbytes(7), [chance.randbytes(WIDTH) for _ in range(chance.randint(10, 70))])


def _instead(patch: Patch, event: type[ev.Event], after: Callable[[State, Any], None]) -> None:
    """Evolve the event as ever, then do something wrong."""
    right = EVOLVE[event]

    def wrong(state: State, happened: Any, recorded: ev.Recorded) -> None:
        right(state, happened, recorded)
        after(state, happened)

    patch.setitem(EVOLVE, event, wrong)


# --- evolve ------------------------------------------------------------------------------------------------------------


def completed_task_still_counts(patch: Patch) -> None:
    def after(state: State, event: ev.TaskCompleted) -> None:
        state.agents[event.agent].load += 1

    _instead(patch, ev.TaskCompleted, after)


def claimed_task_is_not_counted_for_its_rule(patch: Patch) -> None:
    def after(state: State, event: ev.TaskClaimed) -> None:
        state.agents[event.agent].load_by_rule[event.rule] -= 1

    _instead(patch, ev.TaskClaimed, after)


def rows_are_distributed_twice(patch: Patch) -> None:
    def after(state: State, event: ev.TaskReassigned) -> None:
        if event.package is not None:
            state.packages[event.package].distributed += 1

    _instead(patch, ev.TaskReassigned, after)


def replay_depends_on_when_it_runs(patch: Patch) -> None:
    ticking = count()

    def after(state: State, event: ev.TasksPooled) -> None:
        for placement in event.placements:
            for number in placement.tasks:
                task = state.tasks[number]
                task.place = replace(task.place, pooled_at=task.place.pooled_at + next(ticking) % 2)

    _instead(patch, ev.TasksPooled, after)


def timer_outlives_the_wait(patch: Patch) -> None:
    def after(state: State, event: ev.TaskClaimed) -> None:
        state.timers.set_all("relax", state.at, [event.task])

    _instead(patch, ev.TaskClaimed, after)


def new_ageing_leaves_the_order_alone(patch: Patch) -> None:
    patch.setattr("engine.evolve.rules._rank_again", lambda state, lane: None)


# --- decide ------------------------------------------------------------------------------------------------------------


def caps_do_not_hold_for_claims_and_reassignments(patch: Patch) -> None:
    patch.setattr(engine.decide.claiming, "no_room", lambda state, agent, task: None)
    patch.setattr(engine.decide.tasks, "no_room", lambda state, agent, task: None)


def caps_do_not_hold_for_push(patch: Patch) -> None:
    patch.setattr(Seat, "may_take", lambda self, rule, cap: self.room > 0)


def capacity_is_overshot_by_one(patch: Patch) -> None:
    patch.setattr(Seat, "may_take", lambda self, rule, cap: self.room >= 0)


def push_goes_to_who_is_away(patch: Patch) -> None:
    patch.setattr(Agent, "has_room", property(lambda agent: agent.load < agent.spec.capacity))


def the_least_urgent_goes_first(patch: Patch) -> None:
    patch.setattr("engine.decide.round.urgency_of", lambda start, now, rule: -start)


def the_worst_agent_is_best(patch: Patch) -> None:
    patch.setattr(Queue, "key_of", lambda self, seat: (1_000 - seat.agent.index, seat.turn, seat.agent.index))


def a_round_forgets_its_own_picks_of_a_customer(patch: Patch) -> None:
    right = Seats.give
    patch.setattr(Seats, "give", lambda self, seat, rule, task: right(self, seat, rule, replace(task, customer=None)))


def who_let_it_pass_is_asked_again_at_once(patch: Patch) -> None:
    patch.setattr(Queue, "pick", lambda self, task: self._find(task, {}))


def offers_go_on_for_ever(patch: Patch) -> None:
    patch.setattr("engine.decide.round.is_set_aside", lambda task, rule: False)


def an_offer_is_accepted_after_its_time(patch: Patch) -> None:
    right = DECIDE[cmd.AcceptOffer]
    patch.setitem(
        _DECIDE, cmd.AcceptOffer, lambda state, command, context: right(state, command, replace(context, now=0))
    )


def any_grant_will_do(patch: Patch) -> None:
    patch.setattr(engine.decide.tasks, "granted", lambda state, number, grant: open_task(state, number))
    patch.setattr(engine.decide.grants, "granted", lambda state, number, grant: open_task(state, number))


def a_repeat_is_decided_anew(patch: Patch) -> None:
    patch.setattr(engine.decide, "repeated", lambda state, order: None)


def new_rules_leave_waiting_tasks_where_they_are(patch: Patch) -> None:
    patch.setitem(_DECIDE, cmd.RepoolTasks, lambda state, command, context: Answer(state.position, changed=False))


def a_withdrawal_takes_what_is_in_progress(patch: Patch) -> None:
    right = DECIDE[cmd.SweepPackage]

    def wrong(state: State, command: cmd.SweepPackage, context: Any) -> Any:
        told = right(state, command, context)
        started = [task for task in state.tasks.values() if task.status == "in_progress"]
        if isinstance(told, list) and started and isinstance(told[0], ev.TasksCancelled):
            swept, taken = told[0], started[0]
            told = [replace(swept, tasks=(*swept.tasks, taken.number), agents=(*swept.agents, str(taken.agent)))]
        return told

    patch.setitem(_DECIDE, cmd.SweepPackage, wrong)


def decisions_depend_on_chance(patch: Patch) -> None:
    right, numbers = Workspace._record, count()

    def wrong(self: Workspace, event: ev.Event, order: cmd.Order, now: int, fingerprint: str) -> ev.Recorded:
        return right(self, event, replace(order, correlation=str(next(numbers))), now, fingerprint)

    patch.setattr(Workspace, "_record", wrong)


# --- what is set in motion, and the log ----------------------------------------------------------------------------------


def freed_capacity_is_forgotten(patch: Patch) -> None:
    patch.setattr(Agenda, "_free", lambda self, agent: None)


def freed_agents_get_what_others_were_not_asked_about(patch: Patch) -> None:
    def wrong(self: Agenda, state: State, limit: int) -> cmd.Command | None:
        among = tuple(self._freed)
        self._freed.clear()
        return cmd.AllocateTasks(limit, None, among) if among else None

    patch.setattr(Agenda, "_next_freed", wrong)


def a_restart_looks_at_nothing(patch: Patch) -> None:
    patch.setattr(Agenda, "everything", lambda self, state: None)


def distribution_is_never_settled(patch: Patch) -> None:
    patch.setattr(Agenda, "_next_settling", lambda self, state, limit: None)


def the_log_forgets_why(patch: Patch) -> None:

    def wrong(stored: Any) -> ev.Recorded:
        recorded = decode(stored)
        event = recorded.event
        if isinstance(event, ev.TaskReassigned):
            return ev.Recorded(**{**_fields(recorded), "event": replace(event, held_by="")})
        return recorded

    patch.setattr("tests.simulation.simulation.decode", wrong)


def _fields(recorded: ev.Recorded) -> dict[str, Any]:
    return {name: getattr(recorded, name) for name in recorded.__struct_fields__}


FAULTS: list[Callable[[Patch], None]] = [
    completed_task_still_counts,
    claimed_task_is_not_counted_for_its_rule,
    rows_are_distributed_twice,
    replay_depends_on_when_it_runs,
    timer_outlives_the_wait,
    new_ageing_leaves_the_order_alone,
    caps_do_not_hold_for_claims_and_reassignments,
    caps_do_not_hold_for_push,
    capacity_is_overshot_by_one,
    push_goes_to_who_is_away,
    the_least_urgent_goes_first,
    the_worst_agent_is_best,
    a_round_forgets_its_own_picks_of_a_customer,
    who_let_it_pass_is_asked_again_at_once,
    offers_go_on_for_ever,
    an_offer_is_accepted_after_its_time,
    any_grant_will_do,
    a_repeat_is_decided_anew,
    new_rules_leave_waiting_tasks_where_they_are,
    a_withdrawal_takes_what_is_in_progress,
    decisions_depend_on_chance,
    freed_capacity_is_forgotten,
    freed_agents_get_what_others_were_not_asked_about,
    a_restart_looks_at_nothing,
    distribution_is_never_settled,
    the_log_forgets_why,
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_fault_is_found(fault: Callable[[Patch], None], monkeypatch: Patch) -> None:
    fault(monkeypatch)
    with pytest.raises((AssertionError, LookupError, ValueError)):
        for seed in range(SEQUENCES):
            _take(seed)


def test_without_a_fault_the_same_sequences_pass() -> None:
    for seed in range(60):
        _take(seed)


def _take(seed: int) -> None:
    with limited(LIMITS[seed % len(LIMITS)]):
        checked = run(_sequence(seed))
        assert run(_sequence(seed), checked=False).log == checked.log
