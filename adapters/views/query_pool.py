"""Connections that only read, and one error for a PostgreSQL that is away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout, TooManyRequests

from adapters.log.connection import QueryConnection, line
from adapters.views.connection import options

_SETTINGS = ("statement_timeout=30s", "default_transaction_read_only=on", "work_mem=32MB", "random_page_cost=1.1")

Params = Sequence[Any] | dict[str, Any]


class ViewsUnavailableError(Exception):
    """PostgreSQL is away, or a view is being built anew; the same query may succeed later."""


class TooManyQueriesError(Exception):
    """More queries wait for a connection, or they wait for longer, than the server takes on."""


class QueryPool:
    """A few connections to one workspace's schema; each statement is a transaction of its own.

    At most ``waiting`` queries wait for a connection, ``patience`` seconds at most.
    """

    def __init__(self, dsn: str, schema: str, connections: int, patience: float, waiting: int) -> None:
        kwargs = {
            "options": options(schema, *_SETTINGS),
            "autocommit": True,
            "application_name": "paidan-queries",
            **line(dsn),
        }
        self._pool = AsyncConnectionPool(
            dsn,
            connection_class=QueryConnection,
            kwargs=kwargs,
            min_size=1,
            max_size=connections,
            open=False,
            timeout=patience,
            max_waiting=waiting,
        )

    async def open(self) -> None:
        """Begin to connect; PostgreSQL may still be away."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        """Let statements under way end, then disconnect."""
        await self._pool.close()

    async def fetch(self, query: str, params: Params) -> list[Any]:
        """Rows of one statement. Raises ViewsUnavailableError, TooManyQueriesError.

        A connection that died while idle is found out here, so once more on a fresh one.
        """
        try:
            return await self._run(query, params)
        except TooManyRequests as error:
            raise TooManyQueriesError(f"Expected fewer queries to wait, but {error}; ask again shortly") from error
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            if isinstance(error, PoolTimeout) and self._is_busy():
                raise TooManyQueriesError(f"Expected a turn for the query, but {error}; ask again shortly") from error
            if isinstance(error, PoolTimeout | psycopg.errors.QueryCanceled):
                raise _away(error) from error
        try:
            await self._pool.check()
            return await self._run(query, params)
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            raise _away(error) from error

    def _is_busy(self) -> bool:
        """Whether PostgreSQL is there and others have all its connections."""
        stats = self._pool.get_stats()
        return stats.get("pool_size", 0) >= self._pool.max_size and not stats.get("pool_available", 0)

    async def _run(self, query: str, params: Params) -> list[Any]:
        try:
            async with self._pool.connection() as connection:
                cursor = await connection.execute(query, params)
                return await cursor.fetchall()
        except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName) as error:
            raise ViewsUnavailableError("Expected views to read, but they are being built; try again") from error


def _away(error: Exception) -> ViewsUnavailableError:
    return ViewsUnavailableError(f"Expected PostgreSQL to answer, but {str(error).strip() or type(error).__name__}")
