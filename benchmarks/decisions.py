"""Rule decisions over a thousand rules on real rows, beside durable-rules' own Host asked the same."""

from __future__ import annotations

import gzip
import itertools
from pathlib import Path
from time import process_time
from typing import Any, NamedTuple

from benchmarks.bank_package import TASK_TYPE
from engine.reactions import ROUND
from engine.rules.document import load
from engine.rules.matcher import Matcher

RULES = 1_000
ROUNDS = 3
COLUMNS = ("age", "job", "education", "month")
_AGES = tuple(range(95, 55, -1))
"""Forty rules by age come first; the rest is one for each job, education and month."""


class Decisions(NamedTuple):
    """Decisions a second of CPU; both answer the same for each row that both were asked about."""

    rows: int
    ours: float
    host_rows: int
    host: float


def decisions(source: Path, host_rows: int) -> Decisions:
    """Over all rows, and over the first ``host_rows`` with the Host, which is slow."""
    rows = _rows(source)
    conditions = _conditions(rows)
    ours, chosen = _ours(rows, conditions)
    host, fired = _host(rows[:host_rows], conditions)
    if fired != chosen[: len(fired)]:
        raise AssertionError("Expected both to choose the same rules, but they differ")
    return Decisions(len(rows), ours, len(fired), host)


def _rows(source: Path) -> list[dict[str, Any]]:
    with gzip.open(source, "rt", encoding="utf-8") as lines:
        header = next(lines).replace('"', "").strip().split(";")
        at = [header.index(name) for name in COLUMNS]
        cells = (line.replace('"', "").split(";") for line in lines)
        return [
            {name: row[index] for name, index in zip(COLUMNS, at, strict=True)} | {"age": int(row[at[0]])}
            for row in cells
        ]


def _conditions(rows: list[dict[str, Any]]) -> list[list[tuple[str, str, Any]]]:
    """A thousand conjunctions in order of precedence."""
    values = [sorted({row[name] for row in rows}) for name in COLUMNS[1:]]
    found: list[list[tuple[str, str, Any]]] = [[("age", ">=", age)] for age in _AGES]
    for job, education, month in itertools.product(*values):
        found.append([("job", "==", job), ("education", "==", education), ("month", "==", month)])
    return found[:RULES]


def _ours(rows: list[dict[str, Any]], conditions: list[list[tuple[str, str, Any]]]) -> tuple[float, list[int | None]]:
    """Each round begins with nothing remembered; compiling is not counted, the Host's is not either."""
    rule_set, rounds = load(_document(conditions)), []
    for version in range(ROUNDS):
        matcher = Matcher(rule_set, version + 1)
        asked = [tuple((row | {"type": TASK_TYPE})[name] for name in matcher.task_inputs) for row in rows]
        started = process_time()
        chosen = _governed(matcher, asked)
        rounds.append(process_time() - started)
        matcher.close()
    return len(rows) / min(rounds), chosen


def _governed(matcher: Matcher, asked: list[tuple[Any, ...]]) -> list[int | None]:
    """As the engine asks for the rows of a package: by the step, column by column; only what is new is decided."""
    chosen: list[int | None] = []
    for step in range(0, len(asked), ROUND):
        chosen += matcher.govern_all(list(zip(*asked[step : step + ROUND], strict=True)))
    return chosen


def _document(conditions: list[list[tuple[str, str, Any]]]) -> str:
    lines = [
        "workspace: bench",
        "attributes:",
        "  task: {age: int, job: string, education: string, month: string}",
        "rules:",
    ]
    for number, tests in enumerate(conditions):
        when = " and ".join(f"task.{name} {op} {value if op == '>=' else _quoted(value)}" for name, op, value in tests)
        lines.append(f"  - {{id: r{number}, name: r{number}, task_type: {TASK_TYPE}, when: '{when}'}}")
    return "\n".join(lines)


def _quoted(value: str) -> str:
    return f'"{value}"'


def _host(rows: list[dict[str, Any]], conditions: list[list[tuple[str, str, Any]]]) -> tuple[float, list[int | None]]:
    # Imported here: it keeps timer threads, so it is asked in a process of its own.
    from durable.engine import Host, MessageNotHandledException  # type: ignore[import-untyped]

    fired: list[int] = []
    rules = {f"r{number}": _durable(number, tests, fired) for number, tests in enumerate(conditions)}
    host = Host({"bench": rules})
    chosen: list[int | None] = []
    started = process_time()
    for number, row in enumerate(rows, 1):
        try:
            host.post("bench", row | {"id": number})
            chosen.append(fired.pop())
        except MessageNotHandledException:
            chosen.append(None)
    return len(rows) / (process_time() - started), chosen


def _durable(number: int, tests: list[tuple[str, str, Any]], fired: list[int]) -> dict[str, Any]:
    parts = [{name: value} if op == "==" else {"$gte": {name: value}} for name, op, value in tests]
    return {"all": [{"m": {"$and": parts}}], "pri": number, "run": lambda _: fired.append(number)}
