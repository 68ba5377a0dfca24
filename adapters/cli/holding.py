"""Who holds a task, as far as the command line was not told: asked of the log as it is at this moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.cli.session import REFUSED, Session, fail

if TYPE_CHECKING:
    from paidan.v1.tasks_pb2 import Task

MAX_DIGITS = 15


def held(session: Session, number: int, agent: str, grant: int | None) -> tuple[str, int]:
    """Agent and grant of who holds the task, as far as they are not given. Ends the command where nobody does."""
    if agent and grant is not None:
        return agent, grant
    task = now(session, number)
    if not task.agent:
        raise fail(f"Expected an agent to hold task {number}, but nobody does", REFUSED)
    return agent or task.agent, task.grant if grant is None else grant


def grant_of(session: Session, number: int, grant: int | None) -> int:
    """The grant in force, 0 where nobody holds the task, unless one is given."""
    return now(session, number).grant if grant is None else grant


def now(session: Session, number: int) -> Task:
    """The task as the log has it at this moment, not as a view that lags behind."""
    from paidan.v1.tasks_pb2 import GetTaskRequest

    request = GetTaskRequest(name=session.name("tasks", number), min_position=session.head())
    return session.ask(session.client.tasks.GetTask, request).task


def numbered(text: str) -> tuple[int, int | None]:
    """Task and grant of ``7=41``; no grant in ``7``."""
    number, equals, grant = text.partition("=")
    wanted = [number, grant] if equals else [number]
    if not all(part.isascii() and part.isdigit() and len(part) <= MAX_DIGITS for part in wanted):
        raise fail(f"Expected TASK or TASK=GRANT, such as 7 or 7=41, but got {text[:80]!r}")
    return int(number), int(grant) if equals else None
