"""Whether the views show what the engine would decide on: open tasks, what agents hold, packages' counts."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg

from adapters.audit.findings import Finding
from engine.state import State
from engine.state.calls import Call
from projections.copying import clean
from projections.work_lists import STATUS

_TASKS = f"""
SELECT t.number, {STATUS}, coalesce(p.rule, a.rule, ''),
    CASE WHEN e.ended IS NULL THEN coalesce(a.agent, '') ELSE '' END,
    CASE WHEN e.ended IS NULL THEN coalesce(a."grant", 0) ELSE 0 END
FROM {{schema}}.tasks t LEFT JOIN {{schema}}.waiting w ON w.task = t.number
LEFT JOIN {{schema}}.assignments a ON a.task = t.number AND a.last
LEFT JOIN {{schema}}.offers o ON o.task = a.task AND o."grant" = a."grant"
LEFT JOIN {{schema}}.endings e ON e.task = t.number
LEFT JOIN {{schema}}.marks k ON k.task = t.number
LEFT JOIN {{schema}}.opinions q ON q.task = t.number
LEFT JOIN {{schema}}.calls cb ON cb.task = t.number AND cb.kind = 'callback'
LEFT JOIN {{schema}}.poolings p ON p.id = coalesce(w.pooling, a.pooling, k.returned)
WHERE e.ended IS NULL OR q.closes_at > 0
"""
"""Also of completed tasks that the state keeps until they are closed; nobody holds them."""
_SHOWN = 3

Shown = dict[object, object]


def state_finding(connection: psycopg.Connection, schema: str, state: State) -> Finding:
    """The first differences between a replayed state and the views at the same position."""
    pairs = (
        ("task", _tasks_by_state(state), _tasks_by_view(connection, schema)),
        ("load of", _loads_by_state(state), _loads_by_view(connection, schema)),
        ("call of", _calls_by_state(state), _calls_by_view(connection, schema)),
        ("package", _packages_by_state(state), _packages_by_view(connection, schema)),
    )
    wrong = [text for what, mine, theirs in pairs for text in _differences(what, mine, theirs)]
    if wrong:
        return Finding("state", False, "; ".join(wrong))
    return Finding(
        "state", True, f"{len(state.tasks)} open tasks, {len(state.agents)} agents, {len(state.packages)} packages"
    )


def _differences(what: str, state: Shown, view: Shown) -> list[str]:
    odd = [key for key in state.keys() | view.keys() if state.get(key) != view.get(key)]
    return [
        f"Expected {what} {key} to be {state.get(key, 'absent')} by the log, but the view has {view.get(key, 'none')}"
        for key in sorted(odd, key=str)[:_SHOWN]
    ]


def _tasks_by_state(state: State) -> Shown:
    return {
        task.number: (task.status, clean(task.rule or ""), clean(task.agent or ""), task.grant)
        for task in state.tasks.values()
    }


def _tasks_by_view(connection: psycopg.Connection, schema: str) -> Shown:
    return {row[0]: row[1:] for row in _rows(connection, _TASKS.format(schema=schema))}


def _loads_by_state(state: State) -> Shown:
    return {
        (clean(agent.id), clean(rule or "")): count
        for agent in state.agents.values()
        for rule, count in agent.load_by_rule.items()
    }


def _loads_by_view(connection: psycopg.Connection, schema: str) -> Shown:
    return {row[:2]: row[2] for row in _rows(connection, f"SELECT agent, rule, tasks FROM {schema}.loads")}


def _calls_by_state(state: State) -> Shown:
    return {(call.task, call.made): "under way" for call in _pending(state)}


def _pending(state: State) -> Iterator[Call]:
    yield from state.calls.callbacks.values()
    yield from state.calls.results.values()


def _calls_by_view(connection: psycopg.Connection, schema: str) -> Shown:
    query = f"SELECT task, made FROM {schema}.calls WHERE ended = 0"
    return {row[:2]: "under way" for row in _rows(connection, query)}


def _packages_by_state(state: State) -> Shown:
    return {
        number: (package.status, package.rows, package.rejected, package.distributed, package.waiting, package.calling)
        for number, package in state.packages.items()
    }


def _packages_by_view(connection: psycopg.Connection, schema: str) -> Shown:
    query = f"SELECT number, status, rows, rejected, distributed, waiting, calling FROM {schema}.packages"
    return {row[0]: row[1:] for row in _rows(connection, query)}


def _rows(connection: psycopg.Connection, query: str) -> Iterator[tuple[object, ...]]:
    with connection.cursor(name="state") as cursor:
        cursor.itersize = 20_000
        cursor.execute(query)
        yield from cursor
