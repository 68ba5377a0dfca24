"""Where tasks wait: a row a waiting task, the poolings that put them there, and the pools' lanes with their counts.

A bulk event puts hundreds of tasks into a lane at once. What they have in common is a *pooling*, written once; a
waiting task is only its number beside the pooling. An assignment keeps the pooling it came from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from hashlib import blake2b

import msgspec
from msgspec.structs import astuple

from engine.events import AttributeValue
from projections.copying import array_of, clean, copy_rows, json_of, lane_json, row_of
from projections.counts import Place
from projections.port import TEXT, Cursor
from projections.tasks import Kind

DDL = f"""
CREATE TABLE waiting (task bigint PRIMARY KEY, pooling bigint NOT NULL);
CREATE TABLE poolings (
    id bigint PRIMARY KEY, pool bigint NOT NULL, rule {TEXT}, stage integer NOT NULL, lane jsonb NOT NULL,
    version bigint NOT NULL, pooled_at bigint NOT NULL, package bigint NOT NULL, type {TEXT}, business_type {TEXT},
    trail bigint[] NOT NULL, waiting bigint NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX poolings_waiting ON poolings (pool, package) WHERE waiting > 0;
CREATE TABLE pools (
    id bigint PRIMARY KEY, rule {TEXT}, stage integer NOT NULL, lane jsonb NOT NULL,
    waiting bigint NOT NULL, stalled {TEXT}
);
CREATE TABLE methods (rule {TEXT} PRIMARY KEY, method {TEXT});
"""
"""``trail``: positions of the events that led into the pooling. ``pools`` has the lanes that are not empty;
``methods`` the rules in force."""

REASON = """
CASE WHEN m.method IS NULL THEN 'no_rule_governs' WHEN m.method = 'claim' THEN 'to_be_claimed'
    WHEN m.method = 'manual' THEN 'to_be_assigned' WHEN l.stalled <> '' THEN l.stalled ELSE 'in_turn' END"""
"""Why a lane waits, given ``pools l`` and ``methods m``: engine.decide.settling.reason_of in SQL."""

_POOLINGS_OF = """
SELECT id, pool, rule, stage, lane::text, version, pooled_at, package, type, business_type, trail, waiting
FROM poolings WHERE id = ANY(%s)
"""
_POOLS_OF = "SELECT id, rule, stage, lane::text, waiting, stalled FROM pools WHERE id = ANY(%s)"
_KEEP_POOLS = """
INSERT INTO pools SELECT id, rule, stage, lane::jsonb, waiting, stalled FROM unnest(
    %s::bigint[], %s::text[], %s::integer[], %s::text[], %s::bigint[], %s::text[]
) AS n (id, rule, stage, lane, waiting, stalled)
ON CONFLICT (id) DO UPDATE SET waiting = excluded.waiting, stalled = excluded.stalled
"""
_COUNT = """
UPDATE poolings AS p SET waiting = n.waiting FROM unnest(%s::bigint[], %s::bigint[]) AS n (id, waiting)
WHERE p.id = n.id AND p.waiting <> n.waiting
"""
_PLACES = 1 << 16
"""Poolings one event may make."""


class Pool(msgspec.Struct):
    """One lane."""

    id: int
    rule: str
    stage: int
    lane: str
    waiting: int = 0
    stalled: str = ""


class Pooling(msgspec.Struct):
    """What put tasks of one type into one lane at once."""

    id: int
    pool: int
    rule: str
    stage: int
    lane: str
    version: int
    pooled_at: int
    package: int
    type: str
    business_type: str
    trail: Sequence[int]
    waiting: int = 0

    @property
    def place(self) -> Place:
        """What its tasks are counted under."""
        return self.type, self.business_type, self.rule


class Pools:
    """What a batch touches, as it stood before and as it stands after each event."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self.waiting: dict[int, int] = {}
        """Task -> pooling, of tasks the batch touches."""
        self.poolings: dict[int, Pooling] = {}
        self._new: list[int] = []
        self._made: Counter[int] = Counter()
        self._pools: dict[int, Pool] = {}
        self._methods: dict[str, str] | None = None

    def fetch(self, tasks: Sequence[int], poolings: Iterable[int], pools: Iterable[Pool]) -> None:
        """Take the tasks that events will move out of the table, and read the lanes they and others stand in.

        ``poolings``: of tasks that somebody holds.
        """
        if tasks:
            self._cursor.execute("DELETE FROM waiting WHERE task = ANY(%s) RETURNING task, pooling", [tasks])
            self.waiting = dict(self._cursor.fetchall())
        named = {*self.waiting.values(), *poolings} - {0}
        if named:
            self._cursor.execute(_POOLINGS_OF, [list(named)])
            for row in self._cursor.fetchall():
                self.poolings[row[0]] = Pooling(*row)
        wanted = {pooling.pool for pooling in self.poolings.values()} | {pool.id for pool in pools}
        self._fetch_pools(list(wanted))

    def _fetch_pools(self, ids: list[int]) -> None:
        if not ids:
            return
        self._cursor.execute(_POOLS_OF, [ids])
        for row in self._cursor.fetchall():
            self._pools[row[0]] = Pool(*row)

    def _known(self, pool: Pool) -> Pool:
        """The lane as it stands; one that nothing announced (a relax step's) is read when it is met."""
        if pool.id not in self._pools:
            self._fetch_pools([pool.id])
        return self._pools.setdefault(pool.id, pool)

    def rules_applied(self, methods: dict[str, str]) -> None:
        """Rules in force -> method."""
        self._methods = methods

    def leave(self, tasks: Sequence[int]) -> list[int]:
        """Tasks no longer wait; gives the pooling of each, 0 where it did not wait."""
        take = self.waiting.pop
        left = [take(number, 0) for number in tasks]
        for pooling_id, count in Counter(left).items():
            if pooling_id:
                self._count(self.poolings[pooling_id], -count)
        return left

    def enter(self, tasks: Iterable[int], pooling: Pooling) -> None:
        """Tasks wait under this pooling."""
        entering = dict.fromkeys(tasks, pooling.id)
        self.waiting.update(entering)
        self._count(pooling, len(entering))

    def pooling(self, pool: Pool, version: int, at: int, package: int, kind: Kind, trail: tuple[int, ...]) -> Pooling:
        """A new pooling; the last position of its trail and its place among the event's give its id."""
        pool = self._known(pool)
        identity = trail[-1] * _PLACES + self._made[trail[-1]]
        self._made[trail[-1]] += 1
        made = Pooling(identity, pool.id, pool.rule, pool.stage, pool.lane, version, at, package, *kind, trail)
        self._new.append(identity)
        self.poolings[identity] = made
        return made

    def stall(self, pool: Pool, reason: str) -> None:
        """Nobody may take from the lane; an empty lane remembers nothing."""
        known = self._pools.get(pool.id)
        if known is not None and known.waiting:
            known.stalled = reason

    def _count(self, pooling: Pooling, count: int) -> None:
        pool = self._pools[pooling.pool]
        pooling.waiting += count
        pool.waiting += count
        if not pool.waiting:
            pool.stalled = ""

    def write(self, cursor: Cursor) -> None:
        """Write everything that differs from what was fetched."""
        if self.waiting:
            rows = [f"{task}|{pooling}\n" for task, pooling in self.waiting.items()]
            copy_rows(cursor, "waiting", rows)
        self._write_poolings(cursor)
        self._write_pools(cursor)
        if self._methods is not None:
            cursor.execute("DELETE FROM methods")
            names = [list(self._methods), list(self._methods.values())]
            cursor.execute("INSERT INTO methods SELECT * FROM unnest(%s::text[], %s::text[])", names)

    def _write_poolings(self, cursor: Cursor) -> None:
        if self._new:
            copy_rows(cursor, "poolings", [_row_of(self.poolings[identity]) for identity in self._new])
        new = set(self._new)
        old = [pooling for identity, pooling in self.poolings.items() if identity not in new]
        if old:
            cursor.execute(_COUNT, [[pooling.id for pooling in old], [pooling.waiting for pooling in old]])

    def _write_pools(self, cursor: Cursor) -> None:
        empty = [pool.id for pool in self._pools.values() if not pool.waiting]
        if empty:
            cursor.execute("DELETE FROM pools WHERE id = ANY(%s)", [empty])
        kept = [pool for pool in self._pools.values() if pool.waiting]
        if kept:
            columns = zip(*((p.id, p.rule, p.stage, p.lane, p.waiting, p.stalled) for p in kept), strict=True)
            cursor.execute(_KEEP_POOLS, list(map(list, columns)))


def pool_of(rule: str | None, stage: int, lane: Sequence[AttributeValue]) -> Pool:
    """The lane, empty. Its id is a hash of the key, so that every rebuild gives the same one."""
    name, values = clean(rule or ""), lane_json(lane)
    return Pool(pool_id(name, stage, values), name, stage, values)


def pool_id(rule: str, stage: int, lane: str) -> int:
    """A hash of the lane's key."""
    digest = blake2b(json_of([rule, stage, lane]).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def _row_of(pooling: Pooling) -> str:
    values = astuple(pooling)
    return row_of([*values[:10], array_of(pooling.trail), pooling.waiting]) + "\n"
