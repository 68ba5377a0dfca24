"""The job as the eventsourcing library's own tutorial would write it: a task is an aggregate, and so is its history.

Tasks are saved and loaded some hundreds at a time, which is kind to it; who gets one is a round robin.
"""

from __future__ import annotations

from importlib.metadata import version
from itertools import cycle
from pathlib import Path
from time import perf_counter
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from psycopg.conninfo import conninfo_to_dict

from benchmarks.desk import agents_for
from benchmarks.peers import PeerRun, batches, rows_of

SAVED_AT_ONCE = 200
"""Aggregates in one save: larger ones come near the size at which psycopg's pipeline hangs."""


class Task(Aggregate):
    """One row."""

    @event("Imported")
    def __init__(self, row: str) -> None:
        self.row, self.agent = row, ""

    @event("Assigned")
    def assign(self, agent: str) -> None:
        """An agent holds it."""
        self.agent = agent


def run(dsn: str, package: Path, jobs: int) -> PeerRun:
    """Import, then load each task again and assign it."""
    application: Application[UUID] = Application(_environment(dsn))
    rows, started = rows_of(package, jobs), perf_counter()
    made = [_import(application, batch) for batch in batches(rows, SAVED_AT_ONCE)]
    imported, agents = perf_counter(), cycle(f"agent-{number:03}" for number in range(agents_for(jobs)))
    for batch in made:
        _allocate(application, batch, agents)
    ended = perf_counter()
    application.close()
    return PeerRun(f"eventsourcing {version('eventsourcing')} aggregates", jobs, imported - started, ended - imported)


def _import(application: Application[UUID], rows: list[bytes]) -> list[UUID]:
    tasks = [Task(row.decode()) for row in rows]
    application.save(*tasks)
    return [task.id for task in tasks]


def _allocate(application: Application[UUID], batch: list[UUID], agents: cycle[str]) -> None:
    tasks: list[Task] = [application.repository.get(task) for task in batch]
    for task in tasks:
        task.assign(next(agents))
    application.save(*tasks)


def _environment(dsn: str) -> dict[str, str]:
    known = conninfo_to_dict(dsn)
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": str(known.get("dbname", "")),
        "POSTGRES_HOST": str(known.get("host", "")),
        "POSTGRES_PORT": str(known.get("port", "5432")),
        "POSTGRES_USER": str(known.get("user", "")),
        "POSTGRES_PASSWORD": str(known.get("password", "")),
    }
