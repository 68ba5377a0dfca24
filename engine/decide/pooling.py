"""Tasks go into pools: a package's rows, waiting tasks under new rules, tasks whose relax step is due, and
what comes back from agents."""

from __future__ import annotations

from collections import defaultdict

from engine import events as ev
from engine.answers import Answer
from engine.commands import PoolPackage, RepoolTasks
from engine.decide.context import Context
from engine.decide.deadlines import deadlines
from engine.decide.judge import Placing
from engine.rules.model import Rule
from engine.state import State, Task


def pool_package(state: State, command: PoolPackage, context: Context) -> list[ev.Event] | Answer:
    package = state.packages[command.package]
    if package.status not in ("parsed", "distributing"):
        return Answer(state.position, changed=False)
    events: list[ev.Event] = []
    if package.status == "parsed":
        events.append(ev.PackageDistributing(command.package, state.version))
    numbers = package.tasks_after(package.pooled_through, command.limit)
    if numbers:
        through = numbers[-1]
        tasks = [task for task in map(state.tasks.get, numbers) if task is not None]
        placings = context.judge.placing(state, tasks)
        events.append(ev.TasksPooled(state.version, placements_of(tasks, placings), command.package, through))
        events += deadlines(state, tasks, [rule for rule, _ in placings])
    return events or Answer(state.position, changed=False)


def repool(state: State, command: RepoolTasks, context: Context) -> list[ev.Event] | Answer:
    tasks = [task for task in map(state.tasks.get, command.tasks) if task is not None and task.status == "pooled"]
    return pooled_elsewhere(state, tasks, context) or Answer(state.position, changed=False)


def pooled_elsewhere(state: State, tasks: list[Task], context: Context) -> list[ev.Event]:
    """Waiting tasks, as far as they belong elsewhere, go there; who comes under time limits by it gets them."""
    moved = misplaced(state, tasks, context)
    if not moved:
        return []
    return [_pooled(state, moved), *deadlines(state, [task for task, _ in moved], [rule for _, (rule, _) in moved])]


def misplaced(state: State, tasks: list[Task], context: Context) -> list[tuple[Task, Placing]]:
    """Waiting tasks that the rules in force would put elsewhere, or for whom waiting begins anew; and where to."""
    changed = _RuleChanges(state)
    return [
        (task, placing)
        for task, placing in zip(tasks, context.judge.placing(state, tasks), strict=True)
        if placing != (task.rule, task.lane) or changed.since(task)
    ]


def placements_of(tasks: list[Task], placings: list[Placing]) -> tuple[ev.Placement, ...]:
    """Tasks grouped by where they go."""
    groups: dict[tuple[Placing, int], list[int]] = defaultdict(list)
    for task, placing in zip(tasks, placings, strict=True):
        groups[placing, _stage(task, placing)].append(task.number)
    return tuple(ev.Placement(rule, tuple(numbers), lane, stage) for ((rule, lane), stage), numbers in groups.items())


def _stage(task: Task, placing: Placing) -> int:
    """Where an escalation has sent a task to others it stays with them, as long as it is under the same rule."""
    return task.stage if task.stage < 0 and placing[0] == task.rule else 0


class _RuleChanges:
    """Whether who may take a task was written differently when it was pooled; its waiting then begins anew."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._known: dict[tuple[int, str], bool] = {}

    def since(self, task: Task) -> bool:
        if task.rule is None or task.version == self._state.version:
            return False
        key = (task.version, task.rule)
        if key not in self._known:
            before = self._state.rule_sets[task.version].rule(task.rule)
            now = self._state.governing.get(task.rule)
            self._known[key] = before is None or now is None or _who(before) != _who(now)
        return self._known[key]


def _who(rule: Rule) -> tuple[object, ...]:
    return (rule.targets, rule.relax, rule.lane_attributes)


def relax(state: State, due: list[Task], context: Context) -> list[ev.Event]:
    """Tasks whose relax step is due take it; those still on their way to new rules begin to wait there instead."""
    moved = misplaced(state, [task for task in due if task.version != state.version], context)
    elsewhere = {task.number for task, _ in moved}
    groups: dict[tuple[str, int], list[int]] = defaultdict(list)
    for task in due:
        if task.number not in elsewhere:
            groups[task.rule or "", task.stage + 1].append(task.number)
    events: list[ev.Event] = [ev.TasksRelaxed(rule, stage, tuple(numbers)) for (rule, stage), numbers in groups.items()]
    if moved:
        events.append(_pooled(state, moved))
    return events


def pooled_again(state: State, tasks: list[Task], context: Context) -> ev.TasksPooled:
    """Tasks that come back, each into the pool where the rules in force want it."""
    return ev.TasksPooled(state.version, placements_of(tasks, context.judge.placing(state, tasks)))


def _pooled(state: State, moved: list[tuple[Task, Placing]]) -> ev.TasksPooled:
    return ev.TasksPooled(state.version, placements_of([task for task, _ in moved], [placing for _, placing in moved]))
