"""Every view built anew in temporary tables and compared, row by row, with the one in use."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Self

import msgspec
import psycopg

from adapters.audit.findings import Finding
from adapters.log.event_log import EventLog
from adapters.log.schemas import schema_of
from adapters.views.connection import options
from engine.events import Recorded
from projections.catalogue import VIEWS
from projections.port import View

SHOWN = 3
"""Differences told of each table."""

Row = dict[str, Any]


class Shadow:
    """The views by the log. Temporary tables hide the real ones behind their unqualified names."""

    def __init__(self, dsn: str, workspace: str) -> None:
        self.schema = schema_of(workspace)
        self.connection = psycopg.connect(
            dsn, autocommit=True, options=options(f"pg_temp,{self.schema}"), application_name="paidan-verify"
        )
        self.live: dict[str, int] = {}
        """Where the views in use stand, as last seen."""
        self._broken: dict[str, str] = {}
        """View -> why it cannot be built."""
        self._reached = dict.fromkeys((view.name for view in VIEWS), 0)

    def __enter__(self) -> Self:
        for view in VIEWS:
            self.connection.execute(view.ddl)
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def take(self, batch: Sequence[Recorded]) -> int:
        """Bring each view up with the one in use, as far as this batch goes; gives where the view of tasks stands."""
        self._look()
        for view in VIEWS:
            self._apply(view, batch)
        return self.live.get("tasks", 0)

    @contextmanager
    def moment(self, log: EventLog) -> Iterator[None]:
        """One moment of the views in use, and their copies brought up to it. Tables are locked first, so that what is
        read is what the positions say even while a rebuilt view is put in place."""
        tables = ", ".join(f"{self.schema}.{table}" for view in VIEWS for table in view.tables)
        with self.connection.transaction():
            self.connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            self.connection.execute(f"LOCK TABLE {self.schema}.view_positions, {tables} IN ACCESS SHARE MODE")
            self._look()
            for view in VIEWS:
                while self._reached[view.name] < self.live.get(view.name, 0):
                    batch = log.read(self._reached[view.name], 256)
                    if not batch:
                        break
                    self._apply(view, batch)  # within a transaction an error of PostgreSQL's ends the check
            yield

    def findings(self, head: int) -> list[Finding]:
        """A finding for each view."""
        return [self._finding(view, head) for view in VIEWS]

    def _finding(self, view: View, head: int) -> Finding:
        if view.name in self._broken:
            return Finding(view.name, False, self._broken[view.name])
        stands = self.live.get(view.name)
        if stands is None:
            return Finding(
                view.name, False, "Expected the view to be there, but it was never built; start the projector"
            )
        if stands != self._reached[view.name]:
            return Finding(
                view.name, False, f"Expected the view within the log of {head} events, but it stands at {stands}"
            )
        wrong = [text for table in view.tables for text in differences(self.connection, self.schema, table)]
        if wrong:
            return Finding(view.name, False, "; ".join(wrong))
        return Finding(view.name, True, f"the same as built anew up to position {stands}")

    def _look(self) -> None:
        found = self.connection.execute(f"SELECT view, position FROM {self.schema}.view_positions").fetchall()
        self.live = dict(found)

    def _apply(self, view: View, batch: Sequence[Recorded]) -> None:
        first, last = self._reached[view.name], self.live.get(view.name, 0)
        part = [recorded for recorded in batch if first < recorded.position <= last]
        if not part or part[0].position != first + 1 or view.name in self._broken:
            return
        try:
            view.apply(self.connection.cursor(), part)
        except (LookupError, AttributeError, TypeError, ValueError, psycopg.DataError) as error:
            self._broken[view.name] = f"Expected events from {first + 1} on to make the view, but {error!r}"
        self._reached[view.name] = part[-1].position


def differences(connection: psycopg.Connection, schema: str, table: str) -> list[str]:
    """The first differences of a table from its copy by the log, in words; empty where they are equal."""
    live, copy = f"{schema}.{table}", f"pg_temp.{table}"
    seed = secrets.randbits(62)
    if _digest(connection, live, seed) == _digest(connection, copy, seed):
        return []
    keys = _key_of(connection, table)
    odd = _only_in(connection, live, copy) + _only_in(connection, copy, live)
    told: dict[str, str] = {}
    for row in odd:
        name = ", ".join(f"{key} {row[key]}" for key in keys)
        mine, right = _row_at(connection, live, keys, row), _row_at(connection, copy, keys, row)
        told.setdefault(name, f"{table} ({name}): {_told(mine, right)}")
    return list(told.values())[:SHOWN]


def _digest(connection: psycopg.Connection, table: str, seed: int) -> Any:
    """Rows, and the sum of their hashes. The seed is drawn by lot, so that no change can be made to fit the sum."""
    return connection.execute(f"SELECT count(*), sum(hash_record_extended(o, {seed})) FROM {table} o").fetchone()


def _told(mine: Row | None, right: Row | None) -> str:
    if mine is None:
        return "Expected a row by the log, but the view has none"
    if right is None:
        return "Expected no row by the log, but the view has one"
    wrong = [f"{name} {right[name]!r}, but the view has {mine[name]!r}" for name in right if mine[name] != right[name]]
    return "Expected by the log " + ", and ".join(wrong)


def _only_in(connection: psycopg.Connection, one: str, other: str) -> list[Row]:
    found = connection.execute(
        f"SELECT to_jsonb(o)::text FROM (SELECT * FROM {one} EXCEPT SELECT * FROM {other} LIMIT {SHOWN}) o"
    ).fetchall()
    return [msgspec.json.decode(row[0]) for row in found]


def _row_at(connection: psycopg.Connection, table: str, keys: list[str], row: Row) -> Row | None:
    same = " AND ".join(f'"{key}"::text = %s' for key in keys)
    values = [str(row[key]) for key in keys]
    found = connection.execute(f"SELECT to_jsonb(o)::text FROM {table} o WHERE {same} LIMIT 1", values).fetchone()
    return None if found is None else msgspec.json.decode(found[0])


def _key_of(connection: psycopg.Connection, table: str) -> list[str]:
    found = connection.execute(
        "SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)"
        " WHERE i.indrelid = to_regclass(%s) AND i.indisprimary ORDER BY array_position(i.indkey, a.attnum)",
        [f"pg_temp.{table}"],
    ).fetchall()
    return [str(row[0]) for row in found]
