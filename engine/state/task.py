"""An open task as decisions need it. A task that ended leaves the state; its history is in the log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec

from engine.events import AttributeValue, TaskRow

Status = Literal["created", "pooled", "assigned", "in_progress"]

MAX_PRIORITY = 100


class Task(msgspec.Struct, gc=False):
    """Mutable, written only by ``engine.evolve``. ``gc=False``: it holds no cycles, and there may be millions."""

    number: int
    type: str
    business_type: str
    priority: int
    created_at: int
    """Milliseconds."""
    ages_from: int
    """What ageing counts from: its creation, or for all rows of a package alike the package's registration, so that
    the pace of an import decides nothing."""
    customer: str | None
    owner: str | None
    region: str | None
    columns: tuple[str, ...]
    """Names of ``attributes``, shared by all tasks of a package."""
    attributes: tuple[AttributeValue, ...]
    package: int | None = None
    status: Status = "created"
    rule: str | None = None
    version: int = 0
    """Of the rule set that put the task where it is."""
    stage: int = 0
    """Relax steps taken."""
    lane: tuple[AttributeValue, ...] = ()
    pooled_at: int = 0
    agent: str | None = None
    grant: int = 0
    """Position of the event that made the assignment in force; 0: nobody holds it."""
    given: bool = False
    """Whether any agent ever held it."""


def new_task(number: int, task_type: str, business_type: str, row: TaskRow, columns: tuple[str, ...], at: int) -> Task:
    """The task that a row describes, not yet in a pool."""
    return Task(
        number,
        task_type,
        business_type,
        row.priority,
        at,
        at,
        row.customer,
        row.owner,
        row.region,
        columns,
        row.attributes,
    )


def attribute(task: Task, name: str) -> AttributeValue:
    """A declared or built-in attribute by name, None where absent."""
    read = BUILT_IN.get(name)
    if read is not None:
        return read(task)
    try:
        return task.attributes[task.columns.index(name)]
    except ValueError:
        return None


BUILT_IN: dict[str, Callable[[Task], AttributeValue]] = {
    "type": lambda task: task.type,
    "business_type": lambda task: task.business_type,
    "priority": lambda task: task.priority,
    "region": lambda task: task.region,
    "owner": lambda task: task.owner,
    "customer": lambda task: task.customer,
    "package": lambda task: task.package,
}
"""Attributes that every task has without declaration. Region also when the rule document declares it."""
