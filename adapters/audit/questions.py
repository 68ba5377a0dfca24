"""Questions about a workspace that take long, each asked of a process of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, TypeVar

import msgspec

from adapters.audit.findings import Progress, Report
from adapters.audit.jobs import Job, run_job
from adapters.audit.rule_changes import DryRun
from engine.explain import Explanation
from engine.refusals import Refusal
from engine.rules.diff import RuleSetDiff
from engine.simulation import SimulationReport

T = TypeVar("T")


class Questions:
    """Raises JobFailedError where a process ends without an answer."""

    def __init__(self, dsn: str, workspace: str) -> None:
        self._dsn, self._workspace = dsn, workspace

    async def explain(self, task: int, grant: int) -> Explanation | Refusal:
        """Why a task went where it went (under this grant; 0: the last one), or why it waits."""
        return await self._either(Explanation, "explain", task=task, grant=grant)

    async def compare(self, before: str, after: str) -> RuleSetDiff:
        """What differs between two rule documents."""
        async for _, raw in self._lines("compare", before=before, after=after):
            if raw:
                return msgspec.json.decode(raw, type=RuleSetDiff)
        raise AssertionError("a job ends with a result or an error")

    async def dry_run(self, source: str) -> DryRun | Refusal:
        """What applying a rule document would do."""
        return await self._either(DryRun, "dry_run", source=source)

    async def verify(self) -> AsyncIterator[Progress | Report]:
        """Progress, and the report at the end."""
        async for progress, raw in self._lines("verify"):
            yield msgspec.json.decode(raw, type=Report) if raw else progress

    async def rebuild(self, view: str) -> AsyncIterator[Progress]:
        """Progress until the view built anew is in its place."""
        async for progress, raw in self._lines("rebuild", view=view):
            if not raw:
                yield progress

    async def simulate(self, source: str) -> AsyncIterator[Progress | SimulationReport | Refusal]:
        """Progress, and the report at the end."""
        async for progress, raw in self._lines("simulate", source=source):
            yield _either_of(SimulationReport, raw) if raw else progress

    async def _either(self, kind: type[T], job: str, **arguments: Any) -> T | Refusal:
        async for _, raw in self._lines(job, **arguments):
            if raw:
                return _either_of(kind, raw)
        raise AssertionError("a job ends with a result or an error")

    async def _lines(self, kind: str, **arguments: Any) -> AsyncIterator[tuple[Progress, bytes]]:
        """(progress so far, the result once it is there)"""
        progress = Progress(kind, 0, 0)
        async for line in run_job(Job(kind, self._dsn, self._workspace, arguments)):
            if line.progress:
                progress = msgspec.json.decode(line.progress, type=Progress)
            yield progress, bytes(line.result)


def _either_of(kind: type[T], raw: bytes) -> T | Refusal:
    """A refusal is told by the fields that only it has."""
    try:
        return msgspec.json.decode(raw, type=Refusal)
    except msgspec.ValidationError:
        return msgspec.json.decode(raw, type=kind)
