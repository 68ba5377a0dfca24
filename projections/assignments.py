"""Who had which task when: a row for each time that one agent had one task, and what each agent holds by rule."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from engine import events as ev
from engine.events import Recorded
from projections.copying import array_of, clean, copy_rows, field, json_of, row_of
from projections.port import TEXT, Cursor

DDL = f"""
CREATE TABLE assignments (
    task bigint NOT NULL, "grant" bigint NOT NULL, agent {TEXT}, rule {TEXT}, pooling bigint NOT NULL,
    picked_by {TEXT}, passed jsonb NOT NULL, round bigint NOT NULL, version bigint NOT NULL,
    assigned_at bigint NOT NULL, started_at bigint NOT NULL, ended_at bigint NOT NULL, outcome {TEXT},
    last boolean NOT NULL, positions bigint[] NOT NULL, PRIMARY KEY (task, "grant")
) WITH (fillfactor = 90);
CREATE INDEX assignments_by_agent ON assignments (agent, "grant", task);
CREATE TABLE loads (agent {TEXT}, rule {TEXT}, tasks bigint NOT NULL, PRIMARY KEY (agent, rule));
"""
"""``last``: the task's latest assignment, whether it holds it still or not. ``loads``: open tasks, none of them 0."""

_FETCH = 'SELECT task, "grant", agent, rule, pooling FROM assignments WHERE last AND task = ANY(%s)'
_UPDATE = """
UPDATE assignments AS a SET started_at = greatest(a.started_at, n.started_at), ended_at = n.ended_at,
    outcome = n.outcome, last = n.last, positions = a.positions || n.positions::bigint[]
FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::text[], %s::boolean[], %s::text[])
    AS n (task, "grant", started_at, ended_at, outcome, last, positions)
WHERE a.task = n.task AND a."grant" = n."grant"
"""
_LOADS = """
INSERT INTO loads SELECT * FROM unnest(%s::text[], %s::text[], %s::bigint[])
ON CONFLICT (agent, rule) DO UPDATE SET tasks = loads.tasks + excluded.tasks
"""


class Held(NamedTuple):
    """The task's latest assignment."""

    grant: int
    agent: str
    rule: str
    pooling: int


class Later(msgspec.Struct):
    """What became of an assignment after it was made."""

    started_at: int = 0
    ended_at: int = 0
    outcome: str = ""
    last: bool = True
    positions: list[int] = []


class Made(NamedTuple):
    """Assignments that a round made."""

    event: ev.TasksAllocated
    recorded: Recorded
    poolings: Sequence[int]


class Assignments:
    """Assignments that a batch makes or touches."""

    def __init__(self) -> None:
        self.held: dict[int, Held] = {}
        self._touched: frozenset[int] = frozenset()
        self._rounds: list[Made] = []
        self._given: dict[int, tuple[int, str]] = {}
        """Grant -> task and row, of assignments that people made."""
        self._later: dict[int, dict[int, Later]] = defaultdict(dict)
        """Grant -> task -> what became of it."""
        self._loads: Counter[tuple[str, str]] = Counter()

    def fetch(self, cursor: Cursor, tasks: Sequence[int]) -> None:
        """Read the latest assignment of tasks whose assignment the batch ends or starts."""
        self._touched = frozenset(tasks)
        if tasks:
            cursor.execute(_FETCH, [tasks])
            self.held = {task: Held(*rest) for task, *rest in cursor.fetchall()}

    def allocated(self, event: ev.TasksAllocated, recorded: Recorded, poolings: Sequence[int]) -> None:
        """A round; ``poolings`` are those the tasks came from."""
        self._rounds.append(Made(event, recorded, poolings))
        agents, rules = list(map(clean, event.agents)), list(map(clean, event.rules))
        pairs = Counter(zip(event.who, event.under, strict=True))
        self._loads.update({(agents[who], rules[under]): number for (who, under), number in pairs.items()})
        if self._touched.isdisjoint(event.tasks):
            return
        for task, who, under, pooling in zip(event.tasks, event.who, event.under, poolings, strict=True):
            self.held[task] = Held(recorded.position, agents[who], rules[under], pooling)

    def given(self, task: int, held: Held, by: str, version: int, recorded: Recorded) -> None:
        """One task to one agent, by a person's decision."""
        made = (task, held.grant, held.agent, held.rule, held.pooling, by, "[]", 0, version, recorded.at)
        self._given[held.grant] = (task, row_of(made))
        self.held[task] = held
        self._loads[held.agent, held.rule] += 1

    def started(self, task: int, recorded: Recorded) -> None:
        """Work on the task began."""
        later = self._touch(task, recorded)
        later.started_at = recorded.at

    def ended(self, task: int, outcome: str, recorded: Recorded, *, last: bool = True) -> Held | None:
        """The assignment in force is over; None: nobody held the task."""
        held = self.held.get(task)
        if held is None:
            return None
        later = self._touch(task, recorded)
        later.ended_at, later.outcome, later.last = recorded.at, outcome, last
        self._loads[held.agent, held.rule] -= 1
        return held

    def _touch(self, task: int, recorded: Recorded) -> Later:
        later = self._later[self.held[task].grant].setdefault(task, Later())
        later.positions.append(recorded.position)
        return later

    def write(self, cursor: Cursor) -> None:
        """Insert new assignments as they stand after the batch, and update older ones."""
        if self._rounds or self._given:
            copy_rows(cursor, "assignments", self._rows())
        new = self._given.keys() | {made.recorded.position for made in self._rounds}
        old = [
            (task, grant, *_columns_of(later))
            for grant, touched in self._later.items()
            if grant not in new
            for task, later in touched.items()
        ]
        if old:
            cursor.execute(_UPDATE, list(map(list, zip(*old, strict=True))))
        self._write_loads(cursor)

    def _rows(self) -> Iterator[str]:
        for made in self._rounds:
            grant, (tasks, rows) = made.recorded.position, (made.event.tasks, _rows_of(made))
            untouched, later = _end_of_row(grant, Later()), self._later.get(grant)
            if later is None:
                yield from (row + untouched for row in rows)
                continue
            for task, row in zip(tasks, rows, strict=True):
                yield row + (_end_of_row(grant, later[task]) if task in later else untouched)
        for grant, (task, row) in self._given.items():
            yield row + _end_of_row(grant, self._later.get(grant, {}).get(task, Later()))

    def _write_loads(self, cursor: Cursor) -> None:
        changed = {key: count for key, count in self._loads.items() if count}
        if not changed:
            return
        agents, rules = map(list, zip(*changed, strict=True))
        cursor.execute(_LOADS, [agents, rules, list(changed.values())])
        if min(changed.values()) < 0:
            cursor.execute("DELETE FROM loads WHERE tasks = 0 AND agent = ANY(%s)", [agents])


def _rows_of(made: Made) -> Iterator[str]:
    """Beginnings of rows; what the tasks of a round have in common is written as text once."""
    event, grant = made.event, made.recorded.position
    agents, rules = [field(clean(agent)) for agent in event.agents], [field(clean(rule)) for rule in event.rules]
    picks = [row_of((pick.by, json_of(pick.passed))) for pick in event.picks]
    tail = f"{event.round}|{event.rule_set_version}|{made.recorded.at}"
    columns = zip(event.tasks, event.who, event.under, event.how, made.poolings, strict=True)
    for task, who, under, how, pooling in columns:
        yield f"{task}|{grant}|{agents[who]}|{rules[under]}|{pooling}|{picks[how]}|{tail}"


def _end_of_row(grant: int, later: Later) -> str:
    last = "t" if later.last else "f"
    return f"|{later.started_at}|{later.ended_at}|{later.outcome}|{last}|{array_of((grant, *later.positions))}\n"


def _columns_of(later: Later) -> tuple[int, int, str, bool, str]:
    return (later.started_at, later.ended_at, later.outcome, later.last, array_of(later.positions))
