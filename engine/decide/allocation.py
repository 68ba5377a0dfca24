"""An allocation round as a command: what it gives, and what it finds nobody for."""

from __future__ import annotations

from engine import events as ev
from engine.answers import Answer
from engine.commands import AllocateTasks
from engine.decide.context import Context
from engine.decide.round import Round
from engine.state import Lane, LaneKey, State

_FULL = ("all_at_capacity", "all_at_rule_cap")


def allocate(state: State, command: AllocateTasks, context: Context) -> list[ev.Event] | Answer:
    keys = state.lanes if command.lanes is None else command.lanes
    lanes = [state.lanes[key] for key in keys if key in state.lanes]
    round_ = Round(state, context, command.among)
    round_.run(lanes, command.limit)
    given = round_.event()
    events: list[ev.Event] = [given] if given else []
    events.extend(_stalls(state, round_, given, command.at_rest))
    return events or Answer(state.position, changed=False)


def _stalls(
    state: State, round_: Round, given: ev.TasksAllocated | None, at_rest: frozenset[LaneKey]
) -> list[ev.PoolStalled]:
    """Lanes that wait for a reason that is news."""
    gone = _given_by_lane(state, given) if round_.exhausted else {}
    stalls = []
    for key, why_nobody in round_.exhausted.items():
        lane = state.lanes[key]
        if lane.stalled in _FULL and (round_.among is not None or key in at_rest):
            continue  # those looked at are full again, as everybody was: no news, and the bulk of busy hours
        reason = why_nobody()
        if lane.stalled != reason:
            stalls.append(_stall(lane, reason, len(lane.order) - gone.get(key, 0)))
    return stalls


def _stall(lane: Lane, reason: str, waiting: int) -> ev.PoolStalled:
    rule, stage, values = lane.key
    return ev.PoolStalled(rule or "", stage, reason, waiting, values)


def _given_by_lane(state: State, given: ev.TasksAllocated | None) -> dict[LaneKey, int]:
    counts: dict[LaneKey, int] = {}
    for number in given.tasks if given else ():
        key = state.tasks[number].place.key
        counts[key] = counts.get(key, 0) + 1
    return counts
