"""Lists over the view of work: tasks, assignments, pools."""

from __future__ import annotations

import msgspec

from engine.events import AttributeValue
from projections.listing import Field, Kind, Listing, reading
from projections.pools import REASON
from projections.rows import AssignmentView, PoolView, TaskView

_attributes = msgspec.json.Decoder(dict[str, AttributeValue]).decode
_lane = msgspec.json.Decoder(list[AttributeValue]).decode
_words = msgspec.json.Decoder(list[str]).decode
_mapping = msgspec.json.Decoder(dict[str, str]).decode

_TASK_JOINS = {
    "w": "LEFT JOIN waiting w ON w.task = t.number",
    "a": "LEFT JOIN assignments a ON a.task = t.number AND a.last",
    "p": "LEFT JOIN poolings p ON p.id = coalesce(w.pooling, a.pooling, t.pooling)",
    "l": "LEFT JOIN pools l ON l.id = p.pool",
    "m": "LEFT JOIN methods m ON m.rule = p.rule",
}
STATUS = """
CASE WHEN t.ended <> '' THEN t.ended WHEN w.task IS NOT NULL THEN 'pooled' WHEN a.task IS NULL THEN 'created'
    WHEN a.started_at > 0 THEN 'in_progress' ELSE 'assigned' END"""
_OPEN = "a.outcome = '' AND a.started_at"
_WAITING_FOR = f"CASE WHEN w.task IS NULL THEN '' ELSE {REASON} END"
_POSITIONS = """
ARRAY(SELECT unnest(t.position || p.trail) UNION SELECT unnest(h.positions) FROM assignments h WHERE h.task = t.number
    UNION SELECT f.position FROM refusals f WHERE f.task = t.number
    UNION SELECT t.ended_by WHERE t.ended_by > 0 ORDER BY 1)"""
_REASONS = (
    "no_rule_governs", "to_be_claimed", "to_be_assigned", "in_turn", "nobody_available", "no_agent_within_targets",
    "all_at_capacity", "all_at_rule_cap",
)  # fmt: skip


def _last(column: str, kind: Kind, empty: str) -> Field:
    """A column of the task's last assignment."""
    return Field(f"coalesce(a.{column}, {empty})", kind, ("a",), strict=f"a.{column}")


TASKS: Listing[TaskView] = Listing(
    name="tasks",
    views=("tasks",),
    base="tasks t",
    key=("number",),
    key_columns=("t.number",),
    joins=_TASK_JOINS,
    fields={
        "number": Field("t.number", "int"),
        "type": Field("t.type", "text"),
        "business_type": Field("t.business_type", "text"),
        "status": Field(
            STATUS, "text", ("w", "a"),
            values=("created", "pooled", "assigned", "in_progress", "completed", "cancelled"),
            special={
                "pooled": "w.task IS NOT NULL",
                "assigned": f"{_OPEN} = 0",
                "in_progress": f"{_OPEN} > 0",
                "completed": "t.ended = 'completed'",
                "cancelled": "t.ended = 'cancelled'",
            },
        ),
        "priority": Field("t.priority", "int"),
        "customer": Field("t.customer", "text"),
        "owner": Field("t.owner", "text"),
        "region": Field("t.region", "text"),
        "attributes": Field("t.attributes", "attributes", sortable=False),
        "package": Field("t.package", "int"),
        "line": Field("t.line", "int"),
        "rule": Field("coalesce(p.rule, '')", "text", ("w", "a", "p"), strict="p.rule"),
        "version": Field("coalesce(a.version, p.version, 0)", "int", ("w", "a", "p")),
        "stage": Field("coalesce(p.stage, 0)", "int", ("w", "a", "p")),
        "waiting_for": Field(_WAITING_FOR, "text", ("w", "a", "p", "l", "m"), values=_REASONS),
        "agent": _last("agent", "text", "''"),
        "grant": _last('"grant"', "int", "0"),
        "picked_by": _last("picked_by", "text", "''"),
        "passed": Field("coalesce(a.passed, '[]')", "words", ("a",), sortable=False),
        "created_at": Field("t.created_at", "time"),
        "pooled_at": Field("coalesce(p.pooled_at, 0)", "time", ("w", "a", "p")),
        "assigned_at": _last("assigned_at", "time", "0"),
        "started_at": _last("started_at", "time", "0"),
        "ended_at": Field("t.ended_at", "time"),
    },
    columns=(
        "t.number", "t.type", "t.business_type", STATUS, "t.priority", "t.customer", "t.owner", "t.region",
        "t.attributes::text", "t.name_masked", "t.mobile_masked", "t.id_card_masked", "t.package", "t.line",
        "coalesce(p.rule, a.rule, '')", "coalesce(a.version, p.version, 0)", "coalesce(p.stage, 0)",
        "coalesce(p.lane::text, '[]')", _WAITING_FOR, "coalesce(a.agent, '')", "coalesce(a.\"grant\", 0)",
        "coalesce(a.picked_by, '')", "coalesce(a.passed::text, '[]')", "t.created_at", "coalesce(p.pooled_at, 0)",
        "coalesce(a.assigned_at, 0)", "coalesce(a.started_at, 0)", "t.ended_at", "t.wrap_up::text", _POSITIONS,
    ),
    show_joins=" ".join(_TASK_JOINS.values()),
    row=reading(TaskView, {8: _attributes, 17: _lane, 22: _words, 28: _mapping}),
)  # fmt: skip

ASSIGNMENTS: Listing[AssignmentView] = Listing(
    name="assignments",
    views=("tasks",),
    base="assignments t",
    key=("grant", "task"),
    key_columns=("t.task", 't."grant"'),
    joins={"n": "JOIN tasks n ON n.number = t.task"},
    fields={
        "task": Field("t.task", "int"),
        "grant": Field('t."grant"', "int"),
        "agent": Field("t.agent", "text"),
        "rule": Field("t.rule", "text"),
        "version": Field("t.version", "int"),
        "package": Field("n.package", "int", ("n",)),
        "round": Field("t.round", "int"),
        "picked_by": Field("t.picked_by", "text"),
        "passed": Field("t.passed", "words", sortable=False),
        "outcome": Field("t.outcome", "text", values=("", "completed", "cancelled", "reassigned")),
        "assigned_at": Field("t.assigned_at", "time"),
        "started_at": Field("t.started_at", "time"),
        "ended_at": Field("t.ended_at", "time"),
    },
    columns=(
        't."grant"', "t.task", "t.agent", "t.rule", "t.version", "n.package", "t.round", "t.picked_by",
        "t.passed::text", "t.assigned_at", "t.started_at", "t.ended_at", "t.outcome",
    ),
    show_joins="JOIN tasks n ON n.number = t.task",
    row=reading(AssignmentView, {8: _words}),
)  # fmt: skip

_METHODS = {"m": "LEFT JOIN methods m ON m.rule = l.rule"}

POOLS: Listing[PoolView] = Listing(
    name="pools",
    views=("tasks",),
    base="pools l",
    key=("rule", "stage", "id"),
    key_columns=("l.id",),
    joins=_METHODS,
    fields={
        "rule": Field("l.rule", "text"),
        "stage": Field("l.stage", "int"),
        "waiting": Field("l.waiting", "int"),
        "waiting_for": Field(REASON, "text", ("m",), values=_REASONS),
        "id": Field("l.id", "int"),
    },
    columns=(
        "l.rule", "l.stage", "l.lane::text", "l.waiting", REASON,
        "(SELECT created_at FROM tasks WHERE number = (SELECT min(w.task) FROM waiting w JOIN poolings p"
        " ON p.id = w.pooling WHERE p.pool = l.id AND p.waiting > 0))",
    ),
    show_joins=_METHODS["m"],
    row=reading(PoolView, {2: _lane}),
)  # fmt: skip
