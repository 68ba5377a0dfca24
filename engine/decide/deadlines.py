"""Time limits of new work: counted from its creation, in its type's calendar, decided once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from engine.calendars import due
from engine.decide.judge import Placing
from engine.events import DeadlinesSet, DueStep
from engine.rules.model import EscalationStep
from engine.rules.policy import Policy, has_limits, policy_of
from engine.state import State, Task


def deadlines(state: State, tasks: Sequence[Task], placings: Sequence[Placing]) -> list[DeadlinesSet]:
    """For tasks that come under these rules and have no limits yet; what came together has the same."""
    rule_set = state.rule_set
    if rule_set is None or not has_limits(rule_set):
        return []
    policies: dict[tuple[str, str | None], Policy] = {}
    groups: dict[tuple[str, str | None, int], list[int]] = defaultdict(list)
    for task, (rule, _) in zip(tasks, placings, strict=True):
        if task.terms is not None:
            continue
        policy = policies.get((task.type, rule))
        if policy is None:
            policy = policies[task.type, rule] = policy_of(rule_set, task.type, state.governing.get(rule or ""))
        if policy.sla or policy.escalation:
            groups[task.type, rule, task.created_at].append(task.number)
    return [_set(policies[kind, rule], created_at, numbers) for (kind, rule, created_at), numbers in groups.items()]


def _set(policy: Policy, created_at: int, numbers: list[int]) -> DeadlinesSet:
    sla = policy.sla
    respond = (sla.respond_within_ms if sla else None) or 0
    resolve = (sla.resolve_within_ms if sla else None) or 0
    limits = {"respond_within": respond, "resolve_within": resolve}

    def at(within_ms: int) -> int:
        return due(policy.calendar, created_at, within_ms)

    steps = [DueStep(at(_within(step, limits)), place, step) for place, step in enumerate(policy.escalation)]
    return DeadlinesSet(
        tuple(numbers),
        at(respond) if respond else 0,
        at(resolve) if resolve else 0,
        tuple(sorted(steps, key=lambda due_step: due_step.at)),
    )


def _within(step: EscalationStep, limits: dict[str, int]) -> int:
    """Working time from creation until the step, in milliseconds."""
    if step.limit is None:
        return step.after_ms or 0
    return limits[step.limit] * step.share // 100
