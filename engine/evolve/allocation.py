"""Tasks come into an agent's hands: by a round, by a claim, by a supervisor."""

from __future__ import annotations

from msgspec.structs import replace

from engine import events as ev
from engine.evolve.holding import let_go, take, take_all
from engine.evolve.offering import give_or_offer
from engine.evolve.pools import leave
from engine.state import State, Task
from engine.state.task import Place


def allocated(state: State, event: ev.TasksAllocated, recorded: ev.Recorded) -> None:
    state.rounds = event.round
    tasks = [state.tasks[number] for number in event.tasks]
    for place, group in leave(state, tasks).items():
        _note_version(group, place, event.rule_set_version)
        if place.package is not None and not place.given:
            state.packages[place.package].distributed += len(group)
    if event.until:
        give_or_offer(state, tasks, event, recorded)
    else:
        take_all(state, tasks, event, recorded)


def claimed(state: State, event: ev.TaskClaimed, recorded: ev.Recorded) -> None:
    task = state.tasks[event.task]
    leave(state, [task])
    _note_version([task], task.place, event.rule_set_version)
    take(state, task, event.agent, recorded)


def reassigned(state: State, event: ev.TaskReassigned, recorded: ev.Recorded) -> None:
    task = state.tasks[event.task]
    if task.status == "pooled":
        leave(state, [task])
    let_go(state, task)
    take(state, task, event.agent, recorded)


def _note_version(tasks: list[Task], place: Place, version: int) -> None:
    """The tasks of one place were given away; perhaps under another version of the rules than they came there by."""
    if place.version == version:
        return
    given_under = replace(place, version=version)
    for task in tasks:
        task.place = given_under
