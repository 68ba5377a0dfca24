"""Everything that can be a fact in a workspace, under the names the log keeps for ever.

An event says what was decided and carries what its readers need, so neither replay nor a view ever asks the matcher
or looks anything up. Bulk facts stand in chunks; each fact inside has the address (position, index).
A released event is never edited: a change is a new struct with the next version and an upcaster (docs/how-to).
"""

from __future__ import annotations

import msgspec

from engine.rules.model import AttributeType, Callback, Channel, EscalationStep, RuleSet

Scalar = str | int | float | bool | None
AttributeValue = Scalar | tuple[Scalar, ...]


class Event(msgspec.Struct, frozen=True, omit_defaults=True):
    """A fact. Times are milliseconds since 1970 UTC and stand in the envelope, not here."""


# --- parts of events -------------------------------------------------------------------------------------------------


class AgentSpec(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of a roster."""

    id: str
    name: str = ""
    team: str = ""
    capacity: int = 10
    """Open tasks the agent may hold, over all rules."""
    weight: int = 1
    attributes: dict[str, AttributeValue] = {}
    presence: str = "available"
    """Counts when the agent is first registered; afterwards presence has a command of its own."""


class TaskRow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What rules and state need to know of one new task."""

    line: int
    """Line in the source file; 0 for a task created alone."""
    customer: str | None
    owner: str | None
    """Account manager: an agent id."""
    region: str | None
    priority: int
    attributes: tuple[AttributeValue, ...]
    """Values in the order of the event's ``columns``; None is absent."""


class Person(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Personal data, apart from everything rules and state need. Views, logs and messages hold it masked."""

    name: str | None = None
    mobile: str | None = None
    id_card: str | None = None


class RejectedRow(msgspec.Struct, frozen=True, array_like=True):
    """A source row set aside."""

    line: int
    column: str
    reason: str
    text: str
    """The row as it stood in the file, cut to a bounded length."""
    name: str = ""
    """The customer's name in it, to be masked where ``text`` is shown; empty: none, or the row could not be split."""


class ColumnMapping(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which column of a list holds what. Fields name columns by their header; None: the list has no such column."""

    customer: str | None = None
    name: str | None = None
    mobile: str | None = None
    id_card: str | None = None
    owner: str | None = None
    """Account manager, as an agent id."""
    region: str | None = None
    priority: str | None = None
    attributes: dict[str, str] = {}
    """Attribute -> column."""
    types: dict[str, AttributeType] = {}
    """Attribute -> declared type, filled in from the rule set in force at registration."""
    delimiter: str = ""
    """One character; empty: found from the header line."""
    list_separator: str = "|"
    """Between the members of a list in one cell."""
    encoding: str = ""
    """``utf-8`` or ``gb18030``; empty: found from the first lines."""


class Placement(msgspec.Struct, frozen=True, omit_defaults=True):
    """Tasks that now wait in one lane: the part of a rule's pool whose tasks have the same possible agents."""

    rule: str | None
    """None: no rule governs these tasks."""
    tasks: tuple[int, ...]
    lane: tuple[AttributeValue, ...] = ()
    """Values of the rule's ``lane_attributes``."""
    stage: int = 0
    """-1 - k: step k of the escalation has sent them there."""


class DueStep(msgspec.Struct, frozen=True, omit_defaults=True):
    """A step of the escalation, and when it falls due."""

    at: int
    place: int
    """Of the step in the escalation as written, from 0."""
    step: EscalationStep


class Delivery(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who is told how a task ended."""

    to: Channel
    due: int
    """When it counts as given up if nobody has said what became of it."""


class Pick(msgspec.Struct, frozen=True, omit_defaults=True, cache_hash=True):
    """How an agent was found: the strategy that decided, and what the ones before it came to."""

    by: str
    passed: tuple[str, ...] = ()
    """Strategies that fell through, each with its reason: ``owner: away``."""


# --- rules -----------------------------------------------------------------------------------------------------------


class RuleSetApplied(Event, frozen=True, tag="RuleSetApplied.v1"):
    version: int
    source: str
    """The document as written."""
    rule_set: RuleSet
    reason: str = ""


# --- agents ----------------------------------------------------------------------------------------------------------


class AgentsRegistered(Event, frozen=True, tag="AgentsRegistered.v1"):
    """Agents new to the workspace, or with new data (presence is then left as it is)."""

    agents: tuple[AgentSpec, ...]


class AgentsRemoved(Event, frozen=True, tag="AgentsRemoved.v1"):
    agents: tuple[str, ...]


class AgentPresenceChanged(Event, frozen=True, tag="AgentPresenceChanged.v1"):
    agent: str
    presence: str
    reason: str = ""


# --- packages --------------------------------------------------------------------------------------------------------


class PackageRegistered(Event, frozen=True, tag="PackageRegistered.v1"):
    package: int
    segment: str
    """Segment number: the customer list this package was drawn from, as its sender calls it."""
    uri: str
    spool: str
    """Name of the spooled copy, under the server's spool directory."""
    digest: str
    """SHA-256 of content, mapping and task type: the same again is recognised."""
    size: int
    """Bytes as spooled."""
    task_type: str
    business_type: str
    mapping: ColumnMapping
    priority: int = 0


class PackageParsingStarted(Event, frozen=True, tag="PackageParsingStarted.v1"):
    package: int


class TasksImported(Event, frozen=True, tag="TasksImported.v1"):
    """A chunk of a package: tasks ``first_task`` to ``first_task + len(rows) - 1``, and the rows set aside."""

    package: int
    chunk: int
    first_task: int
    task_type: str
    business_type: str
    columns: tuple[str, ...]
    rows: tuple[TaskRow, ...]
    persons: tuple[Person, ...] = ()
    """As long as ``rows``, or empty when the mapping names no personal data."""
    rejected: tuple[RejectedRow, ...] = ()


class PackageParsed(Event, frozen=True, tag="PackageParsed.v1"):
    package: int
    rows: int
    rejected: int


class PackageDistributing(Event, frozen=True, tag="PackageDistributing.v1"):
    """Rows begin to go into pools under this version of the rules."""

    package: int
    rule_set_version: int


class PackageDistributed(Event, frozen=True, tag="PackageDistributed.v1"):
    """Distribution came to rest: every row has an agent, or the rest waits for the reasons given."""

    package: int
    distributed: int
    waiting: dict[str, int] = {}
    """Reason -> rows. Empty: wholly distributed."""


class PackageFailed(Event, frozen=True, tag="PackageFailed.v1"):
    package: int
    reason: str


class PackageWithdrawn(Event, frozen=True, tag="PackageWithdrawn.v1"):
    package: int
    reason: str = ""


# --- tasks -----------------------------------------------------------------------------------------------------------


class TaskCreated(Event, frozen=True, tag="TaskCreated.v1"):
    """A task that came alone."""

    task: int
    task_type: str
    business_type: str
    columns: tuple[str, ...]
    row: TaskRow
    person: Person | None = None


class TasksPooled(Event, frozen=True, tag="TasksPooled.v1"):
    """Tasks wait under the rule that governs them. Also when a new rule set moves them to another pool."""

    rule_set_version: int
    placements: tuple[Placement, ...]
    package: int | None = None
    """Set while a package is first put into pools."""
    through: int = 0
    """Then: every task of the package up to this number is now in a pool, or has ended."""


class TasksRelaxed(Event, frozen=True, tag="TasksRelaxed.v1"):
    """Tasks waited long enough for the rule's next, wider targets."""

    rule: str
    stage: int
    tasks: tuple[int, ...]


class TasksAllocated(Event, frozen=True, tag="TasksAllocated.v1"):
    """One allocation round, pick by pick in the order they were made.

    ``tasks[i]`` went to ``agents[who[i]]`` under ``rules[under[i]]``, found by ``picks[how[i]]``.
    """

    round: int
    rule_set_version: int
    agents: tuple[str, ...]
    rules: tuple[str, ...]
    picks: tuple[Pick, ...]
    tasks: tuple[int, ...]
    who: tuple[int, ...]
    under: tuple[int, ...]
    how: tuple[int, ...]
    among: tuple[str, ...] | None = None
    """The agents the round looked at, where it did not look at all: those whose capacity had just come free."""
    again: tuple[int, ...] = ()
    """Those of the tasks that an agent had had before."""
    until: tuple[int, ...] = ()
    """As long as ``rules``, or empty where none of them offers: by when (milliseconds since 1970 UTC) tasks that went
    out under the rule have to be accepted, as they are offered only; 0: they are assigned."""


class PoolStalled(Event, frozen=True, tag="PoolStalled.v1"):
    """Nobody may take what waits in a lane, and why. Written when the reason changes."""

    rule: str
    stage: int
    reason: str
    waiting: int
    lane: tuple[AttributeValue, ...] = ()


class TaskClaimed(Event, frozen=True, tag="TaskClaimed.v1"):
    task: int
    agent: str
    rule: str
    rule_set_version: int
    package: int | None = None
    again: bool = False
    """Whether an agent had had it before."""


class OfferAccepted(Event, frozen=True, tag="OfferAccepted.v1"):
    """The agent takes what he was offered; the offer's grant is that of the assignment."""

    task: int
    agent: str
    grant: int


class OffersReturned(Event, frozen=True, tag="OffersReturned.v1"):
    """Offers that came to nothing; ``agents[i]`` was offered ``tasks[i]``. The same decision pools them anew."""

    tasks: tuple[int, ...]
    agents: tuple[str, ...]
    cause: str
    """``rejected`` or ``timed_out``, which counts as a round; ``agent_offline`` or ``agent_removed``."""
    note: str = ""
    """Of the agent who rejected."""


class TaskStarted(Event, frozen=True, tag="TaskStarted.v1"):
    task: int
    agent: str
    grant: int


class TaskCompleted(Event, frozen=True, tag="TaskCompleted.v1"):
    task: int
    agent: str
    grant: int
    wrap_up: dict[str, str] = {}
    package: int | None = None
    respond_by: int = 0
    """The task's deadlines as they stood at that moment, in milliseconds since 1970 UTC; 0: it had none."""
    resolve_by: int = 0
    closes_at: int = 0
    """The requester's opinion is awaited, until then at most; 0: nobody asks for it, and the task is over."""
    deliver: Delivery | None = None
    """Whom the result is told to; None: nobody outside."""


class TasksCancelled(Event, frozen=True, tag="TasksCancelled.v1"):
    """Tasks taken out of the system; ``agents[i]`` held ``tasks[i]`` until then (empty: nobody)."""

    tasks: tuple[int, ...]
    agents: tuple[str, ...]
    reason: str = ""
    package: int | None = None
    swept: int | None = None
    """Where a package that is over is cleared: every task of it up to this number has been looked at."""
    again: tuple[int, ...] = ()
    """Those of the tasks held by nobody that an agent had had before."""
    calling: tuple[int, ...] = ()
    """Those of the tasks that somebody outside was being asked about."""


class TaskReassigned(Event, frozen=True, tag="TaskReassigned.v1"):
    """A supervisor gave the task to this agent. ``held_by`` had it before (empty: it waited in a pool)."""

    task: int
    agent: str
    held_by: str
    rule: str | None
    rule_set_version: int
    reason: str = ""
    package: int | None = None
    again: bool = False
    """Whether an agent had had it before."""


class TasksRecycled(Event, frozen=True, tag="TasksRecycled.v1"):
    """Work that nobody had begun, taken back; ``agents[i]`` held ``tasks[i]``. The same decision pools it anew."""

    tasks: tuple[int, ...]
    agents: tuple[str, ...]
    cause: str
    """``not_started`` in the rule's time, which is counted; ``agent_offline`` or ``agent_removed``."""


class TasksHandedOver(Event, frozen=True, tag="TasksHandedOver.v1"):
    """The agent gave these tasks out of hand; they are pooled anew, or given to an agent, in the same decision."""

    agent: str
    tasks: tuple[int, ...]
    priorities: tuple[int, ...]
    """Of each task from now on."""
    note: str = ""
    to_agent: str = ""
    """Who is to have them; empty: whom the pool finds."""
    to_rule: str = ""
    """Into whose pool they go; empty: that of the rule which governs them."""


OFFER_ROUNDS = "offer_rounds"


class TasksEscalated(Event, frozen=True, tag="TasksEscalated.v1"):
    """A limit was reached, and a supervisor should know: ``recycle_limit``, ``handover_limit``, ``reopen_limit``, or
    ``offer_rounds``: these are not offered any more.

    Or the requester was ``unsatisfied``, and the rule wants a supervisor then."""

    tasks: tuple[int, ...]
    reason: str


class DeadlinesSet(Event, frozen=True, tag="DeadlinesSet.v1"):
    """Until when these tasks are to be begun and done (0: no limit), and what happens on the way, in order of time.

    Worked out when they are first pooled, by their type's calendar, so that later rules change nothing of it.
    """

    tasks: tuple[int, ...]
    respond_by: int = 0
    resolve_by: int = 0
    steps: tuple[DueStep, ...] = ()


class EscalationStepTaken(Event, frozen=True, tag="EscalationStepTaken.v1"):
    """A step of the escalation fell due for these tasks; ``agents[i]`` held ``tasks[i]`` (empty: nobody)."""

    tasks: tuple[int, ...]
    agents: tuple[str, ...]
    place: int
    """Of the step in the escalation as written, from 0."""
    step: EscalationStep
    priorities: tuple[int, ...] = ()
    """Of each task from now on; empty: as they were."""
    reassigned: tuple[int, ...] = ()
    """Those that go to other targets now: they are pooled anew in the same decision."""


class TaskReprioritised(Event, frozen=True, tag="TaskReprioritised.v1"):
    """A supervisor made a task more urgent or less. Where another rule governs it now, the same decision pools it."""

    task: int
    priority: int
    """From now on, 0 to 100."""
    before: int
    agent: str = ""
    """Who holds it; empty: nobody."""
    reason: str = ""


class TaskDeadlinesChanged(Event, frozen=True, tag="TaskDeadlinesChanged.v1"):
    """A supervisor set other time limits (0: none). ``steps`` are all of the task's, those taken unchanged."""

    task: int
    respond_by: int
    resolve_by: int
    moved: tuple[str, ...]
    """Which of the two he named: ``respond_by``, ``resolve_by``."""
    steps: tuple[DueStep, ...] = ()
    agent: str = ""
    """Who holds it; empty: nobody."""
    reason: str = ""


class TaskCommented(Event, frozen=True, tag="TaskCommented.v1"):
    """Somebody, who stands in the envelope, said something about a task. It changes nothing of it."""

    task: int
    text: str
    agent: str = ""
    """Who holds it; empty: nobody."""


class TasksMerged(Event, frozen=True, tag="TasksMerged.v1"):
    """Duplicates ended in favour of the task ``into``; ``agents[i]`` held ``tasks[i]`` until then (empty: nobody).

    Where another rule governs ``into`` by its priority now, the same decision pools it.
    """

    into: int
    tasks: tuple[int, ...]
    agents: tuple[str, ...]
    priority: int
    """Of ``into`` from now on: the highest of them all."""
    before: int
    agent: str = ""
    """Who holds ``into``; empty: nobody."""
    reason: str = ""
    packages: tuple[int, ...] = ()
    """Of each of the tasks, 0 where it came alone; empty: all did."""
    again: tuple[int, ...] = ()
    """Those of the tasks held by nobody that an agent had had before."""
    calling: tuple[int, ...] = ()
    """Those of the tasks that somebody outside was being asked about."""


class TaskLocked(Event, frozen=True, tag="TaskLocked.v1"):
    """The agent keeps the task until then, whatever else would take it away. Also when a lock is renewed."""

    task: int
    agent: str
    grant: int
    until: int
    """Milliseconds since 1970 UTC; at that moment it is unlocked."""
    note: str = ""


class TaskUnlocked(Event, frozen=True, tag="TaskUnlocked.v1"):
    task: int
    agent: str
    grant: int
    cause: str
    """``asked`` by its agent, or ``ended``: its time was over."""


class FeedbackGiven(Event, frozen=True, tag="FeedbackGiven.v1"):
    """The requester's opinion of a completed task. The same decision closes it, opens it again, or escalates it."""

    task: int
    agent: str
    """Who had completed it."""
    satisfied: bool
    score: int = 0
    """1 to 5, 5 is best; 0: none was given."""
    note: str = ""
    closes_at: int = 0
    """Where a supervisor is to look at it: until when he may; then it is closed. In milliseconds since 1970 UTC."""


class TaskReopened(Event, frozen=True, tag="TaskReopened.v1"):
    """A completed task goes on; the same decision pools it, or gives it to ``to_agent``."""

    task: int
    agent: str
    """Who had completed it."""
    priority: int
    """From now on."""
    cause: str
    """``unsatisfied``, which is counted; ``supervisor``: he gave the task to somebody after it was escalated."""
    to: str = ""
    """``same``: to who had completed it, if he can have it; ``other``: to others first. Empty: to ``to_agent``."""
    to_agent: str = ""
    """Who has it at once; empty: whom the pool finds."""
    kept_from: str = ""
    """Why who had completed it does not have it at once, though he should; such as ``away``, ``at capacity``."""
    package: int | None = None


class TasksClosed(Event, frozen=True, tag="TasksClosed.v1"):
    """Completed tasks are over."""

    tasks: tuple[int, ...]
    why: str
    """``satisfied``, ``unsatisfied`` where the rule wants no more than to know, ``silence`` of the requester, or
    ``unattended``: it was escalated, and no supervisor took it up in time."""


# --- calls to the outside --------------------------------------------------------------------------------------------


class CallbacksStarted(Event, frozen=True, tag="CallbacksStarted.v1"):
    """Somebody outside is asked about these tasks before they go to people."""

    tasks: tuple[int, ...]
    callback: Callback
    due: int
    """When it counts as failed if nobody has said what came of it."""
    package: int | None = None
    """Set for rows of a package."""
    through: int = 0
    """Then: every task of the package up to this number is being asked about, is in a pool, or has ended."""


class CallbackSucceeded(Event, frozen=True, tag="CallbackSucceeded.v1"):
    """Whoever was asked has done it: the task is completed and closed, and nobody had to take it in hand."""

    task: int
    started: int
    """Position of the event that started the callback."""
    result: dict[str, str] = {}
    attempts: int = 1
    package: int | None = None
    respond_by: int = 0
    """The task's time limits, in milliseconds since 1970 UTC; 0: it had none."""
    resolve_by: int = 0
    deliver: Delivery | None = None
    """Whom the result is told to; None: nobody outside."""


class CallbacksFailed(Event, frozen=True, tag="CallbacksFailed.v1"):
    """These tasks have to be done by people; they are pooled in the same decision."""

    tasks: tuple[int, ...]
    cause: str
    """``failed``: no answer that could be used; ``declined``: whoever was asked does not do it; ``unreported``: nobody
    said in time what came of it."""
    reason: str = ""
    attempts: int = 0
    package: int | None = None


class ResultDelivered(Event, frozen=True, tag="ResultDelivered.v1"):
    """The result was told to the channel of the task's type."""

    task: int
    made: int
    """Position of the event that ended the task."""
    attempts: int = 1


class ResultUndelivered(Event, frozen=True, tag="ResultUndelivered.v1"):
    """It could not be told, and that was given up."""

    task: int
    made: int
    """Position of the event that ended the task."""
    reason: str = ""
    attempts: int = 0


# --- refusals on record ----------------------------------------------------------------------------------------------


class CommandRefused(Event, frozen=True, tag="CommandRefused.v1"):
    """A refusal that concerns work already handed out; the same request gets the same answer again."""

    command: str
    kind: str
    reason: str
    message: str
    task: int | None = None
    agent: str | None = None


class CommandHadNoEffect(Event, frozen=True, tag="CommandHadNoEffect.v1"):
    """What a request asked for was so already. Kept so that a repeat is told the same, whatever has changed since."""

    command: str
    number: int | None = None
    agent: str | None = None


EVENT_TYPES: dict[str, type[Event]] = {cls.__struct_config__.tag: cls for cls in Event.__subclasses__()}  # type: ignore[misc]
"""Topic -> struct. An unknown topic stops the reader."""


def topic_of(event: Event) -> str:
    """The versioned name under which the log keeps this event, e.g. ``TasksAllocated.v1``."""
    return str(event.__struct_config__.tag)


class Recorded(msgspec.Struct, frozen=True):
    """An event with its envelope, as the log holds it."""

    position: int
    """1, 2, 3 ... in the workspace, without gaps."""
    at: int
    """Milliseconds since 1970 UTC, never less than the event's before."""
    actor: str
    request: str
    """Request id of the command that caused it (causation)."""
    correlation: str
    event: Event
    fingerprint: str = ""
    """Of the command, so that a request id reused for another command is noticed."""
    trace: str = ""
    """W3C ``traceparent`` of the call that caused it; empty where nobody traces."""
