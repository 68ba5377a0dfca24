"""What applying a rule document would do: the dry run's answer, and the comparison of two documents."""

from __future__ import annotations

import msgspec

from engine.rules.document import RuleSetDiff, diff, load


class TaskMove(msgspec.Struct, frozen=True):
    """Waiting tasks that would come under another rule; an empty id: under none."""

    from_rule: str
    to_rule: str
    tasks: int


class DryRun(msgspec.Struct, frozen=True):
    """What applying a document would do to the workspace as it stands."""

    version: int
    """In force now, which the document was compared with; 0: none."""
    position: int
    """Log position of that state."""
    changes: RuleSetDiff
    moves: tuple[TaskMove, ...]
    waiting: int
    """Tasks that wait now."""


def compare_sources(before: str, after: str) -> RuleSetDiff:
    """What differs between two documents; an empty ``before`` has no rules. Raises DocumentError."""
    return diff(load(before) if before else None, load(after))
