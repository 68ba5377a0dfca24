"""A new rule set: what it governs is decided by the commands that follow; here only the order inside lanes changes."""

from __future__ import annotations

from engine import events as ev
from engine.rules.model import DEFAULT_AGEING_MS, Rule
from engine.state import Lane, State
from engine.state.order import Order
from engine.state.pool import starts_of


def rule_set_applied(state: State, event: ev.RuleSetApplied, _recorded: ev.Recorded) -> None:
    before = state.governing
    state.rule_sets[event.version] = event.rule_set
    state.version = event.version
    state.governing = {rule.id: rule for rule in event.rule_set.rules}
    for lane in state.lanes.values():
        rule = lane.key[0] or ""
        if _ageing(before.get(rule)) != _ageing(state.governing.get(rule)):
            _rank_again(state, lane)


def _ageing(rule: Rule | None) -> int:
    return rule.ageing_ms if rule else DEFAULT_AGEING_MS


def _rank_again(state: State, lane: Lane) -> None:
    tasks = [state.tasks[number] for number in lane.numbers()]
    lane.order = Order()
    lane.order.add(starts_of(tasks, state.ageing_of(lane.key[0])))
