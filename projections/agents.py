"""The view of agents: the roster as it stands, and how much each has done. What they hold is in the view of work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from msgspec.structs import astuple

from engine import events as ev
from engine.events import Recorded
from projections.copying import clean, json_of
from projections.port import TEXT, Cursor, View

DDL = f"""
CREATE TABLE agents (
    id {TEXT} PRIMARY KEY, name {TEXT}, team {TEXT}, presence {TEXT}, capacity bigint NOT NULL, weight bigint NOT NULL,
    attributes jsonb NOT NULL, removed boolean NOT NULL, changed_at bigint NOT NULL,
    assigned_total bigint NOT NULL, completed_total bigint NOT NULL
) WITH (fillfactor = 50);
"""

_FETCH = """
SELECT id, name, team, presence, capacity, weight, attributes::text, removed, changed_at FROM agents WHERE id = ANY(%s)
"""
_KEEP = """
INSERT INTO agents SELECT id, name, team, presence, capacity, weight, attributes::jsonb, removed, changed_at, 0, 0
FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::text[], %s::boolean[],
    %s::bigint[]) AS n (id, name, team, presence, capacity, weight, attributes, removed, changed_at)
ON CONFLICT (id) DO UPDATE SET name = excluded.name, team = excluded.team, presence = excluded.presence,
    capacity = excluded.capacity, weight = excluded.weight, attributes = excluded.attributes,
    removed = excluded.removed, changed_at = excluded.changed_at
"""
_COUNT = """
UPDATE agents AS a SET assigned_total = a.assigned_total + n.assigned, completed_total = a.completed_total + n.completed
FROM unnest(%s::text[], %s::bigint[], %s::bigint[]) AS n (id, assigned, completed) WHERE a.id = n.id
"""


class Line(msgspec.Struct):
    """One agent of the roster."""

    id: str
    name: str
    team: str
    presence: str
    capacity: int
    weight: int
    attributes: str
    removed: bool
    changed_at: int


class Roster:
    """A batch's changes of agents."""

    def __init__(self, known: dict[str, Line]) -> None:
        self._known = known
        self._assigned: Counter[str] = Counter()
        self._completed: Counter[str] = Counter()

    def registered(self, event: ev.AgentsRegistered, recorded: Recorded) -> None:
        for spec in event.agents:
            agent = clean(spec.id)
            known = self._known.get(agent)
            presence = spec.presence if known is None or known.removed else known.presence
            self._known[agent] = Line(
                agent, clean(spec.name), clean(spec.team), presence, spec.capacity, spec.weight,
                json_of(spec.attributes), False, recorded.at,
            )  # fmt: skip

    def removed(self, event: ev.AgentsRemoved, recorded: Recorded) -> None:
        for agent in event.agents:
            line = self._known[clean(agent)]
            line.removed, line.changed_at = True, recorded.at

    def presence_changed(self, event: ev.AgentPresenceChanged, recorded: Recorded) -> None:
        line = self._known[clean(event.agent)]
        line.presence, line.changed_at = event.presence, recorded.at

    def allocated(self, event: ev.TasksAllocated, _recorded: Recorded) -> None:
        """Not what is only offered: that counts once it is accepted."""
        who = event.who
        if event.until:
            who = tuple(who for who, under in zip(event.who, event.under, strict=True) if not event.until[under])
        counts = Counter(who)
        self._assigned.update({clean(event.agents[who]): count for who, count in counts.items()})

    def given(self, event: ev.TaskClaimed | ev.TaskReassigned | ev.OfferAccepted, _recorded: Recorded) -> None:
        self._assigned[clean(event.agent)] += 1

    def completed(self, event: ev.TaskCompleted, _recorded: Recorded) -> None:
        self._completed[clean(event.agent)] += 1

    def write(self, cursor: Cursor) -> None:
        if self._known:
            columns = zip(*map(astuple, self._known.values()), strict=True)
            cursor.execute(_KEEP, list(map(list, columns)))
        agents = list(self._assigned | self._completed)
        if agents:
            totals = [[counter[agent] for agent in agents] for counter in (self._assigned, self._completed)]
            cursor.execute(_COUNT, [agents, *totals])


_HANDLERS: dict[type[ev.Event], Callable[[Roster, Any, Recorded], None]] = {
    ev.AgentsRegistered: Roster.registered,
    ev.AgentsRemoved: Roster.removed,
    ev.AgentPresenceChanged: Roster.presence_changed,
    ev.TasksAllocated: Roster.allocated,
    ev.TaskClaimed: Roster.given,
    ev.TaskReassigned: Roster.given,
    ev.OfferAccepted: Roster.given,
    ev.TaskCompleted: Roster.completed,
}


def apply(cursor: Cursor, batch: Sequence[Recorded]) -> None:
    """Write a batch of events into the table."""
    known = [recorded for recorded in batch if type(recorded.event) in _HANDLERS]
    if not known:
        return
    roster = Roster(_fetched(cursor, known))
    for recorded in known:
        _HANDLERS[type(recorded.event)](roster, recorded.event, recorded)
    roster.write(cursor)


VIEW = View("agents", ("agents",), DDL, apply)


def _fetched(cursor: Cursor, batch: Sequence[Recorded]) -> dict[str, Line]:
    named = {clean(agent) for recorded in batch for agent in _changed_by(recorded.event)}
    if not named:
        return {}
    cursor.execute(_FETCH, [list(named)])
    return {row[0]: Line(*row) for row in cursor.fetchall()}


def _changed_by(event: ev.Event) -> Sequence[str]:
    match event:
        case ev.AgentsRegistered(agents=specs):
            return [spec.id for spec in specs]
        case ev.AgentsRemoved(agents=agents):
            return agents
        case ev.AgentPresenceChanged(agent=agent):
            return [agent]
    return ()
