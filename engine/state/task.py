"""An open task as decisions need it. A task that ended leaves the state; its history is in the log.

There may be millions, so what many have in common stands once: an ``Origin`` for all that one event brought, a
``Place`` for all that came to wait somewhere together.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Literal

import msgspec

from engine.events import AttributeValue, DueStep, TaskRow

Status = Literal["created", "calling", "pooled", "offered", "assigned", "in_progress", "returned", "completed"]
"""``calling``: somebody outside is asked first. ``offered``: in the hands of an agent who has yet to accept it.
``returned``: on its way back, between two events of one decision. ``completed``: the requester's opinion, or a
supervisor, is awaited; where nobody is, a task leaves the state when it is completed."""

LaneKey = tuple[str | None, int, tuple[AttributeValue, ...]]
"""(rule id or None for no rule, relax stage, values of the rule's lane attributes)"""

NO_RULE: LaneKey = (None, 0, ())
MAX_PRIORITY = 100


class Origin(msgspec.Struct, frozen=True, gc=False):
    """What a task has in common with all that came by the same event. Times in milliseconds."""

    type: str
    business_type: str
    columns: tuple[str, ...]
    """Names of the tasks' ``attributes``."""
    created_at: int
    ages_from: int
    """What ageing counts from: its creation, or for all rows of a package alike the package's registration, so that
    the pace of an import decides nothing."""
    package: int | None = None


class Place(msgspec.Struct, frozen=True, gc=False, cache_hash=True):
    """Where a task waits, or, once it was given away, where it waited last."""

    key: LaneKey = NO_RULE
    version: int = 0
    """Of the rule set that put the task where it is."""
    pooled_at: int = 0
    package: int | None = None
    given: bool = False
    """Whether an agent had held the tasks before they came here."""
    relaxes_at: int = 0
    """When they take the rule's next relax step; 0: never."""


NOWHERE = Place()
"""Of a task that has not been in any pool."""


class Terms(msgspec.Struct, frozen=True, gc=False):
    """Time limits of tasks that came in together."""

    respond_by: int
    resolve_by: int
    steps: tuple[DueStep, ...]
    """In order of time."""


class Asking(msgspec.Struct, gc=False):
    """How offering a task under a rule has gone so far, since an agent last had it in hand."""

    rule: str
    rounds: int = 0
    """Offers that agents let pass."""
    let_pass: tuple[str, ...] = ()
    """Who did since everybody who could take it had been asked: asked again when nobody else is left."""
    set_aside: bool = False
    """So often that it is not offered under this rule any more."""


class Marks(msgspec.Struct, gc=False):
    """What a task keeps of its way that counts for what may happen next. Most tasks never need any."""

    recycled: int = 0
    """Rounds: how often it was taken back because nobody had begun in time."""
    handed_over: int = 0
    avoid: str | None = None
    """Who had it last and gave it back, or completed it badly: passed over while somebody else can take it."""
    locked_until: int = 0
    """While it is locked: when the lock ends."""
    unlocked_recycles_at: int = 0
    """While it is locked: when it would be recycled without the lock; 0: never."""
    directed: str | None = None
    """Rule to whose pool it was handed over, whatever rule governs it by its condition."""
    step: int = 0
    """Escalation steps taken or passed over: the next one has a timer."""
    begun: bool = False
    """Whether work on it ever began."""
    overdue: bool = False
    escalated: bool = False
    """A limit was reached: a supervisor knows, and it is not recycled any more."""
    asking: Asking | None = None
    """None: no offer of it has come back."""
    done_by: str | None = None
    """Who completed it last."""
    closes_at: int = 0
    """While it is completed: when it is closed."""
    unsatisfied: bool = False
    """While it is completed: the requester was not satisfied, and a supervisor is to look at it."""
    reopened: int = 0
    """How often the requester's opinion opened it again."""
    wanted_back: bool = False
    """It was opened again, and goes to who had completed it as soon as he can have it."""

    @property
    def why_avoided(self) -> str:
        """Why ``avoid`` is passed over."""
        return "had completed it" if self.avoid == self.done_by else "gave it back"


class Task(msgspec.Struct, gc=False):
    """Mutable, written only by ``engine.evolve``. ``gc=False``: it holds no cycles."""

    number: int
    origin: Origin
    priority: int
    customer: str | None
    owner: str | None
    region: str | None
    attributes: tuple[AttributeValue, ...]
    place: Place = NOWHERE
    status: Status = "created"
    agent: str | None = None
    grant: int = 0
    """Position of the event that made the assignment in force; 0: nobody holds it."""
    given: bool = False
    """Whether any agent ever held it."""
    recycles_at: int = 0
    """While it is assigned: when it goes back to the pool if work has not started; 0: never. While it is offered: when
    it goes back if nobody accepts."""
    terms: Terms | None = None
    """None: it has no time limits."""
    marks: Marks | None = None

    @property
    def respond_by(self) -> int:
        """When work on it is to have begun; 0: it has no such limit."""
        return self.terms.respond_by if self.terms else 0

    @property
    def resolve_by(self) -> int:
        """When it is to be done; 0: it has no such limit."""
        return self.terms.resolve_by if self.terms else 0

    @property
    def next_step(self) -> DueStep | None:
        """The escalation step that falls due next."""
        place = self.marks.step if self.marks else 0
        return self.terms.steps[place] if self.terms and place < len(self.terms.steps) else None

    @property
    def locked(self) -> bool:
        return self.marks is not None and self.marks.locked_until > 0

    def asked_under(self, rule: str | None) -> Asking | None:
        """How offering it under this rule has gone; None: no such offer of it has come back."""
        asking = self.marks.asking if self.marks is not None else None
        return asking if asking is not None and asking.rule == rule else None

    @property
    def type(self) -> str:
        return self.origin.type

    @property
    def business_type(self) -> str:
        return self.origin.business_type

    @property
    def package(self) -> int | None:
        return self.origin.package

    @property
    def created_at(self) -> int:
        return self.origin.created_at

    @property
    def ages_from(self) -> int:
        return self.origin.ages_from

    @property
    def rule(self) -> str | None:
        return self.place.key[0]

    @property
    def stage(self) -> int:
        """Relax steps taken."""
        return self.place.key[1]

    @property
    def lane(self) -> tuple[AttributeValue, ...]:
        return self.place.key[2]

    @property
    def version(self) -> int:
        return self.place.version

    @property
    def pooled_at(self) -> int:
        return self.place.pooled_at


def new_task(number: int, origin: Origin, row: TaskRow) -> Task:
    """The task that a row describes, not yet in a pool."""
    return Task(number, origin, row.priority, row.customer, row.owner, row.region, row.attributes)


def attribute(task: Task, name: str) -> AttributeValue:
    """A declared or built-in attribute by name, None where absent."""
    read = BUILT_IN.get(name)
    if read is not None:
        return read(task)
    try:
        return task.attributes[task.origin.columns.index(name)]
    except ValueError:
        return None


BUILT_IN: dict[str, Callable[[Task], AttributeValue]] = {
    "type": attrgetter("origin.type"),
    "business_type": attrgetter("origin.business_type"),
    "priority": attrgetter("priority"),
    "region": attrgetter("region"),
    "owner": attrgetter("owner"),
    "customer": attrgetter("customer"),
    "package": attrgetter("origin.package"),
}
"""Attributes that every task has without declaration. Region also when the rule document declares it."""
