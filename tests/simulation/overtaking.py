"""Nothing starves: who is given work before whom, by the formula that ageing promises.

A task of priority p that came at a, under a rule with ageing A, has at time t the urgency p + (t - a) / A. An agent is
given the most urgent of all that he may take. Among tasks of equal ageing the difference of two urgencies never
changes, so one that came at b > a and is given out first had b - a <= (q - p) * A, and as no priority q is above 100:

    b - a <= (100 - p) * A

Once work of that age is gone, nothing that comes can be given out before it to anybody who may take it.
"""

from __future__ import annotations

from fractions import Fraction

from engine.commands import AllocateTasks
from engine.events import Recorded, TasksAllocated
from engine.state import State, Task
from tests.simulation.judging import Lane, rising
from tests.simulation.rounds import MARGIN, Desk, SlowRound


def check_overtaking(before: State, recorded: Recorded) -> int:
    """Over all push lanes, whether or not the round looked at them; gives how many were overtaken by rights."""
    event = recorded.event
    assert isinstance(event, TasksAllocated)
    now, overtaken = recorded.at, 0
    slow = SlowRound(before, AllocateTasks(len(event.tasks)), now)
    for place, number in enumerate(event.tasks):
        task, desk = before.tasks[number], slow.desks[event.agents[event.who[place]]]
        for other in _could_have_had(slow, desk, task):
            assert _urgency(before, task, now) + MARGIN >= _urgency(before, other, now), f"{number} before {other}"
            overtaken += _within_bound(before, other, task)
        slow._give((task.rule, task.stage, task.lane), task, desk)
    return overtaken


def _could_have_had(slow: SlowRound, desk: Desk, given: Task) -> list[Task]:
    """What waits and might have been given to the agent instead; not what he gave back himself."""
    return [
        task
        for key, tasks in slow.lanes.items()
        if not rising(slow.state, key) and _may(slow, key, desk)
        for task in tasks
        if task is not given and not (task.marks and task.marks.avoid == desk.agent.id)
    ]


def _may(slow: SlowRound, key: Lane, desk: Desk) -> bool:
    return slow._may(key, slow.state.governing[key[0] or ""], desk)


def _urgency(state: State, task: Task, now: int) -> Fraction:
    return task.priority + Fraction(now - task.ages_from, _ageing(state, task))


def _within_bound(state: State, first: Task, later: Task) -> bool:
    """Whether ``later`` overtakes ``first``, and no further than is promised."""
    ageing = _ageing(state, first)
    if later.ages_from <= first.ages_from or ageing != _ageing(state, later):
        return False
    assert later.ages_from - first.ages_from <= (100 - first.priority) * ageing
    return True


def _ageing(state: State, task: Task) -> int:
    return state.governing[task.rule or ""].ageing_ms
