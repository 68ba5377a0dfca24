"""Lists over the view of work: tasks, assignments, pools."""

from __future__ import annotations

import msgspec

from engine.events import AttributeValue
from projections.calls import CALLBACK_STATES, DELIVERY_STATES
from projections.listing import Field, Kind, Listing, reading
from projections.pools import REASON
from projections.rows import AssignmentView, PoolView, TaskView
from projections.tasks import ROWS_OF_PACKAGE

_attributes = msgspec.json.Decoder(dict[str, AttributeValue]).decode
_lane = msgspec.json.Decoder(list[AttributeValue]).decode
_words = msgspec.json.Decoder(list[str]).decode
_mapping = msgspec.json.Decoder(dict[str, str]).decode

_TASK_JOINS = {
    "r": "JOIN arrivals r ON r.position = t.position",
    "e": "LEFT JOIN endings e ON e.task = t.number",
    "w": "LEFT JOIN waiting w ON w.task = t.number",
    "a": "LEFT JOIN assignments a ON a.task = t.number AND a.last",
    "o": 'LEFT JOIN offers o ON o.task = t.number AND o."grant" = a."grant"',
    "k": "LEFT JOIN marks k ON k.task = t.number",
    "d": "LEFT JOIN deadlines d ON d.task = t.number",
    "q": "LEFT JOIN opinions q ON q.task = t.number",
    "g": 'LEFT JOIN givings g ON g."grant" = a."grant"',
    "p": "LEFT JOIN poolings p ON p.id = coalesce(w.pooling, a.pooling, e.pooling, k.returned)",
    "l": "LEFT JOIN pools l ON l.id = p.pool",
    "m": "LEFT JOIN methods m ON m.rule = p.rule",
    "cb": "LEFT JOIN calls cb ON cb.task = t.number AND cb.kind = 'callback'",
    "cd": "LEFT JOIN LATERAL (SELECT x.state, x.attempts, x.reason FROM calls x WHERE x.task = t.number"
    " AND x.kind = 'result' ORDER BY x.made DESC LIMIT 1) cd ON true",
}
STATUS = """
CASE WHEN e.ended IS NOT NULL THEN e.ended WHEN cb.state = 'calling' THEN 'calling'
    WHEN w.task IS NOT NULL THEN 'pooled'
    WHEN k.returned > 0 THEN 'returned' WHEN a.task IS NULL THEN 'created'
    WHEN o.accepted_at = 0 THEN 'offered' WHEN a.started_at > 0 THEN 'in_progress' ELSE 'assigned' END"""
_OPEN = "e.ended IS NULL AND a.started_at"
_PICKED_BY, _PASSED = "g.picked_by[a.how + 1]", "g.passed -> a.how"
_SET_ASIDE = """
k.set_aside = p.rule AND m.method = 'offer'
AND NOT EXISTS (SELECT FROM assignments h WHERE h.task = t.number AND h."grant" > k.set_aside_at)"""
"""Its rounds of offers are over, and nobody was given it since: engine.decide.round.is_set_aside in SQL."""
_WAITING_FOR = f"""
CASE WHEN w.task IS NULL THEN '' WHEN {_SET_ASIDE} THEN 'to_be_assigned' ELSE {REASON} END"""
_POSITIONS = """
ARRAY(SELECT unnest(t.position || p.trail)
    UNION SELECT unnest(h."grant" || h.later) FROM assignments h WHERE h.task = t.number
    UNION SELECT unnest(k.trail)
    UNION SELECT unnest(q.trail)
    UNION SELECT d.position WHERE d.position IS NOT NULL
    UNION SELECT unnest(array_remove(ARRAY[x.made, x.ended], 0)) FROM calls x WHERE x.task = t.number
    UNION SELECT f.position FROM refusals f WHERE f.task = t.number
    UNION SELECT e.ended_by WHERE e.ended_by IS NOT NULL ORDER BY 1)"""
_PRIORITY = "CASE WHEN k.priority >= 0 THEN k.priority ELSE t.priority END"
_OFFERED_UNTIL = "CASE WHEN e.ended IS NULL AND o.accepted_at = 0 THEN o.until ELSE 0 END"
_LOCKED = "CASE WHEN e.ended IS NULL THEN coalesce(k.locked_until, 0) ELSE 0 END"
TASK_POSITIONS = f"""
SELECT unnest({_POSITIONS}) FROM tasks t {" ".join(_TASK_JOINS[join] for join in "ewakqpd")}
WHERE t.number = %(task)s ORDER BY 1
"""
"""Positions of every event that concerns a task."""
_FEEDBACK = """
CASE WHEN q.task IS NULL THEN '' WHEN q.opinion = '' AND q.closes_at > 0 THEN 'awaited' ELSE q.opinion END"""
_REASONS = (
    "no_rule_governs", "to_be_claimed", "to_be_assigned", "in_turn", "nobody_available", "no_agent_within_targets",
    "all_at_capacity", "all_at_rule_cap",
)  # fmt: skip


def _last(column: str, kind: Kind, empty: str) -> Field:
    """A column of the task's last assignment."""
    return Field(f"coalesce(a.{column}, {empty})", kind, ("a",), strict=f"a.{column}")


def _given(expression: str, kind: Kind, empty: str) -> Field:
    """Something that the task's last assignment has in common with others of the same event."""
    return Field(f"coalesce({expression}, {empty})", kind, ("a", "g"), strict=expression)


TASKS: Listing[TaskView] = Listing(
    name="tasks",
    views=("tasks",),
    base="tasks t",
    key=("number",),
    key_columns=("t.number",),
    joins=_TASK_JOINS,
    fields={
        "number": Field("t.number", "int"),
        "type": Field("r.type", "text", ("r",)),
        "business_type": Field("r.business_type", "text", ("r",)),
        "status": Field(
            STATUS, "text", ("e", "w", "a", "o", "k", "cb"),
            values=(
                "created", "calling", "pooled", "offered", "assigned", "in_progress", "completed", "closed",
                "cancelled", "merged", "returned",
            ),
            special={
                "calling": "cb.state = 'calling'",
                "pooled": "w.task IS NOT NULL",
                "offered": "e.ended IS NULL AND o.accepted_at = 0",
                "assigned": f"{_OPEN} = 0 AND (o.accepted_at > 0 OR o.task IS NULL)",
                "in_progress": f"{_OPEN} > 0",
                "completed": "e.ended = 'completed'",
                "cancelled": "e.ended = 'cancelled'",
                "merged": "e.ended = 'merged'",
                "closed": "e.ended = 'closed'",
            },
        ),
        "priority": Field(_PRIORITY, "int", ("k",)),
        "customer": Field("t.customer", "text"),
        "owner": Field("t.owner", "text"),
        "region": Field("t.region", "text"),
        "attributes": Field("t.attributes::jsonb", "attributes", sortable=False),
        "package": Field("t.package", "int", also=ROWS_OF_PACKAGE.format(task="t.number")),
        "line": Field("t.line", "int"),
        "rule": Field("coalesce(p.rule, '')", "text", ("e", "w", "a", "k", "p"), strict="p.rule"),
        "version": Field("coalesce(g.version, p.version, 0)", "int", ("e", "w", "a", "k", "g", "p")),
        "stage": Field("coalesce(p.stage, 0)", "int", ("e", "w", "a", "k", "p")),
        "waiting_for": Field(_WAITING_FOR, "text", ("e", "w", "a", "k", "p", "l", "m"), values=_REASONS),
        "agent": _last("agent", "text", "''"),
        "grant": _last('"grant"', "int", "0"),
        "picked_by": _given(_PICKED_BY, "text", "''"),
        "passed": Field(f"coalesce({_PASSED}, '[]')", "words", ("a", "g"), sortable=False),
        "created_at": Field("r.created_at", "time", ("r",)),
        "pooled_at": Field("coalesce(p.pooled_at, 0)", "time", ("e", "w", "a", "k", "p")),
        "assigned_at": _given("g.assigned_at", "time", "0"),
        "started_at": _last("started_at", "time", "0"),
        "ended_at": Field("coalesce(e.ended_at, 0)", "time", ("e",), strict="e.ended_at"),
        "recycled": Field("coalesce(k.recycled, 0)", "int", ("k",), strict="k.recycled"),
        "handed_over": Field("coalesce(k.handed_over, 0)", "int", ("k",), strict="k.handed_over"),
        "escalated": Field("coalesce(k.escalated, false)", "bool", ("k",)),
        "overdue": Field("coalesce(k.overdue, false)", "bool", ("k",)),
        "respond_by": Field("coalesce(d.respond_by, 0)", "time", ("d",), strict="d.respond_by"),
        "resolve_by": Field("coalesce(d.resolve_by, 0)", "time", ("d",), strict="d.resolve_by"),
        "merged_into": Field("coalesce(k.merged_into, 0)", "int", ("k",), strict="k.merged_into"),
        "locked_until": Field(_LOCKED, "time", ("e", "k")),
        "offered_until": Field(_OFFERED_UNTIL, "time", ("e", "a", "o")),
        "let_pass": Field("coalesce(k.let_pass, 0)", "int", ("k",), strict="k.let_pass"),
        "feedback": Field(_FEEDBACK, "text", ("q",), values=("", "awaited", "satisfied", "unsatisfied")),
        "score": Field("coalesce(q.score, 0)", "int", ("q",), strict="q.score"),
        "closes_at": Field("coalesce(q.closes_at, 0)", "time", ("q",), strict="q.closes_at"),
        "closed_at": Field("coalesce(q.closed_at, 0)", "time", ("q",), strict="q.closed_at"),
        "closed_why": Field("coalesce(q.why, '')", "text", ("q",), strict="q.why"),
        "reopened": Field("coalesce(q.reopened, 0)", "int", ("q",), strict="q.reopened"),
        "callback": Field("coalesce(cb.state, '')", "text", ("cb",), values=("", *CALLBACK_STATES), strict="cb.state"),
        "delivery": Field("coalesce(cd.state, '')", "text", ("cd",), values=("", *DELIVERY_STATES), strict="cd.state"),
    },
    columns=(
        "t.number", "r.type", "r.business_type", STATUS, _PRIORITY, "t.customer", "t.owner", "t.region",
        "t.attributes", "t.name_masked", "t.mobile_masked", "t.id_card_masked", "t.package", "t.line",
        "coalesce(p.rule, a.rule, '')", "coalesce(g.version, p.version, 0)", "coalesce(p.stage, 0)",
        "coalesce(p.lane::text, '[]')", _WAITING_FOR, "coalesce(a.agent, '')", "coalesce(a.\"grant\", 0)",
        f"coalesce({_PICKED_BY}, '')", f"coalesce(({_PASSED})::text, '[]')", "r.created_at", "coalesce(p.pooled_at, 0)",
        "coalesce(g.assigned_at, 0)", "coalesce(a.started_at, 0)", "coalesce(e.ended_at, 0)",
        "coalesce(e.wrap_up, '{}')", _POSITIONS, "coalesce(k.recycled, 0)", "coalesce(k.handed_over, 0)",
        "coalesce(k.escalated, false)", _LOCKED, "coalesce(d.respond_by, 0)", "coalesce(d.resolve_by, 0)",
        "coalesce(k.overdue, false)", "coalesce(k.merged_into, 0)", _OFFERED_UNTIL, "coalesce(k.let_pass, 0)",
        _FEEDBACK, "coalesce(q.score, 0)", "coalesce(q.note, '')", "coalesce(q.given_at, 0)",
        "coalesce(q.closes_at, 0)", "coalesce(q.closed_at, 0)", "coalesce(q.why, '')", "coalesce(q.reopened, 0)",
        "coalesce(cb.state, '')", "coalesce(cb.attempts, 0)", "coalesce(cb.reason, '')", "coalesce(cd.state, '')",
        "coalesce(cd.attempts, 0)", "coalesce(cd.reason, '')",
    ),
    show_joins=" ".join(_TASK_JOINS.values()),
    row=reading(TaskView, {8: _attributes, 17: _lane, 22: _words, 28: _mapping}),
)  # fmt: skip

GIVEN_OF_PACKAGE = (
    't."grant" > (SELECT position FROM arrivals WHERE package = %s AND package > 0 ORDER BY first LIMIT 1) AND'
    + ROWS_OF_PACKAGE.format(task="t.task")
)
"""Where the assignments of a package's rows stand in the history."""

_HISTORY_JOINS = {
    "n": "JOIN tasks n ON n.number = t.task",
    "g": 'JOIN givings g ON g."grant" = t."grant"',
    "e": "LEFT JOIN endings e ON e.task = t.task AND t.last",
}
_OUTCOME = """
CASE WHEN NOT t.last THEN t.became WHEN e.ended = 'closed' THEN 'completed' ELSE coalesce(e.ended, '') END"""
_LEFT = ("reassigned", "recycled", "handed_over", "escalated", "rejected", "timed_out")
"""How an assignment may end while its task goes on."""
_ENDED_AT = "CASE WHEN t.last THEN coalesce(e.ended_at, 0) ELSE t.left_at END"

ASSIGNMENTS: Listing[AssignmentView] = Listing(
    name="assignments",
    views=("tasks",),
    base="assignments t",
    key=("grant", "task"),
    key_columns=('t."grant"', "t.task"),
    joins=_HISTORY_JOINS,
    fields={
        "task": Field("t.task", "int"),
        "grant": Field('t."grant"', "int"),
        "agent": Field("t.agent", "text"),
        "rule": Field("t.rule", "text"),
        "version": Field("g.version", "int", ("g",)),
        "package": Field("n.package", "int", ("n",), also=GIVEN_OF_PACKAGE),
        "round": Field("g.round", "int", ("g",)),
        "picked_by": Field("g.picked_by[t.how + 1]", "text", ("g",)),
        "passed": Field("(g.passed -> t.how)", "words", ("g",), sortable=False),
        "outcome": Field(
            _OUTCOME, "text", ("e",),
            values=("", "completed", "cancelled", "merged", *_LEFT),
            special={
                "": "t.last AND e.ended IS NULL",
                "completed": "(e.ended IN ('completed', 'closed') OR NOT t.last AND t.became = 'completed')",
                "cancelled": "e.ended = 'cancelled'",
                "merged": "e.ended = 'merged'",
                **{became: f"NOT t.last AND t.became = '{became}'" for became in _LEFT},
            },
        ),
        "assigned_at": Field("g.assigned_at", "time", ("g",)),
        "started_at": Field("t.started_at", "time"),
        "ended_at": Field(_ENDED_AT, "time", ("e",)),
    },
    columns=(
        't."grant"', "t.task", "t.agent", "t.rule", "g.version", "n.package", "g.round",
        "g.picked_by[t.how + 1]", "(g.passed -> t.how)::text", "g.assigned_at", "t.started_at", _ENDED_AT, _OUTCOME,
    ),
    show_joins=" ".join(_HISTORY_JOINS.values()),
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
        "(SELECT r.created_at FROM tasks t JOIN arrivals r ON r.position = t.position WHERE t.number ="
        " (SELECT w.task FROM waiting w JOIN poolings p ON p.id = w.pooling WHERE p.pool = l.id"
        " ORDER BY w.task LIMIT 1))",
    ),
    show_joins=_METHODS["m"],
    row=reading(PoolView, {2: _lane}),
)  # fmt: skip
