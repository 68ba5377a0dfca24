"""A slow allocation round: every pick of a ``TasksAllocated`` is worked out again, with nothing but sorted lists."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from fractions import Fraction

from engine.commands import AllocateTasks
from engine.events import Recorded, TasksAllocated
from engine.rules.model import BY_ROUNDS, Rule
from engine.state import Agent, State, Task
from tests.simulation.judging import Lane, rising, within

MARGIN = Fraction(1, 1_000_000)
"""Urgencies nearer than this count as equal."""


class Desk:
    """An agent in the slow round."""

    def __init__(self, agent: Agent) -> None:
        self.agent, self.load, self.turn = agent, agent.load, agent.turn
        self.by_rule, self.turn_by_rule = Counter(agent.load_by_rule), Counter(agent.turn_by_rule)


_ORDERINGS: dict[str, Callable[[Desk, str], Fraction | int]] = {
    "least_loaded": lambda desk, rule: desk.load,
    "weighted": lambda desk, rule: Fraction(desk.load + 1, desk.agent.spec.weight),
    "round_robin": lambda desk, rule: desk.turn_by_rule[rule],
}


class SlowRound:
    def __init__(self, state: State, command: AllocateTasks, now: int) -> None:
        self.state, self.now, self.turn = state, now, state.turn
        self.among = None if command.among is None else set(command.among)
        self.desks = {agent.id: Desk(agent) for agent in state.agents.values()}
        self.last_agents = dict(state.last_agents)
        self.lanes = waiting(state, None if command.lanes is None else set(command.lanes))

    def check(self, event: TasksAllocated) -> None:
        for place, number in enumerate(event.tasks):
            task, pick = self.state.tasks[number], event.picks[event.how[place]]
            key = (task.rule, task.stage, task.lane)
            assert event.rules[event.under[place]] == task.rule, f"task {number} waits under {task.rule}"
            assert (event.until[event.under[place]] if event.until else 0) == self._until(task)
            assert self.lanes[key][0] is task, f"task {number} is not the first of its lane"
            self._nobody_is_more_urgent(key, task)
            self._best(key, task, event.agents[event.who[place]], pick.by, pick.passed)
            self._give(key, task, self.desks[event.agents[event.who[place]]])

    def _until(self, task: Task) -> int:
        """By when it has to be accepted, which a rule that offers says."""
        rule = self.state.governing[task.rule or ""]
        if rule.method != "offer" or rule.offer is None:
            return 0
        return self.now + (rule.offer.accept_within_ms or 0)

    def nobody_left(self) -> None:
        """After a round below its limit: what still waits can be placed nowhere."""
        for key in self.lanes:
            left = [] if rising(self.state, key) else self.candidates(key)
            assert not left, f"lane {key} waits, but {[desk.agent.id for desk in left]} could take from it"

    def candidates(self, key: Lane) -> list[Desk]:
        rule = self.state.governing[key[0] or ""]
        return [desk for desk in self.desks.values() if self._may(key, rule, desk)]

    def _may(self, key: Lane, rule: Rule, desk: Desk) -> bool:
        agent = desk.agent
        if self.among is not None and agent.id not in self.among:
            return False
        if agent.presence != "available" or desk.load >= agent.spec.capacity:
            return False
        if rule.cap_per_agent is not None and desk.by_rule[rule.id] >= rule.cap_per_agent:
            return False
        return within(self.state, key, agent, desk.load)

    def _nobody_is_more_urgent(self, key: Lane, task: Task) -> None:
        mine = urgency(self.state, task, self.now)
        for other, tasks in self.lanes.items():
            if other == key or rising(self.state, other):
                continue
            theirs = urgency(self.state, tasks[0], self.now)
            assert theirs <= mine + MARGIN or not self.candidates(other), f"{tasks[0].number} before {task.number}"

    def _best(self, key: Lane, task: Task, who: str, by: str, passed: tuple[str, ...]) -> None:
        candidates = self.candidates(key)
        assert who in {desk.agent.id for desk in candidates}, f"{who} may not take task {task.number}"
        if not rising(self.state, key):
            assert (who, by, passed) == self._choose(key, task, candidates)

    def _choose(self, key: Lane, task: Task, left: list[Desk]) -> tuple[str, str, tuple[str, ...]]:
        rule, region = self.state.governing[key[0] or ""], ""
        avoided = _avoided(task, left)
        passed: list[str] = []
        for name in rule.strategy:
            if name in ("owner", "last_agent"):
                wanted = task.owner if name == "owner" else self.last_agents.get(task.customer or "")
                if wanted in avoided:
                    passed.append(f"{name}: {avoided[wanted]}")
                    continue
                if wanted in {desk.agent.id for desk in left}:
                    return str(wanted), name, tuple(passed)
                passed.append(f"{name}: {self._why_not(key, rule, wanted, region)}")
            elif name == "region":
                served = [desk for desk in left if task.region in _regions(desk) and desk.agent.id not in avoided]
                if task.region and served:
                    left, region = served, task.region
                else:
                    passed.append("region: nobody with room" if task.region else "region: none")
        others = [desk for desk in left if desk.agent.id not in avoided]
        left = others or left
        orderings = [str(name) for name in rule.strategy if name in _ORDERINGS] or ["least_loaded"]
        best = min(left, key=lambda desk: self._place(desk, rule, orderings))
        return best.agent.id, "+".join([*(["region"] if region else []), *orderings]), tuple(passed)

    def _place(self, desk: Desk, rule: Rule, orderings: list[str]) -> list[Fraction | int]:
        return [*(_ORDERINGS[name](desk, rule.id) for name in orderings), desk.turn, desk.agent.index]

    def _why_not(self, key: Lane, rule: Rule, wanted: str | None, region: str) -> str:
        desk = self.desks.get(wanted or "")
        if desk is None:
            return "not in the roster" if wanted else "none"
        if not within(self.state, key, desk.agent, desk.agent.load):
            return "outside the targets"
        if region and region not in _regions(desk):
            return "outside the region"
        if desk.agent.presence != "available":
            return desk.agent.presence
        if desk.load >= desk.agent.spec.capacity:
            return "at capacity"
        capped = rule.cap_per_agent is not None and desk.by_rule[rule.id] >= rule.cap_per_agent
        return "at rule cap" if capped else "outside the targets"

    def _give(self, key: Lane, task: Task, desk: Desk) -> None:
        self.turn += 1
        desk.load, desk.turn = desk.load + 1, self.turn
        desk.by_rule[task.rule] += 1
        desk.turn_by_rule[task.rule] = self.turn
        if task.customer and not self._until(task):
            self.last_agents[task.customer] = desk.agent.id
        self.lanes[key].pop(0)
        if not self.lanes[key]:
            del self.lanes[key]


def check_round(state: State, command: AllocateTasks, recorded: Recorded) -> None:
    """``state`` is as it was before the round."""
    event = recorded.event
    assert isinstance(event, TasksAllocated)
    assert (event.round, event.rule_set_version) == (state.rounds + 1, state.version)
    assert event.among == command.among and 0 < len(event.tasks) <= command.limit
    slow = SlowRound(state, command, recorded.at)
    slow.check(event)
    if len(event.tasks) < command.limit:
        slow.nobody_left()


def waiting(state: State, keys: set[Lane] | None) -> dict[Lane, list[Task]]:
    """Push lanes as they should be, from the tasks alone."""
    lanes: dict[Lane, list[Task]] = defaultdict(list)
    for task in state.tasks.values():
        rule = state.governing.get(task.rule or "") if task.status == "pooled" else None
        if rule is None or rule.method not in BY_ROUNDS or is_aside(state, task):
            continue
        if keys is None or _key(task) in keys:
            lanes[_key(task)].append(task)
    for tasks in lanes.values():
        tasks.sort(key=lambda task: (-urgency(state, task, state.at), task.number))
    return dict(lanes)


def is_aside(state: State, task: Task) -> bool:
    """Whether its rule's agents let it pass so often that only a supervisor gives it away."""
    rule, asking = state.governing.get(task.rule or ""), task.marks.asking if task.marks else None
    return (
        rule is not None
        and rule.method == "offer"
        and asking is not None
        and asking.rule == rule.id
        and asking.set_aside
    )


def all_aside(state: State, key: Lane) -> bool:
    return all(is_aside(state, state.tasks[number]) for number in state.lanes[key].numbers())


def _avoided(task: Task, candidates: list[Desk]) -> dict[str | None, str]:
    """Who is passed over, and why: all that let it pass, as long as anybody else is left; then the last of them."""
    marks = task.marks
    if marks is None:
        return {}
    last = {marks.avoid: "gave it back"} if marks.avoid else {}
    asking = marks.asking if marks.asking is not None and marks.asking.rule == task.rule else None
    all_ = last | dict.fromkeys(asking.let_pass if asking else (), "let it pass")
    return all_ if any(desk.agent.id not in all_ for desk in candidates) else last


def urgency(state: State, task: Task, now: int) -> Fraction:
    """Priority and a step for each ``ageing`` of waiting; more is more urgent."""
    return task.priority + Fraction(now - task.ages_from, state.governing[task.rule or ""].ageing_ms)


def _key(task: Task) -> Lane:
    return (task.rule, task.stage, task.lane)


def _regions(desk: Desk) -> tuple[object, ...]:
    regions = desk.agent.spec.attributes["regions"]
    return regions if isinstance(regions, tuple) else ()
