"""``paidan doctor``'s look at PostgreSQL and at a workspace's log in it. Changes nothing; waits for nobody long."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import psutil
import psycopg
from psycopg.rows import dict_row
from psycopg.sql import SQL, Identifier

from adapters.log.codec import Envelope
from adapters.log.ownership import lock_key
from adapters.log.schemas import schema_of, stream_of
from adapters.operations.findings import Finding, Lag, fail, ok, room, unreachable, warn

CONNECT_S = 3
ANSWER_MS = 5_000
LEAST_VERSION = 150_000
SKEW_S, MUCH_SKEW_S = 1.0, 30.0
SPARE_CONNECTIONS = 20
"""One server uses about ten."""

_SETTINGS = "SELECT name, setting FROM pg_settings WHERE name = ANY(%s)"
_NAMES = ["fsync", "full_page_writes", "synchronous_commit", "max_connections", "data_directory"]
_OWNER = """
SELECT a.pid, coalesce(host(a.client_addr), 'this machine') AS client, a.backend_start AS since
FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND l.classid = %(high)s::bigint::oid AND l.objid = %(low)s::bigint::oid
"""
_HEAD = "SELECT coalesce(max(originator_version), 0) AS head FROM stored_events WHERE originator_id = %s"
_STATE = "SELECT state FROM stored_events WHERE originator_id = %s AND originator_version = %s"


class LogProbe:
    """One connection to ask over; ``findings`` may come to an early end, and says why."""

    def __init__(self, dsn: str, workspace: str) -> None:
        self._dsn, self._workspace = dsn, workspace
        self.head: int | None = None
        """Of the workspace's log, where it could be read."""
        self.rules: str | None = None
        """The rule document in force, where it could be read."""
        self._connection: psycopg.Connection[dict[str, Any]]

    def findings(self, bound_s: float) -> Iterator[Finding]:
        """``bound_s``: views that are behind for longer are worth a word."""
        try:
            with self._connected():
                yield from self._server()
                yield from self._log(bound_s)
        except psycopg.OperationalError as error:
            told = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            yield unreachable("PostgreSQL", f"Expected it to answer, but {told}", "start it, or correct --postgres")
        except psycopg.Error as error:
            yield fail("PostgreSQL", f"Expected an answer, but {str(error).strip()}", "see PostgreSQL's own log")

    def late_s(self, position: int) -> float:
        """Age of the event after a position, in seconds; 0 where there is none, or no telling."""
        try:
            with self._connected():
                self._connection.execute(SQL("SET search_path = {}").format(Identifier(schema_of(self._workspace))))
                return self._late_s(position)
        except psycopg.Error:
            return 0.0

    @contextmanager
    def _connected(self) -> Iterator[None]:
        with psycopg.connect(
            self._dsn,
            autocommit=True,
            connect_timeout=CONNECT_S,
            row_factory=dict_row,
            application_name="paidan-doctor",
        ) as self._connection:
            self._connection.execute(SQL("SET statement_timeout = {}").format(ANSWER_MS))
            yield

    def _late_s(self, position: int) -> float:
        row = self._row(_STATE, [stream_of(self._workspace), position + 1])
        if not row:
            return 0.0
        return max(0.0, time.time() - msgspec.json.decode(row["state"], type=Envelope).at / 1000)

    def _server(self) -> Iterator[Finding]:
        settings = {row["name"]: row["setting"] for row in self._connection.execute(_SETTINGS, [_NAMES])}
        yield self._version()
        yield _durable(settings)
        yield self._connections(int(settings["max_connections"]))
        yield self._writable()
        yield self._skew()
        directory = Path(settings.get("data_directory") or "/nonexistent")
        if self._connection.info.host.startswith("/") and directory.is_dir():
            usage = psutil.disk_usage(str(directory))
            yield room("disk of PostgreSQL", usage.free, usage.total, "make room: without it nothing is accepted")

    def _version(self) -> Finding:
        number = self._connection.info.server_version
        told = f"version {number // 10_000}.{number % 10_000}"
        if number < LEAST_VERSION:
            return warn("PostgreSQL", f"{told}; Paidan is tested from 15 on", "upgrade it")
        return ok("PostgreSQL", told)

    def _connections(self, most: int) -> Finding:
        used = self._row("SELECT count(*) AS used FROM pg_stat_activity WHERE backend_type = 'client backend'")["used"]
        told = f"{used} of {most} connections in use"
        if most - used < SPARE_CONNECTIONS:
            return warn("connections", told, "raise max_connections; a server takes about ten")
        return ok("connections", told)

    def _writable(self) -> Finding:
        row = self._row(
            "SELECT pg_is_in_recovery() AS standby, current_setting('default_transaction_read_only') AS ro,"
            " has_database_privilege(current_database(), 'CREATE') AS may, to_regnamespace(%s) IS NOT NULL AS made",
            [schema_of(self._workspace)],
        )
        if row["standby"] or row["ro"] == "on":
            why = "it is a stand-by" if row["standby"] else "transactions are read-only"
            return fail("writing", f"Expected to write, but {why}", "name the primary with --postgres")
        if not row["may"] and not row["made"]:
            told = "Expected to make the workspace's schema, but this user may not"
            return fail("writing", told, "GRANT CREATE ON DATABASE … TO …")
        return ok("writing", "allowed")

    def _skew(self) -> Finding:
        before = time.time()
        there = self._row("SELECT extract(epoch FROM clock_timestamp())::float8 AS now")["now"]
        skew = there - (before + time.time()) / 2
        told = f"{abs(skew):.3f} s {'ahead' if skew > 0 else 'behind'} of this machine's"
        if abs(skew) > MUCH_SKEW_S:
            return fail("clock of PostgreSQL", told, "synchronise both with NTP")
        return (
            warn("clock of PostgreSQL", told, "use NTP on both")
            if abs(skew) > SKEW_S
            else ok("clock of PostgreSQL", told)
        )

    def _log(self, bound_s: float) -> Iterator[Finding]:
        yield self._owner()
        if not self._row("SELECT to_regclass(%s) AS made", [f"{schema_of(self._workspace)}.stored_events"])["made"]:
            yield warn("log", f"workspace {self._workspace} has none yet", "start the server once")
            return
        self._connection.execute(SQL("SET search_path = {}").format(Identifier(schema_of(self._workspace))))
        self.head = int(self._row(_HEAD, [stream_of(self._workspace)])["head"])
        yield ok("log", f"ends at position {self.head:,}")
        if not self._row("SELECT to_regclass('view_positions') AS made")["made"]:
            yield warn("views", "there are none yet", "start the projector")
            return
        if self._row("SELECT to_regclass('rule_sets') AS made")["made"]:
            self.rules = self._row("SELECT source FROM rule_sets ORDER BY version DESC LIMIT 1").get("source")
        for row in self._connection.execute("SELECT view, position FROM view_positions ORDER BY view").fetchall():
            lag = Lag(f"view {row['view']}", row["position"], self.head, self._late_s(row["position"]))
            yield lag.finding(bound_s, "see whether the projector runs, and what it logs")

    def _owner(self) -> Finding:
        key = lock_key(self._workspace)
        row = self._row(_OWNER, {"high": key >> 32 & 0xFFFFFFFF, "low": key & 0xFFFFFFFF})
        if not row:
            return warn("owner", f"no server owns workspace {self._workspace}", "start one: paidan serve")
        told = f"a server at {row['client']}, session {row['pid']} since {row['since']:%Y-%m-%d %H:%M:%S}"
        return ok("owner", told)

    def _row(self, query: str, parameters: Any = None) -> dict[str, Any]:
        return self._connection.execute(query, parameters).fetchone() or {}


def _durable(settings: dict[str, str]) -> Finding:
    off = [name for name in ("fsync", "full_page_writes", "synchronous_commit") if settings.get(name) == "off"]
    if off:
        told = f"Expected what was accepted to survive a power failure, but {' and '.join(off)} is off"
        return fail("durability", told, f"set {off[0]} = on in postgresql.conf")
    return ok("durability", "fsync, full_page_writes and synchronous_commit are on")
