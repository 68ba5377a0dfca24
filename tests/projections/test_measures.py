"""Measures are what plain arithmetic over the log gives, for every range of time and every grouping."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.audit.verify import verify
from adapters.views.queries import Queries, QueryError
from adapters.views.rebuild import rebuild
from engine import events as ev
from engine.events import Recorded
from projections import measuring
from projections.measuring import GROUPS, MeasuresAsked, MeasureView, Spread, TooManyRowsError
from tests.projections.drawing import draws, opened, openings, seeded
from tests.projections.live import Live
from tests.projections.plain_measures import measures

MINUTE = 60_000
_SETTINGS = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))

bounds = st.tuples(st.integers(0, 60), st.integers(0, 60))
groupings = st.lists(st.sampled_from(GROUPS), unique=True, max_size=5).map(tuple)
widths = st.sampled_from((0, MINUTE, 7 * MINUTE, 60 * MINUTE))


def dressed(log: Sequence[Recorded]) -> list[Recorded]:
    """The same history, with teams that change and deadlines that are kept, just kept, just missed, or not there."""
    return [msgspec.structs.replace(one, event=_dressed(one)) for one in log]


def _dressed(one: Recorded) -> ev.Event:
    event = one.event
    if isinstance(event, ev.AgentsRegistered):
        place = one.position % 3
        specs = [
            msgspec.structs.replace(spec, team=f"team {(place + n) % 3 or ''}") for n, spec in enumerate(event.agents)
        ]
        return msgspec.structs.replace(event, agents=tuple(specs))
    if isinstance(event, ev.TaskCompleted):
        spare = (one.position + event.task) % 4 - 2
        by = one.at + spare if spare < 1 else 0
        return msgspec.structs.replace(
            event, respond_by=by - 30 * MINUTE * (event.task % 2) if by else 0, resolve_by=by
        )
    return event


def asked_of(log: Sequence[Recorded], bounds: tuple[int, int], by: tuple, width: int) -> MeasuresAsked:
    """A range that begins and ends at events of the log, or has no end."""
    times = [0, *sorted({one.at for one in log})]
    since, until = sorted(times[place % len(times)] for place in bounds)
    return MeasuresAsked(since, until if until > since else 0, by, width)


async def _answers(queries: Queries, asked: Sequence[MeasuresAsked]) -> list[list[MeasureView]]:
    return [await queries.measures(one) for one in asked]


def filled(live: Live, log: Sequence[Recorded], size: int | None = None) -> None:
    live.reset()
    live.put(log)
    live.catch_up(size)


@_SETTINGS
@given(
    rules=openings, steps=draws, size=st.integers(1, 20),
    questions=st.lists(st.tuples(bounds, groupings, widths), min_size=1, max_size=6),
)  # fmt: skip
def test_measures_are_what_the_log_says(live: Live, rules: int, steps: list, size: int, questions: list) -> None:
    log = dressed(opened(rules, steps).log)
    filled(live, log, size)
    asked = [asked_of(log, *question) for question in questions]
    assert live.ask(lambda queries: _answers(queries, asked)) == [measures(log, one) for one in asked]


@pytest.mark.parametrize("seed", [5, 29])
def test_a_long_history_by_every_group(live: Live, seed: int) -> None:
    log = dressed(seeded(seed, 900).log)
    filled(live, log)
    asked = [MeasuresAsked(by=(name,)) for name in GROUPS] + [MeasuresAsked(), MeasuresAsked(by=GROUPS, bucket=MINUTE)]
    answers = live.ask(lambda queries: _answers(queries, asked))
    assert answers == [measures(log, one) for one in asked]
    whole = answers[5][0]
    assert min(whole.created, whole.assigned, whole.started, whole.completed, whole.cancelled) > 5
    assert 0 < whole.resolved_in_time < whole.with_resolve_by < whole.completed
    assert 0 < whole.responded_in_time < whole.with_respond_by
    assert len(answers[3]) > 2, "several teams"
    for grouped in answers[:5]:
        for name in measuring.COUNTED + measuring.KEPT:
            assert sum(getattr(row, name) for row in grouped) == getattr(whole, name)


def test_rebuilt_and_verified(live: Live) -> None:
    log = dressed(seeded(31, 300).log)
    filled(live, log, 3)
    before = live.dump()
    assert before["completions"] and before["happenings"] and before["teams"]
    rebuild(live.dsn, live.workspace, "measures")
    assert live.dump() == before
    assert verify(live.dsn, live.workspace).ok
    live.connection.execute("UPDATE completions SET in_time = NOT in_time WHERE in_time IS NOT NULL")
    findings = {finding.subject: finding for finding in verify(live.dsn, live.workspace).findings}
    assert not findings["tasks"].ok and "completions" in findings["tasks"].message


# --- by hand ---------------------------------------------------------------------------------------------------------

START = 1_700_000_000_000
_ROW = ev.TaskRow(0, None, None, None, 0, ())


def _told(*told: tuple[int, ev.Event]) -> list[Recorded]:
    """Events by the minute."""
    return [
        Recorded(place, START + minute * MINUTE, "op", f"q{place}", "", event)
        for place, (minute, event) in enumerate(told, 1)
    ]


def _roster(ann: str) -> ev.AgentsRegistered:
    return ev.AgentsRegistered((ev.AgentSpec("ann", team=ann), ev.AgentSpec("bob", team="west")))


def _given(task: int, agent: str, held_by: str = "") -> ev.TaskReassigned:
    return ev.TaskReassigned(task, agent, held_by, "calls", 1)


def _done(task: int, agent: str, grant: int, minute: int) -> ev.TaskCompleted:
    by = START + minute * MINUTE
    return ev.TaskCompleted(task, agent, grant, respond_by=by - 20 * MINUTE, resolve_by=by)


BY_HAND = _told(
    (0, _roster("east")),
    (0, ev.TasksImported(1, 0, 1, "call", "loan", (), (_ROW,) * 3)),
    (1, ev.TaskCreated(4, "visit", "card", (), _ROW)),
    (1, ev.TasksPooled(1, (ev.Placement("calls", (1, 2, 3)),), 1, 3)),
    (2, ev.TasksAllocated(1, 1, ("ann", "bob"), ("calls",), (ev.Pick("owner"),), (1, 2), (0, 1), (0, 0), (0, 0))),
    (5, ev.TaskStarted(1, "ann", 5)),
    (10, _done(1, "ann", 5, 10)),
    (12, _given(2, "ann", "bob")),
    (15, _roster("west")),
    (20, ev.TaskStarted(2, "ann", 8)),
    (31, _done(2, "ann", 8, 30)),
    (40, _given(3, "bob")),
    (60, ev.TaskCompleted(3, "bob", 12)),
    (61, ev.TasksCancelled((4,), ("",))),
)
"""Task 1 comes at 0, is assigned at 2, started at 5 and done at 10, when it is due. Task 2 waits with bob, then ann has
it, starts at 20 and is done at 31, a minute late. Task 3 is assigned at 40 and done at 60, never started, never due.
Task 4 is cancelled at 61. Ann moves from east to west at 15."""


def minutes(count: int, *values: int) -> Spread:
    p50, p90, p99 = (value * MINUTE for value in values)
    return Spread(count, p50, p90, p99)


def ask(live: Live, asked: MeasuresAsked) -> list[MeasureView]:
    return live.ask(lambda queries: queries.measures(asked))


def test_figures_worked_out_by_hand(live: Live) -> None:
    filled(live, BY_HAND)
    assert ask(live, MeasuresAsked()) == [
        MeasureView(
            created=4, assigned=4, started=2, completed=3, cancelled=1,
            with_respond_by=2, responded_in_time=0, with_resolve_by=2, resolved_in_time=1,
            to_assign=minutes(3, 2, 40, 40), to_start=minutes(2, 5, 20, 20), to_complete=minutes(3, 31, 60, 60),
        ),
    ]  # fmt: skip


def test_whose_they_are(live: Live) -> None:
    filled(live, BY_HAND)
    east, west, nobody = (
        MeasureView(
            team="east", assigned=2, started=1, completed=1, with_respond_by=1, with_resolve_by=1, resolved_in_time=1,
            to_assign=minutes(1, 2, 2, 2), to_start=minutes(1, 5, 5, 5), to_complete=minutes(1, 10, 10, 10),
        ),
        MeasureView(
            team="west", assigned=2, started=1, completed=2, with_respond_by=1, with_resolve_by=1,
            to_assign=minutes(2, 2, 40, 40), to_start=minutes(1, 20, 20, 20), to_complete=minutes(2, 31, 60, 60),
        ),
        MeasureView(created=4, cancelled=1),
    )  # fmt: skip
    assert ask(live, MeasuresAsked(by=("team",))) == [nobody, east, west]
    by_type = {row.type: (row.created, row.completed, row.cancelled) for row in ask(live, MeasuresAsked(by=("type",)))}
    assert by_type == {"call": (3, 3, 0), "visit": (1, 0, 1)}
    by_rule = {row.rule: (row.created, row.assigned) for row in ask(live, MeasuresAsked(by=("rule",)))}
    assert by_rule == {"": (4, 0), "calls": (0, 4)}


def test_what_belongs_to_a_range(live: Live) -> None:
    """From the first moment, to before the last; a duration belongs to the moment the task was completed."""
    filled(live, BY_HAND)
    (found,) = ask(live, MeasuresAsked(START + 10 * MINUTE, START + 31 * MINUTE))
    assert (found.created, found.assigned, found.started, found.completed) == (0, 1, 1, 1)
    assert found.to_complete == minutes(1, 10, 10, 10)
    (found,) = ask(live, MeasuresAsked(START + 10 * MINUTE + 1, START + 31 * MINUTE + 1))
    assert found.completed == 1 and found.to_complete == minutes(1, 31, 31, 31)


def test_buckets_begin_with_the_range(live: Live) -> None:
    filled(live, BY_HAND)
    since = START + 5 * MINUTE
    found = ask(live, MeasuresAsked(since, bucket=30 * MINUTE))
    rows = [((row.bucket_at - since) // MINUTE, row.assigned, row.completed, row.cancelled) for row in found]
    assert rows == [(0, 1, 2, 0), (30, 1, 1, 1)]


# --- bounds ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        (MeasuresAsked(5, 5), "end_time"),
        (MeasuresAsked(bucket=MINUTE - 1), "bucket_ms"),
        (MeasuresAsked(by=("agent", "agent")), "group_by"),
    ],
)
def test_what_can_never_be_answered(live: Live, asked: MeasuresAsked, field: str) -> None:
    with pytest.raises(QueryError, match="Expected") as error:
        ask(live, asked)
    assert error.value.field == field


def test_no_more_rows_than_are_given_at_once(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(live, BY_HAND)
    monkeypatch.setattr(measuring, "MAX_ROWS", 3)
    assert len(ask(live, MeasuresAsked(by=("team",)))) == 3
    with pytest.raises(TooManyRowsError, match="at most 3 rows"):
        ask(live, MeasuresAsked(by=("agent", "team")))


def test_an_empty_log(live: Live) -> None:
    live.reset()
    assert ask(live, MeasuresAsked()) == [MeasureView()]
    assert ask(live, MeasuresAsked(by=("agent",), bucket=MINUTE)) == []
