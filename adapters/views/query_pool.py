"""Connections that only read, and one error for a PostgreSQL that is away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from adapters.views.connection import options

_SETTINGS = ("statement_timeout=30s", "default_transaction_read_only=on", "work_mem=32MB")

Params = Sequence[Any] | dict[str, Any]


class ViewsUnavailableError(Exception):
    """PostgreSQL is away, or a view is being built anew; the same query may succeed later."""


class QueryPool:
    """A few connections to one workspace's schema; each statement is a transaction of its own."""

    def __init__(self, dsn: str, schema: str, connections: int, patience: float) -> None:
        kwargs = {"options": options(schema, *_SETTINGS), "autocommit": True, "application_name": "paidan-queries"}
        self._pool = AsyncConnectionPool(
            dsn, kwargs=kwargs, min_size=1, max_size=connections, open=False, timeout=patience
        )

    async def open(self) -> None:
        """Begin to connect; PostgreSQL may still be away."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        """Let statements under way end, then disconnect."""
        await self._pool.close()

    async def fetch(self, query: str, params: Params) -> list[Any]:
        """Rows of one statement. Raises ViewsUnavailableError.

        A connection that died while idle is found out here, so once more on a fresh one.
        """
        try:
            return await self._run(query, params)
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            if isinstance(error, PoolTimeout | psycopg.errors.QueryCanceled):
                raise _away(error) from error
        try:
            await self._pool.check()
            return await self._run(query, params)
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            raise _away(error) from error

    async def _run(self, query: str, params: Params) -> list[Any]:
        try:
            async with self._pool.connection() as connection:
                cursor = await connection.execute(query, params)
                return await cursor.fetchall()
        except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName) as error:
            raise ViewsUnavailableError("Expected views to read, but they are being built; try again") from error


def _away(error: Exception) -> ViewsUnavailableError:
    return ViewsUnavailableError(f"Expected PostgreSQL to answer, but {str(error).strip() or type(error).__name__}")
