"""The projector: a process that follows the log and keeps every view up with it.

It ends at SIGTERM, or when the supervisor at the other end of its stdin is gone; the batch at hand is finished first.
"""

from __future__ import annotations

import gc
import logging
import signal
import threading
import time
from collections.abc import Callable, Iterable, Sequence

import psycopg

from adapters.log.codec import UnknownEventError
from adapters.log.event_log import EventLog, LogUnavailableError
from adapters.log.listening import LogListener
from adapters.log.schemas import schema_of
from adapters.processes.parent import stops_with_parent
from adapters.views.connection import Window, bell_of, channel_of, connect, create_views, positions_of, reader
from adapters.views.rebuild import build_missing
from engine.events import Recorded
from projections.catalogue import VIEWS
from projections.port import View
from projections.runner import MovedError, ViewFailedError, catch_up, groups

log = logging.getLogger("paidan.projector")

POLL_SECONDS = 1.0
"""How long it sleeps at most when no notification comes."""
AWAY_SECONDS = 1.0
"""How long it leaves PostgreSQL alone at most: views stand still until it looks again."""
RESTED, REST_SECONDS = 2.0, 0.03
"""It rests so many times as long as a batch took, but at most so long, while somebody waits for the views."""
RESTED_UNWANTED, REST_UNWANTED_SECONDS = 10.0, 0.25
"""The same while nobody does: batches grow, as half of what a batch costs is the same for one event or a hundred."""
_RETRY_SECONDS = (0.2, 1.0, 5.0, 30.0)
NEW_OBJECTS = 200_000
"""Objects made between two looks of the garbage collector: a batch is that many, and none is part of a cycle."""

Watch = Callable[[Sequence[str], Sequence[Recorded], int], None]
"""Told of each batch that views have taken: which views, which events, and when it began (ns since 1970)."""


class Projector:
    """All views of one workspace, on one thread."""

    def __init__(
        self, dsn: str, workspace: str, clock: Callable[[], float] = time.monotonic, watch: Watch | None = None
    ) -> None:
        self._dsn, self._workspace, self._clock, self._watch = dsn, workspace, clock, watch
        self._channel = channel_of(workspace)
        self._attempt = 0
        self._failures: dict[str, tuple[int, float]] = {}
        """View -> (failures in a row, when to try again)."""

    def run(self, stop: threading.Event) -> None:
        """Follow the log until ``stop``. Raises UnknownEventError: an event is never skipped."""
        while not stop.is_set():
            try:
                self._follow(stop)
            except (psycopg.OperationalError, psycopg.InterfaceError, LogUnavailableError) as error:
                self._attempt += 1
                log.warning("PostgreSQL is away, attempt %d: %s", self._attempt, str(error).strip())
                stop.wait(min(_delay(self._attempt), AWAY_SECONDS))

    def _follow(self, stop: threading.Event) -> None:
        events = EventLog(self._dsn, self._workspace)
        listener = LogListener(self._dsn, "paidan-projector-listen", bell_of(self._workspace))
        try:
            events.create()
            events.close()
            with connect(self._dsn, schema_of(self._workspace)) as connection:
                create_views(connection)
                self._attempt = 0
                window = Window(reader(connection, self._workspace))
                while not stop.is_set():
                    began = time.monotonic()
                    if self.step(connection, window):
                        _rest(stop, listener, time.monotonic() - began, window.behind)
                    else:
                        listener.wait(POLL_SECONDS)
        finally:
            listener.close()
            events.close()

    def step(self, connection: psycopg.Connection, window: Window) -> bool:
        """One batch for the views furthest behind that may be tried; False when there is nothing to do."""
        views = [view for view in VIEWS if self._may_try(view.name)]
        standing = groups(positions_of(connection), views)
        for place, (position, group) in enumerate(standing):
            ahead = standing[place + 1][0] if place + 1 < len(standing) else None
            began = time.time_ns()
            try:
                reached = catch_up(connection, group, window, self._channel, ahead)
            except MovedError:
                return True
            except ViewFailedError as error:
                self._failed(connection, error)
                return True
            if reached > position:
                self._recovered(group)
                self._tell(group, window.read(position), reached, began)
                return True
        return False

    def _tell(self, group: Iterable[View], batch: Sequence[Recorded], reached: int, began: int) -> None:
        if self._watch is not None:
            taken = [recorded for recorded in batch if recorded.position <= reached]
            self._watch([view.name for view in group], taken, began)

    def _recovered(self, views: Iterable[View]) -> None:
        for view in views:
            self._failures.pop(view.name, None)

    def _failed(self, connection: psycopg.Connection, error: ViewFailedError) -> None:
        cause = error.__cause__
        if connection.closed or isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError):
            raise cause if cause is not None else error
        if isinstance(cause, psycopg.errors.UndefinedTable) and build_missing(connection, error.view):
            log.warning("a table of view %s was missing; the view is built anew", error.view)
            return
        count = self._failures.get(error.view, (0, 0.0))[0] + 1
        self._failures[error.view] = (count, self._clock() + _delay(count))
        log.error("view %s failed at position %d, failure %d", error.view, error.position, count, exc_info=cause)

    def _may_try(self, view: str) -> bool:
        return self._failures.get(view, (0, 0.0))[1] <= self._clock()


def main(dsn: str, workspace: str, stop: threading.Event | None = None, watch: Watch | None = None) -> None:
    """Run the projector as a process of its own until it is told to end."""
    stop = stop or threading.Event()
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
    stops_with_parent(stop)
    gc.set_threshold(NEW_OBJECTS)
    try:
        Projector(dsn, workspace, watch=watch).run(stop)
    except UnknownEventError as error:
        log.critical("%s; a newer program wrote it, run that one", error)
        raise


def _rest(stop: threading.Event, listener: LogListener, took: float, behind: bool) -> None:
    """After a batch that took so long, in seconds."""
    least = min(RESTED * took, REST_SECONDS)
    stop.wait(least)
    if not behind and not stop.is_set():
        listener.rest(min(RESTED_UNWANTED * took, REST_UNWANTED_SECONDS) - least)


def _delay(attempt: int) -> float:
    return _RETRY_SECONDS[min(attempt, len(_RETRY_SECONDS)) - 1]
