"""New tasks: about those whose type has a callback somebody outside is asked first, the others go into pools."""

from __future__ import annotations

from collections import defaultdict

from engine import events as ev
from engine.answers import Answer
from engine.commands import PoolPackage
from engine.decide.context import Context
from engine.decide.pooling import pooled
from engine.rules.model import Callback
from engine.rules.policy import has_callbacks, policy_of
from engine.state import State, Task

GRACE_MS = 120_000
"""Beyond the patience of a callback: for its turn in the connector, and for a connector to be started again."""


def arrived(
    state: State, tasks: list[Task], context: Context, package: int | None = None, through: int = 0
) -> list[ev.Event]:
    """What becomes of new tasks. ``package``, ``through``: of rows, which are all of one type."""
    asked = _asked_first(state, tasks)
    events: list[ev.Event] = [
        ev.CallbacksStarted(
            tuple(task.number for task in some), callback, context.now + callback.patience_ms + GRACE_MS, package,
            through,
        )
        for callback, some in asked.items()
    ]  # fmt: skip
    first = {task.number for some in asked.values() for task in some}
    rest = [task for task in tasks if task.number not in first] if first else tasks
    if first and not rest:
        return events
    placings = [context.judge.place(state, rest[0])] if len(rest) == 1 else context.judge.placing(state, rest)
    return [*events, *pooled(state, rest, placings, package, through)]


def pool_package(state: State, command: PoolPackage, context: Context) -> list[ev.Event] | Answer:
    package = state.packages[command.package]
    if package.status not in ("parsed", "distributing"):
        return Answer(state.position, changed=False)
    events: list[ev.Event] = []
    if package.status == "parsed":
        events.append(ev.PackageDistributing(command.package, state.version))
    numbers = package.tasks_after(package.pooled_through, command.limit)
    if numbers:
        tasks = [task for task in map(state.tasks.get, numbers) if task is not None]
        events += arrived(state, tasks, context, command.package, numbers[-1])
    return events or Answer(state.position, changed=False)


def _asked_first(state: State, tasks: list[Task]) -> dict[Callback, list[Task]]:
    rule_set = state.rule_set
    if rule_set is None or not has_callbacks(rule_set):
        return {}
    asked: dict[Callback, list[Task]] = defaultdict(list)
    for task in tasks:
        callback = policy_of(rule_set, task.type, None).callback
        if callback is not None:
            asked[callback].append(task)
    return dict(asked)
