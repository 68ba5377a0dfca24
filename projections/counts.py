"""How many tasks there are by type, business type, rule and status: counted as they move, so nobody has to scan."""

from __future__ import annotations

from collections import Counter

from projections.port import TEXT, Cursor

DDL = f"""
CREATE TABLE counts (
    type {TEXT}, business_type {TEXT}, rule {TEXT}, status {TEXT}, tasks bigint NOT NULL,
    PRIMARY KEY (type, business_type, rule, status)
) WITH (fillfactor = 50);
"""
"""None of them 0."""

_ADD = """
INSERT INTO counts SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[])
ON CONFLICT (type, business_type, rule, status) DO UPDATE SET tasks = counts.tasks + excluded.tasks
RETURNING counts.tasks = 0
"""
_CLEAR = "DELETE FROM counts WHERE tasks = 0"

Place = tuple[str, str, str]
"""(type, business type, rule)"""


class Counts:
    """What a batch adds and takes away."""

    def __init__(self) -> None:
        self._changes: Counter[tuple[str, str, str, str]] = Counter()

    def add(self, place: Place, status: str, tasks: int) -> None:
        """So many more tasks stand there; fewer, if negative."""
        self._changes[(*place, status)] += tasks

    def moved(self, place: Place, before: str, after: str, tasks: int = 1) -> None:
        """Tasks of one place have another status."""
        self.add(place, before, -tasks)
        self.add(place, after, tasks)

    def write(self, cursor: Cursor) -> None:
        """Add to the table."""
        changed = {key: count for key, count in self._changes.items() if count}
        if not changed:
            return
        cursor.execute(_ADD, [*map(list, zip(*changed, strict=True)), list(changed.values())])
        if (True,) in cursor.fetchall():
            cursor.execute(_CLEAR)
