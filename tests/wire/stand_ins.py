"""Stands in for work that other processes do: the wire is tested here, not what they find."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from adapters.audit.dry_run import dry_run
from adapters.audit.findings import Finding, Progress, Report
from adapters.audit.rule_changes import DryRun, compare_sources
from engine.explain import Explanation
from engine.refusals import Refusal, invalid, not_found
from engine.rules.diff import RuleSetDiff
from engine.simulation import SimulationReport
from engine.verdicts import AgentVerdict, RuleVerdict

EXPLANATION = Explanation(
    summary="A1 got it",
    decision_position=4,
    rule="pushed",
    version=1,
    agent="A1",
    picked_by="least_loaded",
    passed=("owner: none",),
    rules=(RuleVerdict("pushed", True, "days > 5"),),
    agents=(AgentVerdict("A1", True, True, "", 0), AgentVerdict("A2", False, False, "level", 2)),
    confirmed=True,
    interventions=("eve said: call 13800001234 (position 7)",),
    position=9,
)


class Questions:
    """Dry runs and comparisons are real; the rest is canned."""

    def __init__(self, dsn: str, workspace: str) -> None:
        self._dsn, self._workspace = dsn, workspace

    async def dry_run(self, source: str) -> DryRun | Refusal:
        return await asyncio.to_thread(dry_run, self._dsn, self._workspace, source)

    async def compare(self, before: str, after: str) -> RuleSetDiff:
        return compare_sources(before, after)

    async def explain(self, task: int, grant: int) -> Explanation | Refusal:
        if task > 1_000:
            return not_found("TASK_UNKNOWN", f"Expected a task, but there is no number {task}")
        if grant == 13:
            raise RuntimeError("secret")
        return EXPLANATION

    async def verify(self) -> AsyncIterator[Progress | Report]:
        yield Progress("chain", 1, 2)
        yield Report((Finding("chain", True, "whole"), Finding("tasks", False, "2 rows differ")), 2, "ab12", 2)

    async def rebuild(self, view: str) -> AsyncIterator[Progress]:
        yield Progress(view, 1, 2)
        yield Progress(view, 2, 2)

    async def simulate(self, source: str) -> AsyncIterator[Progress | SimulationReport | Refusal]:
        if source == "wrong":
            yield invalid("RULES_INVALID", "Expected a valid rule document")
            return
        yield Progress("simulate", 1, 2)
        yield SimulationReport(2, 3, 1, {"a": 2}, {"b": 2}, {"A1": 2}, {"A1": 1, "A2": 1}, {}, {"in_turn": 1}, {"X": 1})
