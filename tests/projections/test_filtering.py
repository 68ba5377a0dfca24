"""Filters: what they accept becomes SQL that never fails, what they refuse is said where and why."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.views.queries import Queries, QueryError
from projections.filtering import condition_of
from projections.work_lists import TASKS
from tests.projections.drawing import seeded
from tests.projections.live import Live, expected

DECLARED = {"zone": "string", "level": "int", "score": "float", "vip": "bool", "tags": "list(string)"}
STORY = 12


@pytest.fixture(scope="module")
def told(postgres: str) -> Iterator[Live]:
    live = Live(postgres, "filters")
    live.put(seeded(STORY, 250).log)
    live.catch_up()
    yield live
    live.close()


def numbers(told: Live, text: str) -> list[int]:
    return [row.number for row in told.ask(lambda queries: queries.tasks(filter=text, page_size=1000)).rows]


MEANINGS = [
    ('status = "pooled"', lambda t: t.status == "pooled"),
    ("status = completed", lambda t: t.status == "completed"),
    ("status != assigned", lambda t: t.status != "assigned"),
    ("NOT status = assigned", lambda t: t.status != "assigned"),
    ("-status = in_progress", lambda t: t.status != "in_progress"),
    ("status = cancelled OR status = created", lambda t: t.status in ("cancelled", "created")),
    ("priority >= 50 AND priority < 90", lambda t: 50 <= t.priority < 90),
    ("priority >= 50 priority < 90", lambda t: 50 <= t.priority < 90),
    ("priority > 10 AND status = pooled OR status = created", lambda t: t.priority > 10 and t.status in ("pooled", "created")),
    ("(priority > 10 AND status = pooled) OR status = created", lambda t: (t.priority > 10 and t.status == "pooled") or t.status == "created"),
    ("priority > -1", lambda t: True),
    ("attributes.level > 1", lambda t: t.attributes.get("level", 0) > 1),
    ("NOT attributes.level > 1", lambda t: not t.attributes.get("level", 0) > 1),
    ('attributes.zone = "zone 1"', lambda t: t.attributes.get("zone") == "zone 1"),
    ('attributes.zone:"r\\\\th"', lambda t: "r\\th" in t.attributes.get("zone", "")),
    ("attributes:level", lambda t: "level" in t.attributes),
    ("attributes.level:*", lambda t: "level" in t.attributes),
    ('agent = "ann"', lambda t: t.agent == "ann"),
    ('agent != "ann"', lambda t: t.agent != "ann"),
    ('NOT agent = "ann"', lambda t: t.agent != "ann"),
    ("agent:*", lambda t: t.agent != ""),
    ('agent = ""', lambda t: t.agent == ""),
    ("agent:a", lambda t: "a" in t.agent),
    ('rule = "p"', lambda t: t.rule == "p"),
    ('NOT rule = "p" AND package = 1', lambda t: t.rule != "p" and t.package == 1),
    ('passed:"owner: none"', lambda t: "owner: none" in t.passed),
    ("waiting_for = no_rule_governs", lambda t: t.waiting_for == "no_rule_governs"),
    ("waiting_for:*", lambda t: t.waiting_for != ""),
    ("region = JS type = call", lambda t: t.region == "JS" and t.type == "call"),
    ('created_at > "2020-01-01T00:00:00Z"', lambda t: True),
    ("created_at > 1700000000000", lambda t: t.created_at > 1_700_000_000_000),
    ("started_at > 0", lambda t: t.started_at > 0),
]  # fmt: skip


@pytest.mark.parametrize(("text", "meaning"), MEANINGS, ids=[text for text, _ in MEANINGS])
def test_what_a_filter_means(told: Live, text: str, meaning) -> None:
    every = expected(seeded(STORY, 250).log)["tasks"]
    assert numbers(told, text) == [task.number for task in every if meaning(task)]


REFUSED = [
    ("pooled", "column 1.*'pooled' stands alone"),
    ('priority > 3 "urgent"', "column 14"),
    ("statsu = pooled", "'statsu' is not one; did you mean 'status'"),
    ("status = poled", "'poled' is not one; did you mean 'pooled'"),
    ('priority = "x"', "a whole number for priority at column 12, but got 'x'"),
    ("priority = 1.5", "a whole number"),
    ("priority = true", "a whole number"),
    ("priority = 99999999999999999999", "a whole number"),
    ("agent = 5", "text for agent at column 9"),
    ("attributes.levle = 2", "did you mean 'level'"),
    ("attributes.level = high", "a whole number for attributes.level"),
    ("attributes.zone > 5", "text"),
    ("attributes.vip < true", "= or !="),
    ("attributes.tags = a", "`:` for a list"),
    ("attributes = 5", "attributes.<name>"),
    ("priority.high = 1", "alone at column 1"),
    ("status = ", "ends too soon|the end"),
    ("(status = pooled", "the end|too soon"),
    ("status = pooled)", "column 16"),
    ("status == pooled", "column 9"),
    ("status = pooled AND", "the end|too soon"),
    ("created_at > yesterday", "milliseconds since 1970"),
    ('created_at > "2026-01-01T00:00:00"', "its zone"),
    ("priority > *", "`:` before"),
    ("(" * 40 + "priority = 1" + ")" * 40, "at most 32 deep"),
    ("priority = 1 " * 101, "at most 100 comparisons"),
    ("x" * 5000, "at most 4096"),
    ('agent = "a\0b"', "without NUL"),
    ("'; DROP TABLE tasks; --", "column"),
]


@pytest.mark.parametrize(("text", "message"), REFUSED, ids=[text[:30].replace("\0", "0") for text, _ in REFUSED])
def test_what_is_refused_and_why(text: str, message: str) -> None:
    with pytest.raises(QueryError, match=message) as raised:
        condition_of(text, TASKS.fields, DECLARED)
    assert raised.value.field == "filter"


_words = st.sampled_from(["status", "priority", "agent", "attributes", "attributes.level", "attributes.zone", "attributes.tags", "passed", "created_at", "pooled", "JS", "AND", "OR", "NOT", "waiting_for", "rule", "removed"])  # fmt: skip
_operators = st.sampled_from(["=", "!=", "<", ">=", ":", "(", ")", "-", "*", "."])
_values = st.one_of(
    st.integers().map(str),
    st.floats(allow_nan=False).map(repr),
    st.text(max_size=6).map(lambda text: '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'),
    st.sampled_from(["true", "false", "1e300", "1e999", "-0", '"2026-01-01T00:00:00Z"']),
)
_texts = st.lists(st.one_of(_words, _operators, _values), min_size=1, max_size=12).map(" ".join)
_comparisons = st.lists(
    st.tuples(_words, _operators, _values).map(" ".join), min_size=1, max_size=5
).map(" AND ".join)  # fmt: skip


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(texts=st.lists(st.one_of(_texts, _comparisons, st.text(max_size=20)), min_size=8, max_size=8))
def test_a_filter_is_refused_or_runs(told: Live, texts: list[str]) -> None:
    async def all_of_them(queries: Queries) -> None:
        for text in texts:
            try:
                await queries.tasks(filter=text, page_size=2)
                await queries.agents(filter=text, page_size=2)
            except QueryError as error:
                assert error.field == "filter" and error.message.startswith("Expected"), error.message

    told.ask(all_of_them)


def test_the_digest_of_conditions_is_parameters_only() -> None:
    made = condition_of('agent = "x\'; DROP" AND attributes.zone = "y\'"', TASKS.fields, DECLARED)
    assert "DROP" not in made.sql and "y'" not in made.sql
    assert made.params[0] == "x'; DROP"


def test_order_by_and_page_size_are_checked(told: Live) -> None:
    for asked, message in (
        ({"order_by": "prio"}, "did you mean 'priority'"),
        ({"order_by": "priority down"}, "`field` or `field desc`"),
        ({"order_by": "priority,priority"}, "twice"),
        ({"order_by": "attributes"}, "a field to sort by"),
        ({"page_size": -1}, "page size"),
    ):
        with pytest.raises(QueryError, match=message):
            told.ask(lambda queries, asked=asked: queries.tasks(**asked))
