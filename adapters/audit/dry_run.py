"""What applying a rule document would do, worked out on the state that the log gives."""

from __future__ import annotations

from collections import Counter

from adapters.audit.rule_changes import DryRun, TaskMove
from adapters.log.event_log import EventLog
from engine.decide.judge import place_all
from engine.decide.rules import check
from engine.evolve import replay
from engine.refusals import Refusal
from engine.rules.diff import diff
from engine.rules.matcher import Matcher
from engine.rules.model import RuleSet
from engine.state import State


def dry_run(dsn: str, workspace: str, source: str) -> DryRun | Refusal:
    """Replays the log: for a process of its own. Raises LogUnavailableError."""
    log = EventLog(dsn, workspace)
    try:
        return rehearse(replay(State(workspace), log.replay()), source)
    finally:
        log.close()


def rehearse(state: State, source: str) -> DryRun | Refusal:
    """Which rules change, and which waiting tasks would come under another one."""
    checked = check(state, source)
    if isinstance(checked, Refusal):
        return checked
    waiting = [task for task in state.tasks.values() if task.status == "pooled"]
    moves = Counter(
        (task.rule or "", rule or "")
        for task, rule in zip(waiting, _governing(checked, state), strict=True)
        if task.rule != rule
    )
    ordered = tuple(TaskMove(before, after, count) for (before, after), count in sorted(moves.items()))
    return DryRun(state.version, state.position, diff(state.rule_set, checked), ordered, len(waiting))


def _governing(rule_set: RuleSet, state: State) -> list[str | None]:
    matcher = Matcher(rule_set, state.version + 1)
    try:
        waiting = (task for task in state.tasks.values() if task.status == "pooled")
        return [rule for rule, _ in place_all(matcher, rule_set, waiting)]
    finally:
        matcher.close()
