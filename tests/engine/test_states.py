"""The diagrams in docs/states.md are what the code does: random histories show every arrow in them, and no other."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from engine import events as ev
from engine.evolve import evolve
from engine.state import State
from tests.simulation.steps import WIDTH, opened, run

PAGE = Path(__file__).parents[2] / "docs" / "states.md"
HISTORIES = 450

Arrow = tuple[str, str, str]
"""(from, to, event without its version)"""


def _drawn(heading: str) -> set[Arrow]:
    """The arrows of the diagram under a heading, ends of the diagram left out."""
    section = PAGE.read_text("utf-8").split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    arrows = re.findall(r"^ +(\S+) --> (\w+): ([^(\n]+)", section, re.M)
    return {(start, end, name.strip()) for start, end, names in arrows for name in names.split(",")}


@cache
def _histories() -> list[list[ev.Recorded]]:
    chance = random.Random(2027)
    steps = [[chance.randbytes(WIDTH) for _ in range(80)] for _ in range(HISTORIES)]
    return [run(opened(chance.randbytes(7), sequence), checked=False).log for sequence in steps]


def _touched(event: ev.Event) -> Iterable[int]:
    match event:
        case ev.TasksPooled(placements=placements):
            return [task for placement in placements for task in placement.tasks]
        case ev.TasksImported(first_task=first, rows=rows):
            return range(first, first + len(rows))
        case ev.TasksMerged(tasks=tasks, into=into):
            return (*tasks, into)
    return getattr(event, "tasks", None) or [task for task in (getattr(event, "task", None),) if task]


def _task_arrows(log: list[ev.Recorded]) -> Iterator[Arrow]:
    state = State(log[0].event.rule_set.workspace if isinstance(log[0].event, ev.RuleSetApplied) else "w")
    for recorded in log:
        event = recorded.event
        if isinstance(event, ev.CommandRefused | ev.ResultDelivered | ev.ResultUndelivered):
            evolve(state, recorded)
            continue
        before = {n: state.tasks[n].status if n in state.tasks else "[*]" for n in _touched(event)}
        evolve(state, recorded)
        ends = {
            ev.TaskCompleted: "completed", ev.CallbackSucceeded: "completed", ev.TasksMerged: "merged",
            ev.TasksClosed: "closed",
        }  # fmt: skip
        ended = ends.get(type(event), "cancelled")
        for number, status in before.items():
            yield status, state.tasks[number].status if number in state.tasks else ended, type(event).__name__


def _package_arrows(log: list[ev.Recorded]) -> Iterator[Arrow]:
    state = State("w")
    for recorded in log:
        event, number = recorded.event, getattr(recorded.event, "package", None)
        before = state.packages[number].status if number in state.packages else "[*]"
        evolve(state, recorded)
        if number is not None and type(event).__name__.startswith(("Package", "TasksImported")):
            yield before, state.packages[number].status, type(event).__name__


def test_a_tasks_states_are_as_drawn() -> None:
    assert {arrow for log in _histories() for arrow in _task_arrows(log)} == _drawn("A task")


def test_a_packages_states_are_as_drawn() -> None:
    assert {arrow for log in _histories() for arrow in _package_arrows(log)} == _drawn("A package")
