"""What happened to tasks on the way that most tasks never meet: taken back, handed over, locked, escalated, merged.

One row a task that it happened to. ``returned`` is the pooling a task was given away from, while it is between hands.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from engine import events as ev
from engine.events import Recorded
from projections.copying import array_of
from projections.port import Cursor

DDL = """
CREATE TABLE marks (
    task bigint PRIMARY KEY, priority integer NOT NULL, recycled integer NOT NULL, handed_over integer NOT NULL,
    locked_until bigint NOT NULL, escalated boolean NOT NULL, overdue boolean NOT NULL, returned bigint NOT NULL,
    let_pass integer NOT NULL, set_aside text COLLATE "C" NOT NULL, set_aside_at bigint NOT NULL,
    merged_into bigint NOT NULL, trail bigint[] NOT NULL
) WITH (fillfactor = 70);
"""
"""``priority``: changed to; -1: as the task came. ``let_pass``: offers that came to nothing. ``set_aside``: the rule
whose rounds of offers were over at position ``set_aside_at``; that counts until somebody is given the task. ``trail``:
positions of the events that made the row what it is."""

_FETCH = """
SELECT task, priority, recycled, handed_over, locked_until, escalated, overdue, returned, let_pass,
    set_aside, set_aside_at, merged_into, trail FROM marks
WHERE task = ANY(%s::bigint[])
"""
_KEEP = """
INSERT INTO marks SELECT task, priority, recycled, handed_over, locked_until, escalated, overdue, returned,
    let_pass, set_aside, set_aside_at, merged_into, trail::bigint[]
FROM unnest(
    %s::bigint[], %s::integer[], %s::integer[], %s::integer[], %s::bigint[], %s::boolean[], %s::boolean[],
    %s::bigint[], %s::integer[], %s::text[], %s::bigint[], %s::bigint[], %s::text[]
) AS n (task, priority, recycled, handed_over, locked_until, escalated, overdue, returned, let_pass, set_aside,
    set_aside_at, merged_into, trail)
ON CONFLICT (task) DO UPDATE SET priority = excluded.priority, recycled = excluded.recycled,
    handed_over = excluded.handed_over, locked_until = excluded.locked_until, escalated = excluded.escalated,
    overdue = excluded.overdue, returned = excluded.returned, let_pass = excluded.let_pass,
    set_aside = excluded.set_aside, set_aside_at = excluded.set_aside_at, merged_into = excluded.merged_into,
    trail = excluded.trail
"""


class Mark(msgspec.Struct):
    """One row; field for field the table's columns."""

    task: int
    priority: int = -1
    recycled: int = 0
    handed_over: int = 0
    locked_until: int = 0
    escalated: bool = False
    overdue: bool = False
    returned: int = 0
    let_pass: int = 0
    set_aside: str = ""
    set_aside_at: int = 0
    merged_into: int = 0
    trail: list[int] = []


class Marks:
    """Rows that a batch makes or changes."""

    def __init__(self) -> None:
        self._known: dict[int, Mark] = {}
        self._changed: dict[int, Mark] = {}

    def fetch(self, cursor: Cursor, tasks: Iterable[int]) -> None:
        """Read the rows of tasks that the batch may mark, or that come from between hands."""
        wanted = list(tasks)
        if wanted:
            cursor.execute(_FETCH, [array_of(wanted)])
            self._known = {row[0]: Mark(*row) for row in cursor.fetchall()}

    @property
    def poolings(self) -> set[int]:
        """Those that tasks between hands were given away from."""
        return {mark.returned for mark in self._known.values()}

    def returned(self, task: int, pooling: int, recorded: Recorded) -> Mark:
        """It is out of its agent's hands."""
        mark = self._mark(task, recorded)
        mark.returned, mark.locked_until = pooling, 0
        return mark

    def arrived(self, task: int) -> int:
        """It has come to a pool or an agent; gives the pooling it was held from, 0 if it was not between hands."""
        mark = self._known.get(task)
        if mark is None or not mark.returned:
            return 0
        pooling, mark.returned = mark.returned, 0
        self._changed[task] = mark
        return pooling

    def escalated(self, task: int, recorded: Recorded) -> Mark:
        """A supervisor should know of it."""
        mark = self._mark(task, recorded)
        mark.escalated = True
        return mark

    def set_aside(self, task: int, rule: str, position: int) -> None:
        """It is not offered under the rule any more."""
        mark = self._known[task]
        mark.set_aside, mark.set_aside_at = rule, position

    def step_taken(self, event: ev.EscalationStepTaken, recorded: Recorded) -> None:
        """A step of their escalation fell due; whom it gives them to is asked from the start."""
        reassigned = set(event.reassigned)
        for place, task in enumerate(event.tasks):
            mark = self._mark(task, recorded)
            mark.overdue |= event.step.mark_overdue
            mark.set_aside = "" if task in reassigned else mark.set_aside
            mark.priority = event.priorities[place] if event.priorities else mark.priority

    def reprioritised(self, event: ev.TaskReprioritised, recorded: Recorded) -> None:
        """A supervisor made it more urgent or less."""
        self._mark(event.task, recorded).priority = event.priority

    def merged(self, event: ev.TasksMerged, recorded: Recorded) -> None:
        """Duplicates ended in favour of another, which may be more urgent by it."""
        for task in event.tasks:
            self._mark(task, recorded).merged_into = event.into
        survivor = self._mark(event.into, recorded)
        if event.priority != event.before:
            survivor.priority = event.priority

    def noted(self, task: int, recorded: Recorded) -> None:
        """Something befell it that stands elsewhere, and belongs to its history."""
        self._mark(task, recorded)

    def locked(self, task: int, until: int, recorded: Recorded) -> None:
        """Its agent keeps it until then; 0: no longer."""
        self._mark(task, recorded).locked_until = until

    def _mark(self, task: int, recorded: Recorded) -> Mark:
        mark = self._known.setdefault(task, Mark(task))
        mark.trail.append(recorded.position)
        self._changed[task] = mark
        return mark

    def write(self, cursor: Cursor) -> None:
        """Insert or update."""
        if not self._changed:
            return
        rows = [(*msgspec.structs.astuple(mark)[:-1], array_of(mark.trail)) for mark in self._changed.values()]
        cursor.execute(_KEEP, list(map(list, zip(*rows, strict=True))))
