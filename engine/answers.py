"""What a command is told, derived from its events alone, so a repeated request is told the same after a restart."""

from __future__ import annotations

import msgspec

from engine import events as ev
from engine.refusals import Refusal


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """The command's outcome."""

    position: int
    """Of its last event; a query that demands this position sees its effect."""
    number: int | None = None
    """Of the task, package or rule set version it concerns."""
    agent: str | None = None
    changed: bool = True
    """False: what was asked for was so already."""
    refusal: Refusal | None = None
    until: int = 0
    """Of a lock: when it ends, in milliseconds since 1970 UTC."""
    fingerprint: str = ""
    """Of the command that was answered."""


def answer_of(recorded: ev.Recorded) -> Answer:
    """The answer to a command whose first event this is."""
    event = recorded.event
    if isinstance(event, ev.CommandRefused):
        return Answer(recorded.position, refusal=_refusal(event), fingerprint=recorded.fingerprint)
    return Answer(
        recorded.position,
        number=_number(event),
        agent=getattr(event, "agent", None),
        changed=not isinstance(event, ev.CommandHadNoEffect),
        until=event.until if isinstance(event, ev.TaskLocked) else 0,
        fingerprint=recorded.fingerprint,
    )


def _number(event: ev.Event) -> int | None:
    for field in ("task", "version", "package", "number", "into"):
        value = getattr(event, field, None)
        if value is not None:
            return int(value)
    return event.tasks[0] if isinstance(event, ev.TasksCancelled) and event.tasks else None


def _refusal(event: ev.CommandRefused) -> Refusal:
    return Refusal(event.kind, event.reason, event.message, task=event.task, agent=event.agent)  # type: ignore[arg-type]
