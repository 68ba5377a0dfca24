"""What measures are counted from: work that came to an end, and what befell tasks meanwhile.

Part of the view of work, whose other tables already say what came in (``arrivals``) and who was given what
(``givings``, ``assignments``): that is counted when somebody asks, so a task that only comes in, waits and is given
away costs the measures nothing. A completion is a row, with the times that led to it; whatever else is counted is a
row an event and group. The figures are defined in docs/measures.md; ``measuring`` asks for them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Literal, NamedTuple

from engine import events as ev
from engine.events import Recorded
from projections.copying import array_of, clean, copy_rows, row_of
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

What = Literal[
    "assigned", "offer_returned", "started", "cancelled", "merged", "handed_over", "recycled", "reopened", "escalated",
    "satisfied", "unsatisfied",
]  # fmt: skip
"""What may befall a task, once or more often. A word is all that a new event needs."""

_TIMES = """
SELECT n.position, r.created_at, coalesce(f.accepted_at, g.assigned_at), had.started_at
FROM unnest(%s::bigint[], %s::bigint[]) AS n (task, position)
JOIN tasks t ON t.number = n.task JOIN arrivals r ON r.position = t.position
CROSS JOIN LATERAL (
    SELECT min(a."grant") FILTER (WHERE o.accepted_at > 0 OR o.task IS NULL) AS first,
        min(nullif(a.started_at, 0)) AS started_at
    FROM assignments a LEFT JOIN offers o ON o.task = a.task AND o."grant" = a."grant"
    WHERE a.task = n.task AND a."grant" < n.position
) had
LEFT JOIN givings g ON g."grant" = had.first
LEFT JOIN offers f ON f.task = n.task AND f."grant" = had.first
"""
"""When completed tasks came in, and were first assigned (an offer: once it is accepted) and started. Assignments made
after the completion, of a task that was opened again in the same batch, do not count."""
NULL = "\\N"
_LAST_TEAMS = "SELECT DISTINCT ON (agent) agent, team FROM teams WHERE agent = ANY(%s) ORDER BY agent, since DESC"


Completed = ev.TaskCompleted | ev.CallbackSucceeded


class Times(NamedTuple):
    """Of a completed task; None: it never was."""

    came: int
    assigned: int | None
    started: int | None


class Measures:
    """What a batch adds. To be written after the batch's tasks and assignments, as it reads there."""

    def __init__(self) -> None:
        self._completed: dict[int, tuple[Completed, int, str]] = {}
        """Position -> the completion, its time, and where it counts."""
        self._happened: dict[tuple[int, int, str], int] = defaultdict(int)
        """(time, position, where it counts) -> to how many."""
        self._teams: list[tuple[str, int, str]] = []
        self._texts: dict[tuple[str, ...], str] = {}
        """Parts of rows that many rows of a batch have in common."""

    def note(self, what: What, recorded: Recorded, place: Place, agent: str) -> None:
        """It befell one task there, in this agent's hands (empty: in nobody's)."""
        self._happened[recorded.at, recorded.position, self._text(*place, agent, what)] += 1

    def completed(self, event: Completed, recorded: Recorded, place: Place, agent: str) -> None:
        """A task there was completed, by this agent (empty: by its callback)."""
        self._completed[recorded.position] = (event, recorded.at, self._text(*place, clean(agent)))

    def registered(self, event: ev.AgentsRegistered, recorded: Recorded) -> None:
        """Agents are of these teams from now on."""
        self._teams += [(clean(spec.id), recorded.position, clean(spec.team)) for spec in event.agents]

    def write(self, cursor: Cursor) -> None:
        """Insert."""
        if self._completed:
            copy_rows(cursor, "completions", self._completions(cursor))
        if self._happened:
            copy_rows(cursor, "happenings", self._happenings())
        if self._teams:
            self._write_teams(cursor)

    def _text(self, *words: str) -> str:
        known = self._texts.get(words)
        if known is None:
            known = self._texts[words] = row_of(words)
        return known

    def _completions(self, cursor: Cursor) -> list[str]:
        tasks = [event.task for event, _, _ in self._completed.values()]
        cursor.execute(_TIMES, [array_of(tasks), array_of(self._completed)])
        return [_completion(row[0], *self._completed[row[0]], Times(*row[1:])) for row in cursor.fetchall()]

    def _happenings(self) -> Iterator[str]:
        """Rows; those of one event are numbered."""
        last = place = 0
        for (at, position, text), number in self._happened.items():
            place = place + 1 if position == last else 0
            last = position
            yield f"{at}|{position}|{place}|{text}|{number}\n"

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


def _completion(position: int, event: Completed, at: int, text: str, times: Times) -> str:
    """A row; work that nobody said was started began, at the latest, when it was completed."""
    durations = f"{_since(times.came, times.assigned)}|{_since(times.came, times.started)}|{at - times.came}"
    kept = f"{_kept(event.respond_by, times.started or at)}|{_kept(event.resolve_by, at)}"
    return f"{at}|{position}|{event.task}|{text}|{durations}|{kept}\n"


def _since(came_at: int, at: int | None) -> str:
    return NULL if at is None else str(at - came_at)


def _kept(deadline: int, at: int) -> str:
    """Whether it was not later than the deadline; 0 is none."""
    if not deadline:
        return NULL
    return "t" if at <= deadline else "f"
