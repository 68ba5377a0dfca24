"""Views in the real PostgreSQL, brought up to date by hand, and read back whole."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import psycopg

from adapters.log.event_log import EventLog
from adapters.log.schemas import schema_of
from adapters.views.connection import Window, connect, create_views
from adapters.views.projector import Projector
from adapters.views.queries import Queries
from engine.events import Recorded
from projections.catalogue import VIEWS
from tests.projections.model import Model

Found = TypeVar("Found")


class Live:
    """One workspace's log and views. ``reset`` empties both, so that one schema serves many stories."""

    def __init__(self, dsn: str, workspace: str) -> None:
        self.dsn, self.workspace = dsn, workspace
        self.log = EventLog(dsn, workspace)
        self.log.create()
        self.connection = connect(dsn, schema_of(workspace))
        create_views(self.connection)
        self.projector = Projector(dsn, workspace)

    def close(self) -> None:
        self.connection.close()
        self.log.close()

    def reset(self) -> None:
        tables = ", ".join(table for view in VIEWS for table in view.tables)
        self.connection.execute(f"TRUNCATE {tables}, stored_events, log_head; UPDATE view_positions SET position = 0")
        self.log.close()
        self.log = EventLog(self.dsn, self.workspace)

    def catch_up(self, size: int | None = None) -> None:
        """All views to the log's head; ``size``: events a batch."""
        window = Window(self.log.read_stored) if size is None else Slices(self.log, size)
        while self.projector.step(self.connection, window):  # type: ignore[arg-type]
            pass

    def put(self, log: Sequence[Recorded]) -> None:
        self.log.append(log)

    def dump(self) -> dict[str, list[Any]]:
        """Every row of every table."""
        tables = [table for view in VIEWS for table in view.tables]
        return {table: rows_of(self.connection, table) for table in tables}

    def ask(self, question: Callable[[Queries], Awaitable[Found]]) -> Found:
        """One question on a loop of its own."""

        async def asking() -> Found:
            queries = Queries(self.dsn, self.workspace)
            await queries.open()
            try:
                return await question(queries)
            finally:
                await queries.close()

        return asyncio.run(asking())


class Slices:
    """Reads the log a fixed number of events at a time."""

    def __init__(self, log: EventLog, size: int) -> None:
        self._log, self._size = log, size

    def read(self, after: int) -> list[Recorded]:
        return self._log.read(after, self._size)


def rows_of(connection: psycopg.Connection, table: str) -> list[Any]:
    return sorted(row[0] for row in connection.execute(f"SELECT t::text FROM {table} t").fetchall())


async def shown(queries: Queries) -> dict[str, Any]:
    """Everything the views show."""
    packages = (await queries.packages(page_size=1000)).rows
    rejected = {
        package.number: [row async for some in queries.rejected_rows(package.number, 2) for row in some]
        for package in packages
    }
    return {
        "tasks": (await queries.tasks(page_size=1000)).rows,
        "assignments": (await queries.assignments(page_size=1000)).rows,
        "agents": (await queries.agents(page_size=1000)).rows,
        "packages": packages,
        "pools": sorted((await queries.pools(page_size=1000)).rows, key=str),
        "rejected": rejected,
        "counts": await queries.counts(),
        "spread": await queries.spread(),
    }


def expected(log: Sequence[Recorded]) -> dict[str, Any]:
    """Everything the views should show."""
    model = Model(log)
    return {
        "tasks": model.tasks(),
        "assignments": model.assignments(),
        "agents": model.agents(),
        "packages": model.packages(),
        "pools": model.pools(),
        "rejected": {package.number: model.rejected(package.number) for package in model.packages()},
        "counts": model.counts(),
        "spread": model.spread(),
    }
