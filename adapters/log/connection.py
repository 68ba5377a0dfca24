"""Connections to PostgreSQL that nobody waits on for ever, however it fails: refused, frozen, or behind a dead line.

Waiting for an answer ends on our side, as a frozen server tells nothing. A statement whose asker is gone ends on the
server's side, so that it does not hold what the next asker needs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import DictRow, dict_row

RV = TypeVar("RV")
NoAnswer = psycopg.errors._WaitTimeout
"""What psycopg's own wait ends with; it leaves the connection as it is, with the statement under way."""

CONNECT_S = 5
ANSWER_S = 10.0
"""One statement's answer. An append of a megabyte takes a hundredth of it, a commit on a busy disk a second or two."""
BYTES_A_S = 2_000_000
"""As slow as PostgreSQL may be in taking or giving much, on top of that."""
INTERVAL_S = 0.1
LINE = {
    "connect_timeout": CONNECT_S,
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
"""How libpq finds out that a line is dead; a unix socket needs none of it."""
AT_SERVER = "-c statement_timeout=120s -c lock_timeout=8s -c client_connection_check_interval=1s"


class Connection(psycopg.Connection[DictRow]):
    """Raises psycopg.OperationalError, and is closed, when a statement's answer does not come within ``ANSWER_S``
    and ``more_s``.
    """

    more_s = 0.0

    def wait(self, gen: PQGen[RV], interval: float = INTERVAL_S, timeout: float | None = None) -> RV:
        if timeout is not None:
            return super().wait(gen, interval, timeout)
        limit_s = ANSWER_S + self.more_s
        try:
            return super().wait(gen, interval, limit_s)
        except NoAnswer:
            self.pgconn.finish()
            raise psycopg.OperationalError(f"it gave no answer within {limit_s:g} s") from None


class AsyncConnection(psycopg.AsyncConnection[tuple[Any, ...]]):
    """The same on asyncio; ``answer_s`` may be set on a connection."""

    answer_s = ANSWER_S

    async def wait(self, gen: PQGen[RV], interval: float = INTERVAL_S, timeout: float | None = None) -> RV:
        if timeout is not None:
            return await super().wait(gen, interval, timeout)
        try:
            return await super().wait(gen, interval, self.answer_s)
        except NoAnswer:
            self.pgconn.finish()
            raise psycopg.OperationalError(f"it gave no answer within {self.answer_s:g} s") from None


class QueryConnection(AsyncConnection):
    """For queries, which PostgreSQL itself gives up after 30 s."""

    answer_s = 35.0


class OneConnection:
    """In place of eventsourcing's pool, which after an outage of a second makes its callers wait for most of a minute.

    Made when it is needed, and made anew once it broke.
    """

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._made: Connection | None = None
        self._more_s = 0.0

    @property
    def broken(self) -> bool:
        """Whether the last one was lost, so that what was asked over it may have been done or not."""
        return self._made is not None and self._made.closed

    def open(self, *_: object) -> None:
        """A pool would open here."""

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection[DictRow]]:
        """The connection. Raises psycopg.OperationalError where PostgreSQL is away."""
        if self._made is None or self._made.closed:
            self._made = None
            self._made = Connection.connect(
                self._dsn, autocommit=True, row_factory=dict_row, **settings(self._dsn, "paidan-log")
            )
        self._made.more_s = self._more_s
        yield self._made

    @contextmanager
    def moving(self, size: int) -> Iterator[None]:
        """What is asked meanwhile sends or brings this many bytes, and may take its time."""
        self._more_s = size / BYTES_A_S
        try:
            yield
        finally:
            self._more_s = 0.0

    def close(self) -> None:
        """Give it back."""
        if self._made is not None:
            self._made.close()


def line(dsn: str) -> dict[str, Any]:
    """Arguments of ``connect`` that find a dead line, beside the DSN; what the DSN itself says has precedence."""
    said = conninfo_to_dict(dsn)
    return {key: value for key, value in LINE.items() if key not in said}


def settings(dsn: str, name: str) -> dict[str, Any]:
    """The same for the log and its owner: statements end on the server's side too."""
    options = f"{AT_SERVER} {conninfo_to_dict(dsn).get('options') or ''}".strip()
    return {**line(dsn), "application_name": name, "options": options}
