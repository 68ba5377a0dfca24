"""The workspace's whole state, in memory. Only ``engine.evolve`` writes it; replaying the log gives it again."""

from __future__ import annotations

import msgspec

from engine.answers import Answer
from engine.rules.model import DEFAULT_AGEING_MS, Rule, RuleSet
from engine.state.agent import Agent
from engine.state.calls import Calls
from engine.state.package import Package
from engine.state.pool import Lane, LaneKey
from engine.state.task import Task
from engine.state.timers import Timers

__all__ = ["REMEMBERED_REQUESTS", "Agent", "Lane", "LaneKey", "Package", "State", "Task", "Timers", "lane_key"]

REMEMBERED_REQUESTS = 200_000
"""Request ids whose answers are kept, oldest forgotten first."""


class State(msgspec.Struct):
    """One workspace. Counters make the ids, so a replay makes the same ones."""

    workspace: str
    position: int = 0
    at: int = 0
    """Time of the last event, in milliseconds; time never runs backwards in a log."""
    rule_sets: dict[int, RuleSet] = {}
    version: int = 0
    """Of the rule set in force; 0: none yet."""
    governing: dict[str, Rule] = {}
    """Rules in force by id."""
    agents: dict[str, Agent] = {}
    agents_seen: int = 0
    roster_version: int = 0
    """Rises with every change of who the agents are, not of what they do."""
    tasks: dict[int, Task] = {}
    last_task: int = 0
    packages: dict[int, Package] = {}
    last_package: int = 0
    package_by_digest: dict[str, int] = {}
    lanes: dict[LaneKey, Lane] = {}
    """Lanes with tasks in them."""
    timers: Timers = msgspec.field(default_factory=Timers)
    calls: Calls = msgspec.field(default_factory=Calls)
    """Who outside is being asked or told."""
    rounds: int = 0
    turn: int = 0
    """Picks made."""
    last_agents: dict[str, str] = {}
    """Customer -> the agent who last had work of this customer."""
    requests: dict[str, Answer] = {}
    eased: dict[str, int] = {}
    """Agent -> when it last came to hold less or changed presence, counted in such events; newest last. What is
    remembered of agents' standing from round to round is corrected by it (engine/decide/standing.py)."""
    easings: int = 0

    @property
    def rule_set(self) -> RuleSet | None:
        """The rules in force."""
        return self.rule_sets.get(self.version)

    def ageing_of(self, rule_id: str | None) -> int:
        """Milliseconds of waiting that are worth one priority step under this rule."""
        rule = self.governing.get(rule_id) if rule_id else None
        return rule.ageing_ms if rule else DEFAULT_AGEING_MS

    def rule_of(self, task: Task) -> Rule | None:
        """The task's rule as in force, or, if it is gone, as it was when the task came under it."""
        if task.rule is None:
            return None
        rule = self.governing.get(task.rule)
        if rule is not None:
            return rule
        known = self.rule_sets.get(task.version)
        return known.rule(task.rule) if known else None


def lane_key(task: Task) -> LaneKey:
    """The lane a waiting task stands in."""
    return task.place.key
