"""Who had which task when: a row for each time that one agent had one task, and what each agent holds by rule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
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


class Assignments:
    """Assignments that a batch makes or touches."""

    def __init__(self) -> None:
        self.held: dict[int, Held] = {}
        self._touched: frozenset[int] = frozenset()
        self._new: dict[tuple[int, int], str] = {}
        self._later: dict[tuple[int, int], Later] = {}
        self._loads: Counter[tuple[str, str]] = Counter()

    def fetch(self, cursor: Cursor, tasks: Sequence[int]) -> None:
        """Read the latest assignment of tasks whose assignment the batch ends or starts."""
        self._touched = frozenset(tasks)
        if tasks:
            cursor.execute(_FETCH, [tasks])
            self.held = {task: Held(*rest) for task, *rest in cursor.fetchall()}

    def allocated(self, event: ev.TasksAllocated, recorded: Recorded, poolings: Sequence[int]) -> None:
        """A round; ``poolings`` are those the tasks came from."""
        agents, rules = list(map(clean, event.agents)), list(map(clean, event.rules))
        known_agents, known_rules = list(map(field, agents)), list(map(field, rules))
        picks = [row_of((pick.by, json_of(pick.passed))) for pick in event.picks]
        grant, tail = recorded.position, f"{event.round}|{event.rule_set_version}|{recorded.at}"
        columns = zip(event.tasks, event.who, event.under, event.how, poolings, strict=True)
        self._new.update(
            ((task, grant), f"{task}|{grant}|{known_agents[who]}|{known_rules[under]}|{pooling}|{picks[how]}|{tail}")
            for task, who, under, how, pooling in columns
        )
        if self._touched:
            self._hold(event, grant, agents, rules, poolings)
        pairs = Counter(zip(event.who, event.under, strict=True))
        self._loads.update({(agents[who], rules[under]): count for (who, under), count in pairs.items()})

    def _hold(
        self, event: ev.TasksAllocated, grant: int, agents: list[str], rules: list[str], poolings: Sequence[int]
    ) -> None:
        for task, who, under, pooling in zip(event.tasks, event.who, event.under, poolings, strict=True):
            if task in self._touched:
                self.held[task] = Held(grant, agents[who], rules[under], pooling)

    def given(self, task: int, held: Held, by: str, version: int, recorded: Recorded) -> None:
        """One task to one agent, by a person's decision."""
        made = (task, held.grant, held.agent, held.rule, held.pooling, by, "[]", 0, version, recorded.at)
        self._new[task, held.grant] = row_of(made)
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
        later = self._later.setdefault((task, self.held[task].grant), Later())
        later.positions.append(recorded.position)
        return later

    def write(self, cursor: Cursor) -> None:
        """Insert new assignments as they stand after the batch, and update older ones."""
        if self._new:
            copy_rows(cursor, "assignments", [self._row(key) for key in sorted(self._new)])
        old = [key for key in self._later if key not in self._new]
        if old:
            columns = zip(*((*key, *_columns_of(self._later[key])) for key in old), strict=True)
            cursor.execute(_UPDATE, list(map(list, columns)))
        self._write_loads(cursor)

    def _row(self, key: tuple[int, int]) -> str:
        later = self._later.get(key) if self._later else None
        if later is None:
            return f"{self._new[key]}|0|0||t|{{{key[1]}}}\n"
        ended = f"{later.started_at}|{later.ended_at}|{later.outcome}|{'t' if later.last else 'f'}"
        return f"{self._new[key]}|{ended}|{array_of((key[1], *later.positions))}\n"

    def _write_loads(self, cursor: Cursor) -> None:
        changed = {key: count for key, count in self._loads.items() if count}
        if not changed:
            return
        agents, rules = map(list, zip(*changed, strict=True))
        cursor.execute(_LOADS, [agents, rules, list(changed.values())])
        if min(changed.values()) < 0:
            cursor.execute("DELETE FROM loads WHERE tasks = 0 AND agent = ANY(%s)", [agents])


def _columns_of(later: Later) -> tuple[int, int, str, bool, str]:
    return (later.started_at, later.ended_at, later.outcome, later.last, array_of(later.positions))
