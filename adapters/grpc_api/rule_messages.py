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

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
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


def section_messages(changes: diff.RuleSetDiff) -> Iterator[pb.SectionChange]:
    """Calendars, templates and task types that differ."""
    for change in changes.sections:
        fields = [_field(field) for field in change.fields]
        yield pb.SectionChange(section=change.section, entry=change.name, kind=CHANGE[change.kind], fields=fields)


def move_message(move: TaskMove) -> pb.TaskMove:
    """Waiting tasks that would move."""
    return pb.TaskMove(from_rule=move.from_rule, to_rule=move.to_rule, tasks=move.tasks)


def _field(change: diff.FieldChange) -> pb.FieldChange:
    return pb.FieldChange(
        field=_name(change.field, change.new if change.old is None else change.old),
        before=_shown(change.field, change.old),
        after=_shown(change.field, change.new),
    )


def _shown(field: str, value: object) -> str:
    """JSON as the document has it; empty for None."""
    if value is None:
        return ""
    readable = _readable({field: msgspec.to_builtins(value)})
    return msgspec.json.encode(next(iter(readable.values()))).decode()


def _readable(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_readable(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {_name(name, item): _readable_field(name, item) for name, item in value.items()}


def _name(field: str, value: object) -> str:
    """A field's name in the document. Forms name fields freely, but what stands there is a mapping."""
    if isinstance(value, dict | msgspec.Struct):
        return field
    return "hours" if field == "week" else field.removesuffix("_ms")


def _readable_field(name: str, value: Any) -> Any:
    if name == "week" and not isinstance(value, dict):
        return {day: ", ".join(map(_span, spans)) for day, spans in zip(_DAYS, value, strict=True) if spans}
    return _duration(value) if name.endswith("_ms") and isinstance(value, int) else _readable(value)


def _span(span: tuple[int, int]) -> str:
    return "-".join(f"{minute // 60:02}:{minute % 60:02}" for minute in span)


def _duration(milliseconds: int) -> str:
    """``15m``: in the largest unit that divides it."""
    size, unit = next((size, unit) for size, unit in _UNITS if milliseconds % size == 0)
    return f"{milliseconds // size}{unit}" if milliseconds else "0s"
