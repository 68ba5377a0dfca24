"""Lists over the views of agents, packages and rule sets."""

from __future__ import annotations

import msgspec

from engine.events import AttributeValue
from projections.listing import Field, Listing, reading
from projections.pools import REASON
from projections.rows import AgentView, PackageView, RejectedView, RuleSetView

_attributes = msgspec.json.Decoder(dict[str, AttributeValue]).decode
_counts = msgspec.json.Decoder(dict[str, int]).decode

_LOAD = "coalesce((SELECT sum(o.tasks) FROM loads o WHERE o.agent = t.id), 0)::bigint"

AGENTS: Listing[AgentView] = Listing(
    name="agents",
    views=("agents", "tasks"),
    base="agents t",
    key=("id",),
    key_columns=("t.id",),
    joins={},
    fields={
        "id": Field("t.id", "text"),
        "name": Field("t.name", "text"),
        "team": Field("t.team", "text"),
        "presence": Field("t.presence", "text", values=("available", "busy", "away", "offline")),
        "capacity": Field("t.capacity", "int"),
        "weight": Field("t.weight", "int"),
        "load": Field(_LOAD, "int"),
        "attributes": Field("t.attributes", "attributes", sortable=False),
        "assigned_total": Field("t.assigned_total", "int"),
        "completed_total": Field("t.completed_total", "int"),
        "removed": Field("t.removed", "bool"),
        "changed_at": Field("t.changed_at", "time"),
    },
    columns=(
        "t.id", "t.name", "t.team", "t.presence", "t.capacity", "t.weight", _LOAD,
        "coalesce((SELECT json_object_agg(o.rule, o.tasks) FROM loads o WHERE o.agent = t.id), '{}')::text",
        "t.attributes::text", "t.assigned_total", "t.completed_total", "t.removed", "t.changed_at",
    ),
    show_joins="",
    row=reading(AgentView, {7: _counts, 8: _attributes}),
)  # fmt: skip

_NOT_DISTRIBUTED = f"""
(SELECT coalesce(json_object_agg(reason, rows), '{{}}')::text FROM (
    SELECT reason, sum(rows)::bigint AS rows FROM (
        SELECT {REASON} AS reason, s.waiting AS rows FROM shares s
            JOIN pools l ON l.id = s.pool LEFT JOIN methods m ON m.rule = l.rule WHERE s.package = t.number
        UNION ALL SELECT 'created',
            t.rows - t.distributed - t.waiting - t.cancelled - t.merged - t.calling - t.called
        UNION ALL SELECT 'cancelled', t.cancelled
        UNION ALL SELECT 'merged', t.merged
        UNION ALL SELECT 'calling', t.calling
        UNION ALL SELECT 'completed', t.called
    ) parts GROUP BY reason HAVING sum(rows) > 0) sums)"""

PACKAGES: Listing[PackageView] = Listing(
    name="packages",
    views=("packages", "tasks"),
    base="packages t",
    key=("number",),
    key_columns=("t.number",),
    joins={},
    fields={
        "number": Field("t.number", "int"),
        "segment": Field("t.segment", "text"),
        "uri": Field("t.uri", "text"),
        "digest": Field("t.digest", "text"),
        "task_type": Field("t.task_type", "text"),
        "business_type": Field("t.business_type", "text"),
        "status": Field(
            "t.status", "text",
            values=(
                "initialized", "parsing", "parsed", "distributing", "distributed", "partly_distributed", "failed",
                "withdrawn",
            ),
        ),
        "rule_set_version": Field("t.rule_set_version", "int"),
        "rows": Field("t.rows", "int"),
        "rejected": Field("t.rejected", "int"),
        "distributed": Field("t.distributed", "int"),
        "ended": Field("t.ended", "int"),
        "created_at": Field("t.created_at", "time"),
        "updated_at": Field("t.updated_at", "time"),
    },
    columns=(
        "t.number", "t.segment", "t.uri", "t.digest", "t.task_type", "t.business_type", "t.status",
        "t.rule_set_version", "t.rows", "t.rejected", "t.distributed", _NOT_DISTRIBUTED, "t.ended", "t.failure",
        "t.created_at", "t.updated_at",
    ),
    show_joins="",
    row=reading(PackageView, {11: _counts}),
)  # fmt: skip

REJECTED: Listing[RejectedView] = Listing(
    name="rejected",
    views=("packages",),
    base="rejected_rows t",
    key=("place",),
    key_columns=("t.package", "t.place"),
    joins={},
    fields={
        "place": Field("t.place", "int"),
        "line": Field("t.line", "int"),
        "column": Field('t."column"', "text"),
        "reason": Field("t.reason", "text"),
    },
    columns=("t.package", "t.line", 't."column"', "t.reason", "t.text"),
    show_joins="",
    row=reading(RejectedView),
)

RULE_SETS: Listing[RuleSetView] = Listing(
    name="rule_sets",
    views=("rule_sets",),
    base="rule_sets t",
    key=("version",),
    key_columns=("t.version",),
    joins={},
    fields={
        "version": Field("t.version", "int"),
        "author": Field("t.author", "text"),
        "reason": Field("t.reason", "text"),
        "applied_at": Field("t.applied_at", "time"),
        "rules": Field("t.rules", "int"),
    },
    columns=("t.version", "t.author", "t.reason", "t.applied_at", "t.position", "t.rules", "''"),
    show_joins="",
    row=reading(RuleSetView),
)
