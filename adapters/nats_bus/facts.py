"""What is published: one struct a kind of fact. Its JSON is the ``data`` of a CloudEvent; schemas are made from here.

A kind that was released is never edited: a change is a new struct with the next version beside it.
Personal data stands in ``MaskedPerson`` only; free text has long numbers masked.
"""

from __future__ import annotations

from typing import ClassVar

import msgspec

from engine.events import AttributeValue


class Fact(msgspec.Struct, frozen=True, omit_defaults=True):
    """A fact. ``kind`` is entity and name: two tokens of the subject, and the middle of the CloudEvents type."""

    kind: ClassVar[str]
    version: ClassVar[int] = 1


class MaskedPerson(msgspec.Struct, frozen=True, omit_defaults=True):
    """The customer as far as a message may show him: 王*, 138****1234, 320***********1234."""

    name: str | None = None
    mobile: str | None = None
    id_card: str | None = None


# --- rules, agents ----------------------------------------------------------------------------------------------------


class RuleSetApplied(Fact, frozen=True):
    """A rule set version is in force. The document itself is to be had over gRPC."""

    kind: ClassVar[str] = "rule_set.applied"
    rule_set_version: int
    rules: tuple[str, ...]
    """Ids, in the order they are asked."""
    reason: str = ""


class AgentRegistered(Fact, frozen=True):
    """An agent is new, or has new data. ``presence`` counts only where he is new."""

    kind: ClassVar[str] = "agent.registered"
    agent: str
    name: str
    team: str
    capacity: int
    weight: int
    presence: str
    attributes: dict[str, AttributeValue] = {}


class AgentRemoved(Fact, frozen=True):
    """An agent has left the roster; he held nothing."""

    kind: ClassVar[str] = "agent.removed"
    agent: str


class AgentPresenceChanged(Fact, frozen=True):
    """An agent is available, busy, away or offline."""

    kind: ClassVar[str] = "agent.presence_changed"
    agent: str
    presence: str
    reason: str = ""


# --- packages ---------------------------------------------------------------------------------------------------------


class PackageRegistered(Fact, frozen=True):
    """A list was handed in."""

    kind: ClassVar[str] = "package.registered"
    package: int
    segment: str
    digest: str
    """SHA-256 of content, mapping and task type."""
    size: int
    """Bytes."""
    task_type: str
    business_type: str
    priority: int = 0


class PackageParsingStarted(Fact, frozen=True):
    """Its rows are being read."""

    kind: ClassVar[str] = "package.parsing_started"
    package: int


class PackageRowRejected(Fact, frozen=True):
    """A source row was set aside. Its text is not published."""

    kind: ClassVar[str] = "package.row_rejected"
    package: int
    line: int
    column: str
    reason: str


class PackageParsed(Fact, frozen=True):
    """All its rows are tasks now, or were set aside."""

    kind: ClassVar[str] = "package.parsed"
    package: int
    rows: int
    rejected: int


class PackageDistributing(Fact, frozen=True):
    """Its tasks begin to go into pools."""

    kind: ClassVar[str] = "package.distributing"
    package: int
    rule_set_version: int


class PackageDistributed(Fact, frozen=True):
    """Distribution came to rest. ``waiting``: reason -> rows; absent where every row has an agent."""

    kind: ClassVar[str] = "package.distributed"
    package: int
    distributed: int
    waiting: dict[str, int] = {}


class PackageFailed(Fact, frozen=True):
    """It could not be read."""

    kind: ClassVar[str] = "package.failed"
    package: int
    reason: str


class PackageWithdrawn(Fact, frozen=True):
    """Its sender took it back; its open tasks are cancelled one by one."""

    kind: ClassVar[str] = "package.withdrawn"
    package: int
    reason: str = ""


# --- tasks ------------------------------------------------------------------------------------------------------------


class TaskCreated(Fact, frozen=True):
    """A task has come: alone, or as a row of a package (then with ``package`` and ``line``)."""

    kind: ClassVar[str] = "task.created"
    task: int
    task_type: str
    business_type: str
    priority: int
    attributes: dict[str, AttributeValue]
    """Those that are present."""
    package: int | None = None
    line: int | None = None
    customer: str | None = None
    owner: str | None = None
    region: str | None = None
    person: MaskedPerson | None = None


class TaskPooled(Fact, frozen=True):
    """A task waits under a rule; without ``rule``: none governs it."""

    kind: ClassVar[str] = "task.pooled"
    task: int
    rule_set_version: int
    rule: str | None = None
    package: int | None = None


class TaskRelaxed(Fact, frozen=True):
    """A task has waited long enough for its rule's wider targets."""

    kind: ClassVar[str] = "task.relaxed"
    task: int
    rule: str
    stage: int
    package: int | None = None


class TaskAssigned(Fact, frozen=True):
    """An agent holds a task: given to him, claimed by him, or put into his hands by a supervisor or another agent."""

    kind: ClassVar[str] = "task.assigned"
    task: int
    agent: str
    grant: int
    """Whoever starts or completes the task names it."""
    method: str
    """``push``, ``claim`` or ``manual``."""
    rule_set_version: int
    rule: str | None = None
    package: int | None = None
    round: int | None = None
    picked_by: str | None = None
    """The strategy that decided; of a push."""
    passed: tuple[str, ...] = ()
    """Strategies that fell through before, each with its reason."""
    reason: str = ""
    """A supervisor's, or the note of who handed it over."""


class TaskOffered(Fact, frozen=True):
    """An agent is asked whether he takes a task; until he answers it has a place in his hands."""

    kind: ClassVar[str] = "task.offered"
    task: int
    agent: str
    grant: int
    """Whoever accepts or rejects the offer names it; it is that of the assignment, once it is accepted."""
    until: str
    """RFC 3339; by then he has to accept."""
    rule_set_version: int
    rule: str
    package: int | None = None
    round: int | None = None
    picked_by: str | None = None
    passed: tuple[str, ...] = ()
    """Strategies that fell through before, each with its reason."""


class TaskOfferAccepted(Fact, frozen=True):
    """The agent holds the task that he was offered."""

    kind: ClassVar[str] = "task.offer_accepted"
    task: int
    agent: str
    grant: int
    package: int | None = None


class TaskOfferReturned(Fact, frozen=True):
    """An offer came to nothing. The same moment's ``task.pooled`` says where the task waits."""

    kind: ClassVar[str] = "task.offer_returned"
    task: int
    agent: str
    """Who was asked."""
    cause: str
    """``rejected``, ``timed_out``, ``agent_offline`` or ``agent_removed``."""
    note: str = ""
    """Of the agent who rejected."""
    package: int | None = None


class TaskTakenAway(Fact, frozen=True):
    """An agent no longer holds a task: it was given to another. The same moment's ``task.assigned`` names that one."""

    kind: ClassVar[str] = "task.taken_away"
    task: int
    agent: str
    given_to: str
    package: int | None = None
    reason: str = ""


class TaskStarted(Fact, frozen=True):
    """The agent works on it."""

    kind: ClassVar[str] = "task.started"
    task: int
    agent: str
    grant: int
    package: int | None = None


class TaskCompleted(Fact, frozen=True):
    """The agent is done with it."""

    kind: ClassVar[str] = "task.completed"
    task: int
    agent: str
    grant: int
    package: int | None = None
    wrap_up: dict[str, str] = {}
    closes_at: str | None = None
    """RFC 3339. Its requester's opinion is awaited till then; ``task.closed`` or ``task.reopened`` follows."""


class TaskCancelled(Fact, frozen=True):
    """A task was taken out; ``agent``: who held it until then."""

    kind: ClassVar[str] = "task.cancelled"
    task: int
    agent: str | None = None
    package: int | None = None
    reason: str = ""


class TaskRecycled(Fact, frozen=True):
    """A task that nobody had begun was taken from its agent. The same moment's ``task.pooled`` says where it waits."""

    kind: ClassVar[str] = "task.recycled"
    task: int
    agent: str
    """Who held it until then."""
    cause: str
    """``not_started`` in its rule's time, ``agent_offline`` or ``agent_removed``."""
    package: int | None = None


class TaskHandedOver(Fact, frozen=True):
    """An agent gave a task out of hand. The same moment's ``task.pooled`` or ``task.assigned`` says where it went."""

    kind: ClassVar[str] = "task.handed_over"
    task: int
    agent: str
    """Who held it until then."""
    priority: int
    """Its priority from now on."""
    to_agent: str | None = None
    """Whom he wanted to have it; he has it."""
    to_rule: str | None = None
    """Into whose pool he wanted it to go."""
    note: str = ""
    package: int | None = None


class TaskEscalated(Fact, frozen=True):
    """A limit was reached: a supervisor should look at the task. It is not recycled any more."""

    kind: ClassVar[str] = "task.escalated"
    task: int
    reason: str
    """``recycle_limit``, ``handover_limit``, ``reopen_limit``; the requester was ``unsatisfied``; or ``offer_rounds``:
    it is not offered any more either."""
    package: int | None = None


class TaskDeadlinesSet(Fact, frozen=True):
    """Until when a task is to be begun and done."""

    kind: ClassVar[str] = "task.deadlines_set"
    task: int
    respond_by: str | None = None
    """RFC 3339."""
    resolve_by: str | None = None
    package: int | None = None


class TaskEscalationStepTaken(Fact, frozen=True):
    """A step of the escalation fell due. ``reassigned``: it waits for others now; ``task.pooled`` says where."""

    kind: ClassVar[str] = "task.escalation_step_taken"
    task: int
    place: int
    """Of the step in the escalation as written, from 0."""
    agent: str | None = None
    """Who held it at that moment."""
    notify: str | None = None
    """Whom the step wants to know of it, as the rule calls him."""
    priority: int | None = None
    """From now on, where the step raised it."""
    overdue: bool = False
    reassigned: bool = False
    package: int | None = None


class TaskReprioritised(Fact, frozen=True):
    """A supervisor made a task more urgent or less. The same moment's ``task.pooled`` says where it waits by that."""

    kind: ClassVar[str] = "task.reprioritised"
    task: int
    priority: int
    """From now on."""
    before: int
    agent: str | None = None
    """Who holds it."""
    reason: str = ""
    package: int | None = None


class TaskDeadlinesChanged(Fact, frozen=True):
    """A supervisor set until when a task is to be begun and done. Absent: it has no such limit."""

    kind: ClassVar[str] = "task.deadlines_changed"
    task: int
    respond_by: str | None = None
    """RFC 3339."""
    resolve_by: str | None = None
    agent: str | None = None
    """Who holds it."""
    reason: str = ""
    package: int | None = None


class TaskCommented(Fact, frozen=True):
    """Somebody, the event's actor, said something about a task. It changes nothing of it."""

    kind: ClassVar[str] = "task.commented"
    task: int
    text: str
    agent: str | None = None
    """Who holds it."""
    package: int | None = None


class TaskMerged(Fact, frozen=True):
    """A duplicate ended: the task ``into`` goes on in its place. ``agent``: who held it until then."""

    kind: ClassVar[str] = "task.merged"
    task: int
    into: int
    agent: str | None = None
    package: int | None = None
    reason: str = ""


class TaskDuplicatesMerged(Fact, frozen=True):
    """A task goes on for its duplicates. The same moment's ``task.pooled`` says where it waits by its priority."""

    kind: ClassVar[str] = "task.duplicates_merged"
    task: int
    duplicates: tuple[int, ...]
    priority: int
    """From now on: the highest of them all."""
    agent: str | None = None
    """Who holds it."""
    package: int | None = None
    reason: str = ""


class TaskLocked(Fact, frozen=True):
    """The agent keeps the task until then, whatever else would take it away. Also when a lock is renewed."""

    kind: ClassVar[str] = "task.locked"
    task: int
    agent: str
    grant: int
    until: str
    """RFC 3339; at that moment it is unlocked."""
    note: str = ""
    package: int | None = None


class TaskUnlocked(Fact, frozen=True):
    """The lock is over; the agent holds the task still."""

    kind: ClassVar[str] = "task.unlocked"
    task: int
    agent: str
    grant: int
    cause: str
    """``asked`` by him, or ``ended``: its time was over."""
    package: int | None = None


class TaskFeedbackGiven(Fact, frozen=True):
    """The requester has said what he thinks of a completed task. The next fact on it says what comes of that."""

    kind: ClassVar[str] = "task.feedback_given"
    task: int
    agent: str
    """Who had completed it."""
    satisfied: bool
    score: int | None = None
    """1 to 5, 5 is best."""
    note: str = ""
    package: int | None = None


class TaskReopened(Fact, frozen=True):
    """A completed task goes on. The same moment's ``task.pooled`` or ``task.assigned`` says where it went."""

    kind: ClassVar[str] = "task.reopened"
    task: int
    agent: str
    """Who had completed it."""
    priority: int
    """Its priority from now on."""
    cause: str
    """``unsatisfied``; or ``supervisor``: he gave it to somebody after it was escalated."""
    kept_from: str | None = None
    """Why he does not have it back at once, though its rule wants that: ``away``, ``at capacity``."""
    package: int | None = None


class TaskClosed(Fact, frozen=True):
    """A completed task is over."""

    kind: ClassVar[str] = "task.closed"
    task: int
    why: str
    """``satisfied``, ``unsatisfied``, ``silence``, or ``unattended`` by a supervisor."""
    package: int | None = None


class TaskCallbackStarted(Fact, frozen=True):
    """Somebody outside is asked about a task before it goes to people."""

    kind: ClassVar[str] = "task.callback_started"
    task: int
    address: str
    """Scheme, host and port of its URL, or ``nats:`` and its subject."""
    due: str
    """RFC 3339. By then people have it, if nothing came of it."""
    package: int | None = None


class TaskCallbackSucceeded(Fact, frozen=True):
    """Whoever was asked has done it: the task is completed and closed."""

    kind: ClassVar[str] = "task.callback_succeeded"
    task: int
    result: dict[str, str] = {}
    attempts: int = 1
    in_time: bool | None = None
    """Absent: it had no time limit."""
    package: int | None = None


class TaskCallbackFailed(Fact, frozen=True):
    """People have to do it; the same moment's ``task.pooled`` says where it waits."""

    kind: ClassVar[str] = "task.callback_failed"
    task: int
    cause: str
    """``failed``, ``declined`` or ``unreported``."""
    reason: str = ""
    attempts: int = 0
    package: int | None = None


class TaskResultDelivered(Fact, frozen=True):
    """The channel of the task's type has been told how it ended."""

    kind: ClassVar[str] = "task.result_delivered"
    task: int
    attempts: int = 1
    package: int | None = None


class TaskResultUndelivered(Fact, frozen=True):
    """It could not be told, and that was given up."""

    kind: ClassVar[str] = "task.result_undelivered"
    task: int
    reason: str = ""
    attempts: int = 0
    package: int | None = None


# --- pools, commands --------------------------------------------------------------------------------------------------


class PoolStalled(Fact, frozen=True):
    """Nobody may take what waits in a lane of a rule's pool, and why."""

    kind: ClassVar[str] = "pool.stalled"
    rule: str
    stage: int
    reason: str
    waiting: int
    lane: tuple[AttributeValue, ...] = ()


class CommandRefused(Fact, frozen=True):
    """A command on work already handed out was refused, and that is on record."""

    kind: ClassVar[str] = "command.refused"
    command: str
    refusal: str
    """One of the glossary's five kinds."""
    reason: str
    message: str
    task: int | None = None
    agent: str | None = None
    package: int | None = None


class CommandHadNoEffect(Fact, frozen=True):
    """What a request asked for was so already."""

    kind: ClassVar[str] = "command.had_no_effect"
    command: str
    number: int | None = None
    agent: str | None = None


FACTS: dict[str, type[Fact]] = {cls.kind: cls for cls in Fact.__subclasses__()}
"""Kind -> struct."""


def type_of(fact: type[Fact]) -> str:
    """The CloudEvents type: ``paidan.task.assigned.v1``."""
    return f"paidan.{fact.kind}.v{fact.version}"
