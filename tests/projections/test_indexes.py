"""What people ask for by key is found by an index, and the next page begins where the last one ended."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from adapters.log.schemas import schema_of
from adapters.views.connection import options
from projections.listing import NO_SCOPE, Listing, Request, Scope, _digest, plan, token_of
from projections.work_lists import ASSIGNMENTS, GIVEN_OF_PACKAGE, TASKS
from tests.projections.drawing import seeded
from tests.projections.live import Live

_LARGE = {"tasks", "assignments", "waiting", "endings"}
"""Tables with a row a task and more; whoever reads one from end to end takes longer the more there are."""


@pytest.fixture(scope="module")
def plans(postgres: str) -> Iterator[psycopg.Connection]:
    """A connection on which PostgreSQL reads a table from end to end only where it has no other way."""
    live = Live(postgres, "indexes")
    live.put(seeded(33, 250).log)
    live.catch_up()
    without = [f"enable_{way}=off" for way in ("seqscan", "bitmapscan", "hashjoin", "mergejoin", "material")]
    with psycopg.connect(postgres, options=options(schema_of("indexes"), *without)) as connection:
        connection.execute("ANALYZE")
        connection.commit()
        yield connection
    live.close()


def nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for below in node.get("Plans", ()):
        yield from nodes(below)


def chosen(connection: psycopg.Connection, listing: Listing, request: Request, scope: Scope) -> list[dict[str, Any]]:
    """The steps that choose a page's rows, from the LIMIT down."""
    made = plan(listing, request, {"level": "int"}, scope)
    found = connection.execute("EXPLAIN (FORMAT JSON) " + made.sql, made.params).fetchone()
    assert found is not None
    whole = found[0] if isinstance(found[0], list) else json.loads(found[0])
    pages = [node for node in nodes(whole[0]["Plan"]) if node["Node Type"] == "Limit" and node["Plan Rows"] > 1]
    limits = [node for node in nodes(whole[0]["Plan"]) if node["Node Type"] == "Limit"]
    return list(nodes((pages or limits)[0]))


def conditions(steps: list[dict[str, Any]]) -> dict[str, str]:
    return {step["Index Name"]: step.get("Index Cond", "") for step in steps if "Index Name" in step}


OF_AGENT: Scope = ("t.agent = %s", ("ann",), ())
OF_TASK: Scope = ("t.task = %s", (3,), ())
OF_PACKAGE: Scope = (f"n.package = %s AND {GIVEN_OF_PACKAGE}", (1,) * 4, ("n",))

CASES = [
    (TASKS, "", NO_SCOPE, "tasks_pkey", "number > "),
    (TASKS, "package = 1", NO_SCOPE, "tasks_pkey", "number >= "),
    (TASKS, 'customer = "c2"', NO_SCOPE, "tasks_by_customer", "customer = "),
    (TASKS, 'agent = "ann"', NO_SCOPE, "assignments_of_agent", "agent = "),
    (TASKS, 'status = "pooled"', NO_SCOPE, "waiting_pkey", ""),
    (TASKS, 'status = "completed"', NO_SCOPE, "endings_pkey", ""),
    (ASSIGNMENTS, "", NO_SCOPE, "assignments_pkey", "ROW("),
    (ASSIGNMENTS, "", OF_AGENT, "assignments_of_agent", "agent = "),
    (ASSIGNMENTS, "", OF_TASK, "assignments_of_task", "task = "),
    (ASSIGNMENTS, "", OF_PACKAGE, "assignments_pkey", '"grant" > '),
]


@pytest.mark.parametrize(("listing", "asked", "scope", "index", "condition"), CASES, ids=[c[3] + c[1] for c in CASES])
def test_an_index_finds_the_rows(
    plans: psycopg.Connection, listing: Listing, asked: str, scope: Scope, index: str, condition: str
) -> None:
    last = [5, 5][: len(listing.key)]
    token = token_of(_digest(listing.name, Request(filter=asked), scope), last)
    steps = chosen(plans, listing, Request(filter=asked, page_token=token), scope)
    assert not [step for step in steps if step["Node Type"] == "Seq Scan" and step["Relation Name"] in _LARGE], steps
    assert condition in conditions(steps)[index]


@pytest.mark.parametrize("case", [case for case in CASES if "agent" not in case[1]], ids=lambda case: case[3] + case[1])
def test_the_index_gives_them_in_order(plans: psycopg.Connection, case: tuple) -> None:
    """Nothing is sorted before a page is cut off, so a page costs the same however many rows there are."""
    plans.execute("SET LOCAL enable_sort = off")
    steps = chosen(plans, case[0], Request(filter=case[1]), case[2])
    plans.rollback()
    assert not [step for step in steps if step["Node Type"] in ("Sort", "Incremental Sort")], steps
