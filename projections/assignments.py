"""Who had which task when: a row for each time that one agent had one task, and what each agent holds by rule.

What the picks of one event have in common (a *giving*) is written once. Rows go in ordered by the key, so that its
index only grows at its end.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from engine import events as ev
from engine.events import Recorded
from projections.copying import array_of, clean, copy_rows, field, json_of, row_of
from projections.port import TEXT, Cursor

DDL = f"""
CREATE TABLE givings (
    "grant" bigint PRIMARY KEY, round bigint NOT NULL, version bigint NOT NULL, assigned_at bigint NOT NULL,
    picked_by text[] COLLATE "C" NOT NULL, passed jsonb NOT NULL
);
CREATE TABLE assignments (
    task bigint NOT NULL, "grant" bigint NOT NULL, agent {TEXT}, rule {TEXT}, pooling bigint NOT NULL,
    how integer NOT NULL, started_at bigint NOT NULL DEFAULT 0, left_at bigint NOT NULL DEFAULT 0,
    became {TEXT} DEFAULT '', last boolean NOT NULL DEFAULT true, later bigint[] NOT NULL DEFAULT '{{}}',
    PRIMARY KEY ("grant", task)
) WITH (fillfactor = 90);
CREATE INDEX assignments_of_task ON assignments (task, "grant");
CREATE TABLE loads (agent {TEXT}, rule {TEXT}, tasks bigint NOT NULL, PRIMARY KEY (agent, rule))
    WITH (fillfactor = 50);
"""
"""``how``: which of the giving's ``picked_by`` and ``passed``, from 0. ``last``: the task's latest assignment, unless
it left the agent's hands; such a one ends with the task, so when and how stands among ``endings`` alone. ``left_at``,
``became``: when and how one ended while its task went on. ``later``: positions of its start and of that end; the
columns that change stand in no index, so their update stays in its page. ``loads``: open tasks, none of them 0."""

INDEXES = 'CREATE INDEX assignments_of_agent ON assignments (agent, "grant", task);'

_NEW = 'assignments (task, "grant", agent, rule, pooling, how)'
_CHANGED = 'assignments (task, "grant", agent, rule, pooling, how, started_at, left_at, became, last, later)'
_FETCH = """
SELECT a.task, a."grant", a.agent, a.rule, a.pooling, a.started_at, coalesce(o.accepted_at = 0, false)
FROM assignments a LEFT JOIN offers o ON o.task = a.task AND o."grant" = a."grant"
WHERE a.last AND a.task = ANY(%s::bigint[])
"""
_UPDATE = """
UPDATE assignments AS a SET started_at = greatest(a.started_at, n.started_at), left_at = n.left_at,
    became = n.became, last = n.left_at = 0, later = a.later || n.later::bigint[]
FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::text[], %s::text[])
    AS n (task, "grant", started_at, left_at, became, later)
WHERE a.task = n.task AND a."grant" = n."grant"
"""
_LOADS = """
INSERT INTO loads SELECT * FROM unnest(%s::text[], %s::text[], %s::bigint[])
ON CONFLICT (agent, rule) DO UPDATE SET tasks = loads.tasks + excluded.tasks RETURNING loads.tasks = 0
"""


class Held(msgspec.Struct):
    """The task's latest assignment."""

    grant: int
    agent: str
    rule: str
    pooling: int
    started_at: int = 0
    offered: bool = False
    """Nobody has accepted it yet."""

    @property
    def status(self) -> str:
        """The task's, while the assignment is in force."""
        if self.offered:
            return "offered"
        return "in_progress" if self.started_at else "assigned"


class Later(msgspec.Struct):
    """What became of an assignment after it was made, while its task went on."""

    started_at: int = 0
    left_at: int = 0
    became: str = ""
    positions: list[int] = []


class Made(NamedTuple):
    """Assignments that a round made."""

    event: ev.TasksAllocated
    grant: int
    poolings: Sequence[int]


class Assignments:
    """Assignments that a batch makes or touches."""

    def __init__(self) -> None:
        self.held: dict[int, Held] = {}
        self._touched: frozenset[int] = frozenset()
        self._givings: list[str] = []
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
            cursor.execute(_FETCH, [array_of(tasks)])
            self.held = {task: Held(*rest) for task, *rest in cursor.fetchall()}

    def allocated(self, event: ev.TasksAllocated, recorded: Recorded, poolings: Sequence[int]) -> None:
        """A round; ``poolings`` are those the tasks came from."""
        picks = ([pick.by for pick in event.picks], [pick.passed for pick in event.picks])
        self._givings.append(_giving(recorded, event.round, event.rule_set_version, *picks))
        self._rounds.append(Made(event, recorded.position, poolings))
        agents, rules = list(map(clean, event.agents)), list(map(clean, event.rules))
        for (who, under), number in Counter(zip(event.who, event.under, strict=True)).items():
            self._loads[agents[who], rules[under]] += number
        if self._touched.isdisjoint(event.tasks):
            return
        for task, who, under, pooling in zip(event.tasks, event.who, event.under, poolings, strict=True):
            offered = bool(event.until) and event.until[under] > 0
            self.held[task] = Held(recorded.position, agents[who], rules[under], pooling, offered=offered)

    def given(self, task: int, held: Held, by: str, version: int, recorded: Recorded) -> None:
        """One task to one agent, by a person's decision."""
        self._givings.append(_giving(recorded, 0, version, [by], [()]))
        self._given[held.grant] = (task, row_of((task, held.grant, held.agent, held.rule, held.pooling, 0)))
        self.held[task] = held
        self._loads[held.agent, held.rule] += 1

    def accepted(self, task: int, recorded: Recorded) -> Held:
        """Who was offered the task has it now."""
        held = self.held[task]
        self._touch(task, held, recorded)
        held.offered = False
        return held

    def started(self, task: int, recorded: Recorded) -> Held:
        """Work on the task began."""
        held = self.held[task]
        self._touch(task, held, recorded).started_at = recorded.at
        return held

    def ended(self, task: int) -> Held | None:
        """The assignment in force is over; None: nobody held the task."""
        held = self.held.get(task)
        if held is not None:
            self._loads[held.agent, held.rule] -= 1
        return held

    def left(self, task: int, became: str, recorded: Recorded) -> Held | None:
        """The same, and the task goes on."""
        held = self.ended(task)
        if held is not None:
            later = self._touch(task, held, recorded)
            later.left_at, later.became = recorded.at, became
            del self.held[task]
        return held

    def _touch(self, task: int, held: Held, recorded: Recorded) -> Later:
        later = self._later[held.grant].setdefault(task, Later())
        later.positions.append(recorded.position)
        return later

    def write(self, cursor: Cursor) -> None:
        """Insert new assignments as they stand after the batch, and update older ones."""
        new, changed = self._rows()
        for table, rows in (("givings", self._givings), (_NEW, new), (_CHANGED, changed)):
            if rows:
                copy_rows(cursor, table, rows)
        made = self._given.keys() | {made.grant for made in self._rounds}
        old = [
            (task, grant, *_columns_of(later))
            for grant, touched in self._later.items()
            if grant not in made
            for task, later in touched.items()
        ]
        if old:
            *numbers, became, positions = zip(*old, strict=True)
            cursor.execute(_UPDATE, [*map(array_of, numbers), list(became), list(positions)])
        self._write_loads(cursor)

    def _rows(self) -> tuple[list[str], list[str]]:
        """Rows of new assignments: those to which nothing happened since, and the others."""
        new, changed = [], []
        for made in self._rounds:
            later = self._later.get(made.grant, {})
            for task, row in _rows_of(made):
                if task in later:
                    changed.append(row + _end_of_row(later[task]))
                else:
                    new.append(row + "\n")
        for grant, (task, row) in self._given.items():
            touched = self._later.get(grant, {}).get(task)
            (new if touched is None else changed).append(row + ("\n" if touched is None else _end_of_row(touched)))
        return new, changed

    def _write_loads(self, cursor: Cursor) -> None:
        changed = {key: count for key, count in self._loads.items() if count}
        if not changed:
            return
        agents, rules = map(list, zip(*changed, strict=True))
        cursor.execute(_LOADS, [agents, rules, array_of(changed.values())])
        if (True,) in cursor.fetchall():
            cursor.execute("DELETE FROM loads WHERE tasks = 0 AND agent = ANY(%s)", [agents])


def _giving(recorded: Recorded, round_: int, version: int, by: list[str], passed: Sequence[Sequence[str]]) -> str:
    picked_by = field(array_of(f'"{clean(word)}"' for word in by))
    numbers = f"{recorded.position}|{round_}|{version}|{recorded.at}"
    return f"{numbers}|{picked_by}|{field(json_of(passed))}\n"


def _rows_of(made: Made) -> list[tuple[int, str]]:
    """Beginnings of rows by task; what the tasks of a round have in common is written as text once."""
    event, grant = made.event, made.grant
    agents, rules = [field(clean(agent)) for agent in event.agents], [field(clean(rule)) for rule in event.rules]
    columns = sorted(zip(event.tasks, event.who, event.under, made.poolings, event.how, strict=True))
    return [
        (task, f"{task}|{grant}|{agents[who]}|{rules[under]}|{pooling}|{how}")
        for task, who, under, pooling, how in columns
    ]


def _end_of_row(later: Later) -> str:
    last = "f" if later.left_at else "t"
    return f"|{later.started_at}|{later.left_at}|{later.became}|{last}|{array_of(later.positions)}\n"


def _columns_of(later: Later) -> tuple[int, int, str, str]:
    return (later.started_at, later.left_at, later.became, array_of(later.positions))
