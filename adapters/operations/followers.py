"""The processes that follow the log, watched: spans for what they take further, and how far the publisher has come."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from time import sleep, time
from typing import TYPE_CHECKING, Protocol

from adapters.log.event_log import EventLog, LogUnavailableError
from adapters.operations.standing import Lateness
from adapters.operations.telemetry import Telemetry
from adapters.settings.model import Settings
from engine.events import Recorded

if TYPE_CHECKING:
    from adapters.operations.metrics import PublisherMetrics

log = logging.getLogger("paidan.metrics")

LOOK_S = 1.0

ViewsTook = Callable[[Sequence[str], Sequence[Recorded], int], None]


class Publisher(Protocol):
    """Of the publisher, what is looked at from another thread, and whom it tells."""

    position: int
    connected: bool
    published: Callable[[list[Recorded], int], None] | None


def watch_views(telemetry: Telemetry) -> ViewsTook | None:
    """What the projector is to call after each batch; None where nobody traces."""
    tracing = telemetry.tracing
    if tracing is None:
        return None
    return lambda views, recorded, began: tracing.batch("show", recorded, began, {"paidan.views": tuple(views)})


def watch_publisher(settings: Settings, telemetry: Telemetry) -> Callable[[Publisher], None]:
    """What the publisher is to be handed to at its start."""

    def watch(publisher: Publisher) -> None:
        tracing = telemetry.tracing
        if tracing is not None:
            publisher.published = lambda recorded, began: tracing.batch("publish", recorded, began, {})
        if telemetry.metrics:
            from adapters.operations.metrics import PublisherMetrics

            looking = (settings, publisher, PublisherMetrics())
            threading.Thread(target=_look_for_ever, args=looking, name="publisher-metrics", daemon=True).start()

    return watch


def _look_for_ever(settings: Settings, publisher: Publisher, metrics: PublisherMetrics) -> None:
    events, late = EventLog(settings.postgres, settings.workspace), Lateness()
    while not publisher.connected:  # only then does it know how far it had come
        metrics.connected(False)
        sleep(LOOK_S)
    while True:
        metrics.connected(publisher.connected)
        try:
            _look(events, late, publisher.position, metrics)
        except LogUnavailableError:
            log.debug("the log does not answer; its head is not known")
        sleep(LOOK_S)


def _look(events: EventLog, late: Lateness, position: int, metrics: PublisherMetrics) -> None:
    head, now = events.head(), time()
    late.note(head, now)
    metrics.stands(position, head, late.of(position, now))
    late.forget(position)
