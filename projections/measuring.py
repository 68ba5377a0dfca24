"""Measures for a range of time, group by group: one statement over the view of work, made for what is asked.

Every branch counts its own rows by group first; only groups are then put together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, get_args

import msgspec

from projections.errors import QueryError

GroupBy = Literal["type", "business_type", "rule", "team", "agent"]
GROUPS: tuple[GroupBy, ...] = get_args(GroupBy)

MAX_ROWS = 10_000
"""Of one answer."""
MIN_BUCKET_MS = 60_000
LATEST = 2**63 - 1

COUNTED = (
    "created", "assigned", "started", "completed", "cancelled", "merged", "handed_over", "recycled", "reopened",
    "escalated", "satisfied", "unsatisfied", "offer_returned",
)  # fmt: skip
KEPT = ("with_respond_by", "responded_in_time", "with_resolve_by", "resolved_in_time")


class MeasuresAsked(msgspec.Struct, frozen=True):
    """Times are milliseconds since 1970 UTC; ``since`` counts in, ``until`` no longer."""

    since: int = 0
    until: int = 0
    """0: no end."""
    by: tuple[GroupBy, ...] = ()
    bucket: int = 0
    """Milliseconds of each bucket, counted from ``since``; 0: none."""


class Spread(msgspec.Struct, frozen=True):
    """Percentiles of some durations in milliseconds, each one of the durations itself (nearest rank)."""

    count: int
    p50: int
    p90: int
    p99: int


class MeasureView(msgspec.Struct, frozen=True):
    """The figures of one group. What it is not grouped by is empty, ``bucket_at`` 0 without buckets."""

    bucket_at: int = 0
    type: str = ""
    business_type: str = ""
    rule: str = ""
    team: str = ""
    agent: str = ""
    created: int = 0
    assigned: int = 0
    started: int = 0
    completed: int = 0
    cancelled: int = 0
    merged: int = 0
    handed_over: int = 0
    recycled: int = 0
    reopened: int = 0
    escalated: int = 0
    satisfied: int = 0
    unsatisfied: int = 0
    offer_returned: int = 0
    with_respond_by: int = 0
    """Completed tasks that had a deadline for the response; the next, those who kept it."""
    responded_in_time: int = 0
    with_resolve_by: int = 0
    """Completed tasks that had a deadline for the whole; the next, those who kept it."""
    resolved_in_time: int = 0
    to_assign: Spread | None = None
    """None: nothing in it."""
    to_start: Spread | None = None
    to_complete: Spread | None = None


class TooManyRowsError(Exception):
    """The answer would have more rows than are given at once."""


class Branch(NamedTuple):
    """Rows of one kind of fact, under the alias that ``columns`` and ``at`` name."""

    source: str
    at: str
    position: str
    columns: dict[str, str]
    """Group -> SQL; a group that is not there is empty."""
    joins: dict[tuple[str, ...], str]
    """What has to be joined where one of the groups is asked for."""
    only: str = ""
    """A further condition."""


_OWN = {name: f"f.{name}" for name in ("type", "business_type", "rule", "agent")}
_TEAMS = """
LEFT JOIN (
    SELECT agent, team, since, lead(since, 1, 9223372036854775807) OVER (PARTITION BY agent ORDER BY since) AS until
    FROM teams
) m ON m.agent = f.agent AND m.since <= {position} AND m.until > {position}"""
_UNPOOLED = """
(SELECT r.{column} FROM tasks t JOIN arrivals r ON r.position = t.position WHERE t.number = f.task)"""
"""Of a task that never was in a pool when it was given away."""

_ARRIVALS = Branch("arrivals f", "f.created_at", "f.position", {name: _OWN[name] for name in GROUPS[:2]}, {})
_HAPPENINGS = Branch("happenings f", "f.at", "f.position", _OWN, {})
_COMPLETIONS = Branch("completions f", "f.at", "f.position", _OWN, {})
_ASSIGNMENTS = Branch(
    'givings g JOIN assignments f ON f."grant" = g."grant"'
    ' LEFT JOIN offers o ON o.task = f.task AND o."grant" = f."grant"',
    "g.assigned_at",
    'g."grant"',
    {**_OWN, **{name: f"coalesce(p.{name}, {_UNPOOLED.format(column=name)})" for name in GROUPS[:2]}},
    {GROUPS[:2]: " LEFT JOIN poolings p ON p.id = f.pooling"},
    " AND o.task IS NULL",
)
"""Without offers: they count when they are accepted, which is a happening."""

_BUCKET = "%(since)s::bigint + ({at} - %(since)s::bigint) / %(bucket)s::bigint * %(bucket)s::bigint"
_NO_FIGURES = "NULL::bigint, NULL::bigint, NULL::bigint, NULL::bigint" + ", NULL::bigint, NULL::bigint[]" * 3
_FIGURES = """
count(f.responded), count(*) FILTER (WHERE f.responded), count(f.in_time), count(*) FILTER (WHERE f.in_time)"""
_SPREAD = ", count(f.{0}), percentile_disc(ARRAY[0.5, 0.9, 0.99]) WITHIN GROUP (ORDER BY f.{0})"
_DURATIONS = ("to_assign", "to_start", "to_complete")


def question(asked: MeasuresAsked) -> tuple[str, dict[str, Any]]:
    """The statement and its parameters. Raises QueryError."""
    _check(asked)
    spreads = "".join(map(_SPREAD.format, _DURATIONS))
    branches = [
        _counted(asked, _ARRIVALS, "'created'", "sum(f.last - f.first + 1)", _NO_FIGURES),
        _counted(asked, _ASSIGNMENTS, "'assigned'", "count(*)", _NO_FIGURES),
        _counted(asked, _HAPPENINGS, "f.what", "sum(f.number)", _NO_FIGURES),
        _counted(asked, _COMPLETIONS, "'completed'", "count(*)", _FIGURES + spreads),
    ]
    keys = ", ".join(_keys(asked))
    counts = ", ".join(f"coalesce(sum(n) FILTER (WHERE what = '{what}'), 0)::bigint" for what in COUNTED)
    kept = ", ".join(f"coalesce(max({name}), 0)" for name in ("v1", "v2", "v3", "v4"))
    durations = ", ".join(f"max(n{place}), max(p{place})" for place in (1, 2, 3))
    columns = ", ".join([*_keys(asked), "what", "n", "v1", "v2", "v3", "v4", "n1", "p1", "n2", "p2", "n3", "p3"])
    grouped = f" GROUP BY {keys} ORDER BY {keys}" if keys else ""
    every = "\nUNION ALL ".join(branches)
    sql = f"SELECT {keys + ', ' if keys else ''}{counts}, {kept}, {durations} FROM ({every}) AS u ({columns}){grouped}"
    values = {"since": asked.since, "until": asked.until or LATEST, "bucket": asked.bucket, "limit": MAX_ROWS + 1}
    return sql + " LIMIT %(limit)s", values


def answer(asked: MeasuresAsked, rows: Sequence[Sequence[Any]]) -> list[MeasureView]:
    """The statement's rows, by bucket and then by group in the order asked. Raises TooManyRowsError."""
    if len(rows) > MAX_ROWS:
        told = f"Expected at most {MAX_ROWS} rows, but there are more; ask for less time, wider buckets or fewer groups"
        raise TooManyRowsError(told)
    return [_view(_keys(asked), row) for row in rows]


def _check(asked: MeasuresAsked) -> None:
    if asked.until and asked.until <= asked.since:
        raise QueryError("end_time", "Expected an end after the beginning, but it is not; give a later one, or none")
    if asked.bucket and asked.bucket < MIN_BUCKET_MS:
        raise QueryError(
            "bucket_ms", f"Expected buckets of at least a minute, but got {asked.bucket} ms; give wider ones"
        )
    if len(set(asked.by)) != len(asked.by):
        raise QueryError("group_by", "Expected each group once, but one is there twice; leave it out")


def _keys(asked: MeasuresAsked) -> list[str]:
    return (["bucket_at"] if asked.bucket else []) + list(asked.by)


def _counted(asked: MeasuresAsked, branch: Branch, what: str, number: str, figures: str) -> str:
    """One branch: keys, what is counted, how many, figures."""
    words = [_word(name, branch) for name in asked.by]
    bucket = [_BUCKET.format(at=branch.at)] if asked.bucket else []
    grouped = [*_hash(bucket, words), *(["f.what"] if what == "f.what" else [])]
    joins = "".join(text for names, text in branch.joins.items() if set(names) & set(asked.by))
    if "team" in asked.by and "agent" in branch.columns:
        joins += _TEAMS.format(position=branch.position)
    chosen = ", ".join([*(f"min({key})" for key in (*bucket, *words)), what, f"({number})::bigint", figures])
    range_ = f"{branch.at} >= %(since)s AND {branch.at} < %(until)s"
    ending = f" GROUP BY {', '.join(grouped)}" if grouped else ""
    return f"SELECT {chosen} FROM {branch.source}{joins} WHERE {range_}{branch.only}{ending}"


def _word(name: str, branch: Branch) -> str:
    if name == "team" and "agent" in branch.columns:
        return "coalesce(m.team, '')"
    return branch.columns.get(name, "''::text")


def _hash(bucket: Sequence[str], words: Sequence[str]) -> list[str]:
    """One number for a group: a million rows are sorted by it in a third of the time that several texts take. Among
    as many groups as an answer may have, two have the same one once in some hundred thousand million questions."""
    made = f"hashint8extended({bucket[0]}, 0)" if bucket else "0"
    for word in words:
        made = f"hashtextextended({word}, {made})"
    return [made] if bucket or words else []


def _view(keys: Sequence[str], row: Sequence[Any]) -> MeasureView:
    *rest, n1, p1, n2, p2, n3, p3 = row
    figures = dict(zip((*keys, *COUNTED, *KEPT), rest, strict=True))
    return MeasureView(**figures, to_assign=_spread(n1, p1), to_start=_spread(n2, p2), to_complete=_spread(n3, p3))


def _spread(count: int | None, percentiles: Sequence[int] | None) -> Spread | None:
    return Spread(count, *percentiles) if count and percentiles else None
