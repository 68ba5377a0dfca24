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
    trail bigint[] NOT NULL
);
CREATE TABLE pools (
    id bigint PRIMARY KEY, rule {TEXT}, stage integer NOT NULL, lane jsonb NOT NULL,
    waiting bigint NOT NULL, stalled {TEXT}
) WITH (fillfactor = 50);
CREATE TABLE shares (
    package bigint NOT NULL, pool bigint NOT NULL, waiting bigint NOT NULL, PRIMARY KEY (package, pool)
) WITH (fillfactor = 50);
CREATE TABLE methods (rule {TEXT} PRIMARY KEY, method {TEXT});
"""
"""``trail``: positions of the events that led into the pooling, which never changes. ``pools`` has the lanes that are
not empty, ``shares`` how many rows of each package wait in them, none of them 0; ``methods`` the rules in force."""

REASON = """
CASE WHEN m.method IS NULL THEN 'no_rule_governs' WHEN m.method = 'claim' THEN 'to_be_claimed'
    WHEN m.method = 'manual' THEN 'to_be_assigned' WHEN l.stalled <> '' THEN l.stalled ELSE 'in_turn' END"""
"""Why a lane waits, given ``pools l`` and ``methods m``: engine.decide.settling.reason_of in SQL."""

_POOLINGS_OF = """
SELECT id, pool, rule, stage, lane::text, version, pooled_at, package, type, business_type, trail
FROM poolings WHERE id = ANY(%s::bigint[])
"""
_POOLS_OF = "SELECT id, rule, stage, lane::text, waiting, stalled FROM pools WHERE id = ANY(%s::bigint[])"
_KEEP_POOLS = """
INSERT INTO pools SELECT id, rule, stage, lane::jsonb, waiting, stalled FROM unnest(
    %s::bigint[], %s::text[], %s::integer[], %s::text[], %s::bigint[], %s::text[]
) AS n (id, rule, stage, lane, waiting, stalled)
ON CONFLICT (id) DO UPDATE SET waiting = excluded.waiting, stalled = excluded.stalled
"""
_SHARE = """
INSERT INTO shares SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[])
ON CONFLICT (package, pool) DO UPDATE SET waiting = shares.waiting + excluded.waiting RETURNING shares.waiting = 0
"""
_TAKE = "DELETE FROM waiting WHERE task = ANY(%s::bigint[]) RETURNING task, pooling"
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
        self._counted: dict[int, Pool] = {}
        """Lanes whose count or reason may be another than in the table."""
        self._shares: Counter[tuple[int, int]] = Counter()
        """(package, pool) -> what the batch adds to the rows that wait."""
        self._methods: dict[str, str] | None = None

    def fetch(self, tasks: Sequence[int], poolings: Iterable[int], pools: Iterable[Pool]) -> None:
        """Take the tasks that events will move out of the table, and read the lanes they and others stand in.

        ``poolings``: of tasks that somebody holds.
        """
        if tasks:
            self._cursor.execute(_TAKE, [array_of(tasks)])
            self.waiting = dict(self._cursor.fetchall())
        left = set(self.waiting.values())
        named = {*left, *poolings} - {0}
        if named:
            self._cursor.execute(_POOLINGS_OF, [array_of(named)])
            self.poolings = {row[0]: Pooling(*row) for row in self._cursor.fetchall()}
        wanted = {self.poolings[pooling].pool for pooling in left} | {pool.id for pool in pools}
        self._fetch_pools(list(wanted))

    def _fetch_pools(self, ids: list[int]) -> None:
        if not ids:
            return
        self._cursor.execute(_POOLS_OF, [array_of(ids)])
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
            self._counted[known.id] = known

    def _count(self, pooling: Pooling, count: int) -> None:
        pool = self._counted[pooling.pool] = self._pools[pooling.pool]
        pool.waiting += count
        if pooling.package:
            self._shares[pooling.package, pooling.pool] += count
        if not pool.waiting:
            pool.stalled = ""

    def write(self, cursor: Cursor) -> None:
        """Write everything that differs from what was fetched."""
        if self.waiting:
            rows = [f"{task}|{pooling}\n" for task, pooling in self.waiting.items()]
            copy_rows(cursor, "waiting", rows)
        if self._new:
            copy_rows(cursor, "poolings", [_row_of(self.poolings[identity]) for identity in self._new])
        self._write_pools(cursor)
        self._write_shares(cursor)
        if self._methods is not None:
            cursor.execute("DELETE FROM methods")
            names = [list(self._methods), list(self._methods.values())]
            cursor.execute("INSERT INTO methods SELECT * FROM unnest(%s::text[], %s::text[])", names)

    def _write_pools(self, cursor: Cursor) -> None:
        empty = [pool.id for pool in self._counted.values() if not pool.waiting]
        if empty:
            cursor.execute("DELETE FROM pools WHERE id = ANY(%s::bigint[])", [array_of(empty)])
        kept = [pool for pool in self._counted.values() if pool.waiting]
        if kept:
            columns = zip(*((p.id, p.rule, p.stage, p.lane, p.waiting, p.stalled) for p in kept), strict=True)
            cursor.execute(_KEEP_POOLS, list(map(list, columns)))

    def _write_shares(self, cursor: Cursor) -> None:
        changed = {key: count for key, count in self._shares.items() if count}
        if not changed:
            return
        packages, pools = zip(*changed, strict=True)
        cursor.execute(_SHARE, [array_of(packages), array_of(pools), array_of(changed.values())])
        if (True,) in cursor.fetchall():
            cursor.execute("DELETE FROM shares WHERE waiting = 0")


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
    return row_of([*values[:10], array_of(pooling.trail)]) + "\n"
