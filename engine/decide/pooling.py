"""Tasks go into pools: new ones, waiting tasks under new rules or for wider targets, what comes back."""

from __future__ import annotations

from collections import defaultdict

from engine import events as ev
from engine.answers import Answer
from engine.commands import RepoolTasks
from engine.decide.context import Context
from engine.decide.deadlines import deadlines
from engine.decide.judge import Placing
from engine.rules.lanes import targets_at
from engine.rules.model import Rule
from engine.rules.policy import escalation_of
from engine.state import State, Task


def repool(state: State, command: RepoolTasks, context: Context) -> list[ev.Event] | Answer:
    tasks = [task for task in map(state.tasks.get, command.tasks) if task is not None and task.status == "pooled"]
    return pooled_elsewhere(state, tasks, context) or Answer(state.position, changed=False)


def pooled_elsewhere(state: State, tasks: list[Task], context: Context) -> list[ev.Event]:
    """Waiting tasks, as far as they belong elsewhere, go there; who comes under time limits by it gets them."""
    moved = misplaced(state, tasks, context)
    if not moved:
        return []
    return pooled(state, *_unzipped(moved))


def misplaced(state: State, tasks: list[Task], context: Context) -> list[tuple[Task, Placing]]:
    """Waiting tasks that the rules in force would put elsewhere, or for whom waiting begins anew; and where to."""
    changed = _RuleChanges(state)
    return [
        (task, placing)
        for task, placing in zip(tasks, context.judge.placing(state, tasks), strict=True)
        if placing != (task.rule, task.lane) or changed.since(task) or _restaged(state, task)
    ]


def pooled(
    state: State, tasks: list[Task], placings: list[Placing], package: int | None = None, through: int = 0
) -> list[ev.Event]:
    """Tasks go where they belong; those that come under time limits for the first time have them from now on.

    ``package``, ``through``: of rows that go into pools for the first time.
    """
    event = ev.TasksPooled(state.version, placements_of(state, tasks, placings), package, through)
    return [event, *deadlines(state, tasks, placings)]


def placements_of(state: State, tasks: list[Task], placings: list[Placing]) -> tuple[ev.Placement, ...]:
    """Tasks grouped by where they go."""
    groups: dict[Placing, list[int]] = defaultdict(list)
    escalated: dict[tuple[Placing, int], list[int]] = defaultdict(list)
    for task, placing in zip(tasks, placings, strict=True):
        if task.place.key[1] < 0:
            escalated[placing, stage_kept(state, task, placing[0])].append(task.number)
        else:
            groups[placing].append(task.number)
    placements = [ev.Placement(rule, tuple(numbers), lane) for (rule, lane), numbers in groups.items()]
    for ((rule, lane), stage), numbers in escalated.items():
        placements.append(ev.Placement(rule, tuple(numbers), lane, stage))
    return tuple(placements)


def stage_kept(state: State, task: Task, rule_id: str | None) -> int:
    """Where an escalation has sent a task to others it stays with them, as long as its rule has that step."""
    if rule_id is None or rule_id != task.rule or state.rule_set is None:
        return 0
    before = state.rule_sets[task.version]
    then = before.rule(rule_id)
    return 0 if then is None else stage_to(state, rule_id, targets_at(before, then, task.stage))


def stage_to(state: State, rule_id: str | None, reassign: str | None) -> int:
    """The stage of the step by which this rule gives work to such agents, below 0; 0: it has none."""
    rule = state.governing.get(rule_id or "")
    if reassign is None or rule is None or state.rule_set is None:
        return 0
    steps = [step.reassign for step in escalation_of(state.rule_set, rule)]
    return -1 - steps.index(reassign) if reassign in steps else 0


def _restaged(state: State, task: Task) -> bool:
    """Whether the step that sent it to others stands elsewhere in the rule by now, or not at all."""
    return task.stage < 0 and task.version != state.version and stage_kept(state, task, task.rule) != task.stage


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
    return events + (pooled(state, *_unzipped(moved)) if moved else [])


def pooled_again(state: State, tasks: list[Task], context: Context) -> list[ev.Event]:
    """Tasks that come back, each into the pool where the rules in force want it."""
    return pooled(state, tasks, context.judge.placing(state, tasks))


def _unzipped(moved: list[tuple[Task, Placing]]) -> tuple[list[Task], list[Placing]]:
    return [task for task, _ in moved], [placing for _, placing in moved]
