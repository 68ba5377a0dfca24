"""The rule set as data: what an operator wrote, checked, with every duration in milliseconds.

These structs stand in the log (inside ``RuleSetApplied``), so replay needs no YAML, no condition parser and no matcher.
Conditions stay as text; the compiler reads them again when a decision needs them.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import Any, Literal, TypeAlias

import msgspec

AttributeType = Literal["string", "int", "float", "bool", "list(string)", "list(int)"]
Method = Literal["push", "claim", "manual", "offer"]
Strategy = Literal["owner", "last_agent", "region", "weighted", "least_loaded", "round_robin"]

BY_ROUNDS: frozenset[str] = frozenset({"push", "offer"})
"""Methods by which allocation rounds find the agent."""

NARROWING: frozenset[str] = frozenset({"owner", "last_agent", "region"})
"""Strategies that narrow the candidates; the others order them."""

DEFAULT_AGEING_MS = 3_600_000
"""Ageing when a rule names none: one hour of waiting is worth one priority step, so nothing starves."""

DEFAULT_AUTO_CLOSE_MS = 7 * 86_400_000
"""So long is an opinion awaited when feedback names no time: seven days, so that nothing stays for ever."""


class Relax(msgspec.Struct, frozen=True):
    """A wider set of targets that counts once a task has waited ``after_ms`` in its pool."""

    after_ms: int
    targets: str


class Sla(msgspec.Struct, frozen=True, omit_defaults=True):
    respond_within_ms: int | None = None
    resolve_within_ms: int | None = None


class EscalationStep(msgspec.Struct, frozen=True, omit_defaults=True):
    """One step: when it falls due (``share`` per cent of ``limit``, or ``after_ms`` from creation) and what it does."""

    limit: Literal["respond_within", "resolve_within"] | None = None
    """None: the step names a time of its own, ``after_ms``."""
    share: int = 100
    raise_priority: int | None = None
    reassign: str | None = None
    notify: str | None = None
    mark_overdue: bool = False
    after_ms: int | None = None


class Handover(msgspec.Struct, frozen=True):
    raise_priority: int = 0
    limit: int = 3


class WrapUp(msgspec.Struct, frozen=True):
    template: str
    required: tuple[str, ...] = ()


class Feedback(msgspec.Struct, frozen=True, omit_defaults=True):
    unsatisfied: Literal["reopen", "escalate", "close"] = "reopen"
    raise_priority: int = 0
    auto_close_after_ms: int | None = None
    """None: ``DEFAULT_AUTO_CLOSE_MS``."""
    reopen_to: Literal["same", "other"] = "same"
    """Who gets reopened work first: the agent who had it, or anybody else while there is one."""
    reopen_limit: int = 3
    """So often it is reopened; the next time a supervisor is told."""


class Offer(msgspec.Struct, frozen=True, omit_defaults=True):
    """How work is offered. What is None in a rule's comes from its task type's."""

    accept_within_ms: int | None = None
    rounds: int | None = None


class FormField(msgspec.Struct, frozen=True, omit_defaults=True):
    """One field of a form or of a wrap-up template."""

    type: AttributeType
    required: bool = False
    values: tuple[str | int | float, ...] = ()
    """The only values it may have (a list: its members); empty: any of its type."""
    max_length: int | None = None
    """Characters of a string, or of each member of a list(string)."""


Form: TypeAlias = dict[str, FormField]
"""Fields by name."""


MAX_BACKOFF_MS = 3_600_000
"""The longest wait between two attempts of a call."""


class Channel(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where somebody outside is told, and how patiently: by ``url`` (HTTP) or by ``subject`` (NATS), one of the two."""

    url: str | None = None
    subject: str | None = None
    secret: str | None = None
    """Name of the secret that signs what is sent. The secret itself is known to the connector only."""
    timeout_ms: int = 5_000
    """Of one attempt."""
    attempts: int = 8
    backoff_ms: int = 2_000
    """Before the second attempt; twice as long before each one after it, up to ``MAX_BACKOFF_MS``."""

    @property
    def origin(self) -> str:
        """Scheme, host and port, or ``nats:`` and the subject. Path and query may hold what is not for everybody."""
        if self.url is None:
            return f"nats:{self.subject}"
        scheme, _, rest = self.url.partition("://")
        return f"{scheme}://{re.split('[/?#]', rest, maxsplit=1)[0]}"

    @property
    def patience_ms(self) -> int:
        """All attempts, and the waits between them."""
        waits = (min(self.backoff_ms << place, MAX_BACKOFF_MS) for place in range(self.attempts - 1))
        return self.attempts * self.timeout_ms + sum(waits)


class Callback(Channel, frozen=True, omit_defaults=True):
    """What is asked before a task goes to people. They wait meanwhile, so it is given up sooner."""

    attempts: int = 3
    backoff_ms: int = 1_000


Span: TypeAlias = tuple[int, int]
"""Minutes of a day, from and to; 1440 is midnight at its end."""


class Calendar(msgspec.Struct, frozen=True, omit_defaults=True, cache_hash=True):
    """When a desk works, by the clock on its wall."""

    time_zone: str
    week: tuple[tuple[Span, ...], ...]
    """Seven days from Monday, each with its spans, ascending and apart."""
    holidays_of: str | None = None
    """A country such as CN, or a part of one such as DE-BY, whose public holidays are no working days."""
    holidays: tuple[str, ...] = ()
    """Further days off, as 2026-10-08."""
    working_days: tuple[str, ...] = ()
    """Days that are worked although they would be off. They have the hours of the longest day of the week."""


class TaskType(msgspec.Struct, frozen=True, omit_defaults=True):
    """What all tasks of a type have in common. A rule's own field goes before the type's."""

    form: Form = {}
    priority: int = 0
    """Of a task created without one."""
    sla: Sla | None = None
    calendar: str | None = None
    """Name of the calendar that ``sla`` and escalation are counted in; None: round the clock."""
    callback: Callback | None = None
    feedback_channel: Channel | None = None
    escalation: tuple[EscalationStep, ...] = ()
    handover: Handover | None = None
    feedback: Feedback | None = None
    offer: Offer | None = None
    wrap_up: WrapUp | None = None


class Rule(msgspec.Struct, frozen=True, omit_defaults=True):
    """One distribution rule. Source: the ten fields of the trade plus DESIGN.md section 5."""

    id: str
    name: str
    task_type: str
    business_type: str | None = None
    """None governs every business type of the task type."""
    when: str = "true"
    precedence: int = 0
    """Higher is asked first; equal precedence goes by the order in the document."""
    method: Method = "push"
    strategy: tuple[Strategy, ...] = ("least_loaded",)
    targets: str = "true"
    relax: tuple[Relax, ...] = ()
    """Ascending by ``after_ms``."""
    cap_per_agent: int | None = None
    ageing_ms: int = DEFAULT_AGEING_MS
    recycle_after_ms: int | None = None
    recycle_limit: int | None = None
    sla: Sla | None = None
    escalation: tuple[EscalationStep, ...] = ()
    handover: Handover | None = None
    lock_max_ms: int | None = None
    wrap_up: WrapUp | None = None
    feedback: Feedback | None = None
    offer: Offer | None = None
    on_agent_loss: Literal["return", "keep"] = "return"
    """What becomes of unstarted, unlocked work when its agent goes offline or is removed."""
    lane_attributes: tuple[str, ...] = ()
    """Task attributes that ``targets`` or ``relax`` name, sorted: tasks with equal values share a lane of the pool."""


class RuleSet(msgspec.Struct, frozen=True, omit_defaults=True, dict=True):
    """A whole rule document, in force as one version."""

    workspace: str
    task_attributes: dict[str, AttributeType]
    agent_attributes: dict[str, AttributeType]
    rules: tuple[Rule, ...]
    """In the order they are asked: precedence descending, then document order."""
    calendars: dict[str, Calendar] = {}
    templates: dict[str, Form] = {}
    task_types: dict[str, TaskType] = {}

    def rule(self, rule_id: str) -> Rule | None:
        """The rule with this id, or None."""
        return next((rule for rule in self.rules if rule.id == rule_id), None)

    @cached_property
    def remembered(self) -> dict[Any, Any]:
        """What has been worked out from this rule set, for ``engine.rules.policy``. Neither compared nor stored."""
        return {}
