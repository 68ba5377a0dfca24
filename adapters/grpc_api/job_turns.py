"""Jobs take turns: each is a process that replays the log, so a few run at a time and some more wait."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import TypeVar, cast

from adapters.audit.findings import Progress, Report
from adapters.audit.rule_changes import DryRun
from adapters.grpc_api.gates import Turns
from adapters.grpc_api.services import Services
from engine.explain import Explanation
from engine.refusals import Refusal
from engine.rules.diff import RuleSetDiff
from engine.simulation import SimulationReport

T = TypeVar("T")


class JobTurns:
    """``Audit`` and dry runs of ``services``, in turn. All raise Failure where too many jobs are asked for."""

    def __init__(self, services: Services) -> None:
        limits = services.limits
        self._audit, self._dry_run = services.audit, services.dry_run
        self.turns = Turns("jobs", limits.jobs, limits.jobs_waiting, limits.job_wait_s)

    async def explain(self, task: int, grant: int) -> Explanation | Refusal:
        """Of one assignment."""
        async with self.turns.turn():
            return await self._audit.explain(task, grant)

    async def compare(self, before: str, after: str) -> RuleSetDiff:
        """Two rule documents."""
        async with self.turns.turn():
            return await self._audit.compare(before, after)

    async def dry_run(self, source: str) -> DryRun | Refusal:
        """What applying a rule document would do."""
        async with self.turns.turn():
            return await self._dry_run(source)

    def verify(self) -> AsyncIterator[Progress | Report]:
        """Progress, and the report at the end."""
        return self._in_turn(self._audit.verify())

    def rebuild(self, view: str) -> AsyncIterator[Progress]:
        """Progress until the view is back in service."""
        return self._in_turn(self._audit.rebuild(view))

    def simulate(self, source: str) -> AsyncIterator[Progress | SimulationReport | Refusal]:
        """Progress, and the report at the end."""
        return self._in_turn(self._audit.simulate(source))

    async def _in_turn(self, job: AsyncIterator[T]) -> AsyncIterator[T]:
        """The job begins with the first step asked for, and ends with its caller."""
        async with self.turns.turn(), aclosing(cast(AsyncGenerator[T, None], job)) as steps:
            async for step in steps:
                yield step
