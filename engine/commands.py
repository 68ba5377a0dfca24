"""Everything that can be asked of a workspace. Names are VerbNoun; each has one function in engine/decide.

The shell adds time, actor and request id (``Order``); a command itself holds neither clock nor identity.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from engine.events import AgentSpec, AttributeValue, ColumnMapping, Person, RejectedRow, TaskRow
from engine.state.pool import LaneKey


class Command(msgspec.Struct, frozen=True, omit_defaults=True, tag=True):
    """A wish, to be granted or refused."""


# --- from operators and services -------------------------------------------------------------------------------------


class ApplyRules(Command, frozen=True):
    """Put a whole rule document in force as the next version."""

    source: str
    reason: str = ""
    expected_version: int | None = None
    """Refused if another version is in force: the dry run was made against this one."""


class ApplyRoster(Command, frozen=True):
    """Register agents or give them new data; ``prune`` removes those the roster does not name."""

    agents: tuple[AgentSpec, ...]
    prune: bool = False


class SetPresence(Command, frozen=True):
    agent: str
    presence: str
    reason: str = ""


class RegisterPackage(Command, frozen=True):
    """A spooled list is there to be imported."""

    segment: str
    uri: str
    spool: str
    digest: str
    size: int
    task_type: str
    business_type: str
    mapping: ColumnMapping
    priority: int = 0


class WithdrawPackage(Command, frozen=True):
    """Take back what is not yet in progress; what an agent has started goes on."""

    package: int
    reason: str = ""


class CreateTask(Command, frozen=True):
    task_type: str
    business_type: str
    attributes: dict[str, AttributeValue] = {}
    customer: str | None = None
    owner: str | None = None
    region: str | None = None
    priority: int | None = None
    """None: that of the task type."""
    person: Person | None = None


class CreateTasks(Command, frozen=True):
    """All of these, or none; they get numbers that follow each other."""

    tasks: tuple[CreateTask, ...]


class ClaimTask(Command, frozen=True):
    """The agent takes this task, or (task None) the first of the claim pools open to it."""

    agent: str
    task: int | None = None


class AcceptOffer(Command, frozen=True):
    task: int
    agent: str
    grant: int


class RejectOffer(Command, frozen=True):
    """The agent lets an offer pass; the next one is asked."""

    task: int
    agent: str
    grant: int
    note: str = ""


class StartTask(Command, frozen=True):
    task: int
    agent: str
    grant: int


class CompleteTask(Command, frozen=True):
    task: int
    agent: str
    grant: int
    wrap_up: dict[str, str] = {}


class CancelTask(Command, frozen=True):
    """``grant`` is that of the assignment in force, 0 for a task that waits."""

    task: int
    grant: int = 0
    reason: str = ""


class ReassignTask(Command, frozen=True):
    """A supervisor gives the task to an agent; ``grant`` as for CancelTask."""

    task: int
    agent: str
    grant: int = 0
    reason: str = ""


class ReprioritiseTask(Command, frozen=True):
    """A supervisor makes a task more urgent or less; ``grant`` as for CancelTask."""

    task: int
    priority: int
    grant: int = 0
    reason: str = ""


class ChangeDeadlines(Command, frozen=True):
    """A supervisor sets until when a task is to be begun and done (milliseconds since 1970 UTC, 0: as it is)."""

    task: int
    respond_by: int = 0
    resolve_by: int = 0
    grant: int = 0
    reason: str = ""


class CommentTask(Command, frozen=True):
    """Somebody says something about a task, whoever holds it."""

    task: int
    text: str


class Held(msgspec.Struct, frozen=True):
    """A task as its agent holds it; ``grant`` 0: nobody does."""

    task: int
    grant: int


class MergeTasks(Command, frozen=True):
    """A supervisor ends duplicates in favour of the task ``into``, all or none; grants as for CancelTask."""

    duplicates: tuple[Held, ...]
    into: int
    reason: str = ""


class HandOverTasks(Command, frozen=True):
    """An agent gives tasks out of hand, all or none: back to the pool, to another agent, or to another rule's pool."""

    agent: str
    tasks: tuple[Held, ...]
    note: str = ""
    to_agent: str = ""
    to_rule: str = ""


class LockTask(Command, frozen=True):
    """The agent keeps the task for so long, or from now for so long where it is locked already."""

    task: int
    agent: str
    grant: int
    period_ms: int
    note: str = ""


class UnlockTask(Command, frozen=True):
    task: int
    agent: str
    grant: int


class GiveFeedback(Command, frozen=True):
    """What the requester thinks of a completed task."""

    task: int
    satisfied: bool
    score: int = 0
    """1 to 5, 5 is best; 0: none."""
    note: str = ""


# --- from the importer -----------------------------------------------------------------------------------------------


class StartParsing(Command, frozen=True):
    package: int


class ImportRows(Command, frozen=True):
    """Chunk ``chunk`` (0, 1, 2 ...) of a package. A chunk already in is answered again and changes nothing."""

    package: int
    chunk: int
    columns: tuple[str, ...]
    rows: tuple[TaskRow, ...]
    persons: tuple[Person, ...] = ()
    rejected: tuple[RejectedRow, ...] = ()


class FinishParsing(Command, frozen=True):
    package: int
    chunks: int


class FailPackage(Command, frozen=True):
    package: int
    reason: str


# --- from the connector ----------------------------------------------------------------------------------------------


class FinishCallback(Command, frozen=True):
    """What came of asking outside; ``started`` is the position of the event that started it."""

    task: int
    started: int
    outcome: Literal["succeeded", "declined", "failed"]
    result: dict[str, str] = {}
    reason: str = ""
    attempts: int = 1


class FinishDelivery(Command, frozen=True):
    """What came of telling the result; ``made`` is the position of the event that ended the task."""

    task: int
    made: int
    delivered: bool
    reason: str = ""
    attempts: int = 1


# --- from the engine itself (engine/reactions.py) and the clock ------------------------------------------------------


class PoolPackage(Command, frozen=True):
    """Put the package's next ``limit`` tasks into pools."""

    package: int
    limit: int


class RepoolTasks(Command, frozen=True):
    """Ask the rules in force again for these tasks, as far as they wait."""

    tasks: tuple[int, ...]


class AllocateTasks(Command, frozen=True):
    """One allocation round of at most ``limit`` picks.

    ``lanes`` limits it to lanes that something happened to, ``among`` to agents with newly free capacity. ``at_rest``
    are those of ``lanes`` that nothing happened to but that agents came free: that they wait on is no news.
    """

    limit: int
    lanes: tuple[LaneKey, ...] | None = None
    among: tuple[str, ...] | None = None
    at_rest: frozenset[LaneKey] = frozenset()


class SettlePackages(Command, frozen=True):
    """Distribution came to rest: say so for these packages."""

    packages: tuple[int, ...]


class SweepPackage(Command, frozen=True):
    """Cancel the next ``limit`` tasks of a withdrawn package."""

    package: int
    limit: int


class Tick(Command, frozen=True):
    """Time has come: act on at most ``limit`` timers that are due."""

    limit: int


class Order(msgspec.Struct, frozen=True):
    """A command on its way into the workspace."""

    command: Command
    actor: str
    request: str = ""
    """Empty: the shell did not get one, so nothing is remembered of it."""
    correlation: str = ""
    trace: str = ""
    """W3C ``traceparent`` of the call, so that a trace runs on into the views and the messages."""
