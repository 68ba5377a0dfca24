"""What measures are counted from: work that came to an end, and what befell tasks meanwhile.

Part of the view of work, whose other tables already say what came in (``arrivals``) and who was given what
(``givings``, ``assignments``): that is counted when somebody asks, so a task that only comes in, waits and is given
away costs the measures nothing. A completion is a row, with the times that led to it; whatever else is counted is a
row an event and group. The figures are defined in docs/measures.md; ``measuring`` asks for them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Literal

from engine import events as ev
from engine.events import Recorded
from projections.copying import clean, copy_rows, row_of
from projections.counts import Place
from projections.port import TEXT, Cursor

DDL = f"""
CREATE TABLE completions (
    at bigint NOT NULL, position bigint NOT NULL, task bigint NOT NULL,
    type {TEXT}, business_type {TEXT}, rule {TEXT}, agent {TEXT},
    to_assign bigint, to_start bigint, to_complete bigint NOT NULL, responded boolean, in_time boolean,
    PRIMARY KEY (at, position, task)
);
CREATE TABLE happenings (
    at bigint NOT NULL, position bigint NOT NULL, place integer NOT NULL,
    type {TEXT}, business_type {TEXT}, rule {TEXT}, agent {TEXT}, what {TEXT}, number bigint NOT NULL,
    PRIMARY KEY (at, position, place)
);
CREATE TABLE teams (agent {TEXT}, since bigint NOT NULL, team {TEXT}, PRIMARY KEY (agent, since));
"""
"""``to_...``: milliseconds from the task's creation, null where it never was assigned or started. ``responded`` and
``in_time`` are null without a deadline. ``place`` numbers what one event brought. ``teams``: the agent was of that team
from the event at ``since`` on."""

INDEXES = """
CREATE INDEX arrivals_at ON arrivals (created_at);
CREATE INDEX givings_at ON givings (assigned_at);
"""

What = Literal["started", "cancelled", "handed_over", "recycled", "reopened", "escalated", "satisfied", "unsatisfied"]
"""What may befall a task, once or more often. A word is all that a new event needs."""

_COMPLETE = """
INSERT INTO completions
SELECT n.at, n.position, n.task, n.type, n.business_type, n.rule, n.agent,
    had.assigned_at - came.created_at, had.started_at - came.created_at, n.at - came.created_at,
    CASE WHEN n.respond_by > 0 THEN coalesce(had.started_at, n.at) <= n.respond_by END,
    CASE WHEN n.resolve_by > 0 THEN n.at <= n.resolve_by END
FROM unnest(
    %s::bigint[], %s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::bigint[]
) AS n (at, position, task, type, business_type, rule, agent, respond_by, resolve_by)
CROSS JOIN LATERAL (
    SELECT r.created_at FROM tasks t JOIN arrivals r ON r.position = t.position WHERE t.number = n.task
) came
CROSS JOIN LATERAL (
    SELECT min(g.assigned_at) AS assigned_at, min(nullif(a.started_at, 0)) AS started_at
    FROM assignments a JOIN givings g ON g."grant" = a."grant" WHERE a.task = n.task AND a."grant" < n.position
) had
"""
"""Runs when the batch's tasks and assignments are written. Assignments made after the completion, of a task that was
opened again in the same batch, do not count."""
_LAST_TEAMS = "SELECT DISTINCT ON (agent) agent, team FROM teams WHERE agent = ANY(%s) ORDER BY agent, since DESC"


class Measures:
    """What a batch adds. To be written after the batch's tasks and assignments."""

    def __init__(self) -> None:
        self._completed: list[tuple[object, ...]] = []
        self._happened: dict[tuple[int, int], Counter[tuple[str, ...]]] = defaultdict(Counter)
        """(time, position) -> what happened to how many."""
        self._teams: list[tuple[str, int, str]] = []

    def note(self, what: What, recorded: Recorded, place: Place, agent: str) -> None:
        """It befell one task there, in this agent's hands (empty: in nobody's)."""
        self._happened[recorded.at, recorded.position][*place, agent, what] += 1

    def completed(self, event: ev.TaskCompleted, recorded: Recorded, place: Place) -> None:
        """A task there was completed."""
        deadlines = (event.respond_by, event.resolve_by)
        self._completed.append((recorded.at, recorded.position, event.task, *place, clean(event.agent), *deadlines))

    def registered(self, event: ev.AgentsRegistered, recorded: Recorded) -> None:
        """Agents are of these teams from now on."""
        self._teams += [(clean(spec.id), recorded.position, clean(spec.team)) for spec in event.agents]

    def write(self, cursor: Cursor) -> None:
        """Insert."""
        if self._completed:
            cursor.execute(_COMPLETE, list(map(list, zip(*self._completed, strict=True))))
        if self._happened:
            copy_rows(cursor, "happenings", self._happenings())
        if self._teams:
            self._write_teams(cursor)

    def _happenings(self) -> Iterator[str]:
        for event, groups in self._happened.items():
            for place, (group, number) in enumerate(groups.items()):
                yield row_of((*event, place, *group, number)) + "\n"

    def _write_teams(self, cursor: Cursor) -> None:
        """Only where an agent's team is another than before: rosters are applied again and again."""
        cursor.execute(_LAST_TEAMS, [list({agent for agent, _, _ in self._teams})])
        last = dict(cursor.fetchall())
        changed = []
        for agent, since, team in self._teams:
            if last.get(agent) != team:
                changed.append(row_of((agent, since, team)) + "\n")
                last[agent] = team
        if changed:
            copy_rows(cursor, "teams", changed)
