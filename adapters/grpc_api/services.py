"""What the servicers are given: the writer, the views, and work that other processes do for them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Protocol

from adapters.audit.findings import Progress, Report
from adapters.audit.rule_changes import DryRun
from adapters.importing.spool import Spool
from adapters.log.driven_clock import DrivenClock
from adapters.settings.limits import Limits
from adapters.views.queries import Queries
from engine.answers import Answer
from engine.commands import Order
from engine.events import Recorded
from engine.explain import Explanation
from engine.refusals import Refusal
from engine.rules.diff import RuleSetDiff
from engine.simulation import SimulationReport
from engine.state import State


class Writer(Protocol):
    """The workspace's one writer."""

    @property
    def position(self) -> int:
        """Of the last durable event."""

    async def submit(self, order: Order, until: float = inf) -> Answer | Refusal:
        """Resolves once the outcome is durable; ``until`` is the caller's deadline, in the event loop's seconds.

        Raises what ``foreign`` knows.
        """

    @property
    def state(self) -> State:
        """What the next decision rests on. Raises NotServingError."""

    @property
    def followers(self) -> list[Callable[[Sequence[Recorded]], None]]:
        """Called with events once they are durable, in order; they only take note, and never fail."""

    async def wait_beyond(self, position: int) -> int:
        """Resolves once the durable position is above this one."""


class Audit(Protocol):
    """Heavy reading of the log, done in another process so that no RPC waits for it."""

    async def explain(self, task: int, grant: int) -> Explanation | Refusal:
        """Of one assignment (0: the last one, or why the task waits now)."""

    def verify(self) -> AsyncIterator[Progress | Report]:
        """Progress, and the report at the end."""

    def rebuild(self, view: str) -> AsyncIterator[Progress]:
        """Progress until the view is back in service."""

    def simulate(self, source: str) -> AsyncIterator[Progress | SimulationReport | Refusal]:
        """Progress, and the report at the end; a refusal where the document is not valid."""

    async def compare(self, before: str, after: str) -> RuleSetDiff:
        """Two rule documents."""


@dataclass(frozen=True)
class Services:
    """One workspace, served."""

    workspace: str
    writer: Writer
    queries: Queries
    spool: Spool
    audit: Audit
    dry_run: Callable[[str], Awaitable[DryRun | Refusal]]
    """What applying a rule document would do."""
    limits: Limits = field(default_factory=Limits)
    clock: DrivenClock | None = None
    """In a rehearsal: what callers tell the time."""
