"""Rule sets and what differs between them as messages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from paidan.v1 import rules_pb2 as pb

from adapters.audit.rule_changes import TaskMove
from adapters.grpc_api.words import CHANGE, timestamp
from engine.rules import diff
from projections.rows import RuleSetView

DERIVED = frozenset({"lane_attributes"})
"""Fields of a rule that its author did not write."""

_UNITS = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s"), (1, "ms"))


def rule_set_message(name: str, row: RuleSetView) -> pb.RuleSet:
    """One version."""
    return pb.RuleSet(
        name=name,
        version=row.version,
        author=row.author,
        reason=row.reason,
        apply_time=timestamp(row.applied_at),
        applied_position=row.position,
        rule_count=row.rules,
        source=row.source,
    )


def rule_messages(changes: diff.RuleSetDiff) -> Iterator[pb.RuleChange]:
    """Rules that differ: gone, new, changed."""
    for rule in changes.removed:
        yield pb.RuleChange(rule=rule, kind=CHANGE["removed"])
    for rule in changes.added:
        yield pb.RuleChange(rule=rule, kind=CHANGE["added"])
    for change in changes.changed:
        fields = [_field(field) for field in change.fields if field.field not in DERIVED]
        yield pb.RuleChange(rule=change.rule_id, kind=CHANGE["changed"], fields=fields)


def attribute_messages(changes: diff.RuleSetDiff) -> Iterator[pb.AttributeChange]:
    """Declared attributes that differ."""
    for change in changes.attributes:
        kind = "added" if change.old is None else "removed" if change.new is None else "changed"
        yield pb.AttributeChange(
            attribute=f"{change.owner}.{change.name}",
            kind=CHANGE[kind],
            before=change.old or "",
            after=change.new or "",
        )


def move_message(move: TaskMove) -> pb.TaskMove:
    """Waiting tasks that would move."""
    return pb.TaskMove(from_rule=move.from_rule, to_rule=move.to_rule, tasks=move.tasks)


def _field(change: diff.FieldChange) -> pb.FieldChange:
    return pb.FieldChange(
        field=change.field.removesuffix("_ms"),
        before=_shown(change.field, change.old),
        after=_shown(change.field, change.new),
    )


def _shown(field: str, value: object) -> str:
    """JSON with durations in the units of the document; empty for None."""
    if value is None:
        return ""
    readable = _readable({field: msgspec.to_builtins(value)})
    return msgspec.json.encode(next(iter(readable.values()))).decode()


def _readable(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_readable(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name.removesuffix("_ms"): _duration(item) if name.endswith("_ms") and item is not None else _readable(item)
        for name, item in value.items()
    }


def _duration(milliseconds: int) -> str:
    """``15m``: in the largest unit that divides it."""
    size, unit = next((size, unit) for size, unit in _UNITS if milliseconds % size == 0)
    return f"{milliseconds // size}{unit}" if milliseconds else "0s"
