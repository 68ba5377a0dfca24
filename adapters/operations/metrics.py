"""Metrics of one process, for Prometheus. Imported only where metrics are on; docs/operations.md lists them all.

The processes under one supervisor write theirs into one directory of memory-mapped files (the client library's
multiprocess mode) and the supervisor shows them together: a scrape costs the server process nothing. The files are
named after the process's role, so a process that was started again goes on counting where the last one ended.
"""

from __future__ import annotations

import os
from collections import Counter as Tally
from collections.abc import Mapping, Sequence
from pathlib import Path

import prometheus_client.values
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.multiprocess import MultiProcessCollector

from engine.events import Event, PackageParsed, Recorded, TasksImported

DIRECTORY_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""The client library's own name for where such files are."""

RPC_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
APPEND_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)
APPEND_EVENTS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000)


def own_files(role: str) -> None:
    """Before the first metric: in a process under a supervisor, name its files after its role."""
    if os.environ.get(DIRECTORY_VARIABLE):
        made = prometheus_client.values.MultiProcessValue(lambda: role)  # type: ignore[no-untyped-call]
        prometheus_client.values.ValueClass = made


def all_files(directory: Path) -> CollectorRegistry:
    """What all processes wrote into a directory."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(directory))  # type: ignore[no-untyped-call]
    return registry


def own_values() -> CollectorRegistry:
    """What this process counts, where it has no supervisor."""
    return REGISTRY


class RpcMetrics:
    """RPCs as they end."""

    def __init__(self) -> None:
        self._answered = Histogram(
            "paidan_rpc_seconds", "RPCs with one answer, from call to end.", ("method", "code"), buckets=RPC_SECONDS
        )
        self._streamed = Counter("paidan_rpc_streams", "RPCs that answer with a stream, ended.", ("method", "code"))
        self._refused = Counter("paidan_refusals", "RPCs that were refused.", ("reason",))
        self._known: dict[tuple[str, str], Histogram] = {}

    def answered(self, method: str, code: str, seconds: float) -> None:
        """An RPC with one answer has ended."""
        histogram = self._known.get((method, code))
        if histogram is None:
            histogram = self._known[method, code] = self._answered.labels(method, code)
        histogram.observe(seconds)

    def streamed(self, method: str, code: str) -> None:
        """A stream has ended; they last as long as their readers like, so that is not measured."""
        self._streamed.labels(method, code).inc()

    def refused(self, reason: str) -> None:
        """An RPC ended with this reason (``google.rpc.ErrorInfo``)."""
        self._refused.labels(reason).inc()


class LogMetrics:
    """Commands and appends, as the server process sees them."""

    def __init__(self) -> None:
        self._commands = Counter("paidan_commands", "Commands answered.", ("command", "outcome"))
        self._events = Counter("paidan_events", "Events appended.", ("event",))
        self._rows = Counter("paidan_import_rows", "Rows of packages that came in.", ("outcome",))
        self._packages = Counter("paidan_packages_parsed", "Packages that are in as a whole.")
        self._seconds = Histogram("paidan_append_seconds", "One append, until durable.", buckets=APPEND_SECONDS)
        self._batch = Histogram("paidan_append_events", "Events in one append.", buckets=APPEND_EVENTS)
        self._known: dict[tuple[str, str], Counter] = {}
        self._topics: dict[type[Event], Counter] = {}

    def answered(self, command: str, outcome: str) -> None:
        """``outcome``: done, refused, overloaded, late or unanswered."""
        counter = self._known.get((command, outcome))
        if counter is None:
            counter = self._known[command, outcome] = self._commands.labels(command, outcome)
        counter.inc()

    def appended(self, recorded: Sequence[Recorded], seconds: float) -> None:
        """Events are durable."""
        self._seconds.observe(seconds)
        self._batch.observe(len(recorded))
        for kind, count in Tally(type(entry.event) for entry in recorded).items():
            counter = self._topics.get(kind)
            if counter is None:
                counter = self._topics[kind] = self._events.labels(str(kind.__struct_config__.tag))
            counter.inc(count)
        self._imported([entry.event for entry in recorded if type(entry.event) in _OF_PACKAGES])

    def _imported(self, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, TasksImported):
                self._rows.labels("imported").inc(len(event.rows))
                self._rows.labels("set_aside").inc(len(event.rejected))
            elif isinstance(event, PackageParsed):
                self._packages.inc()


_OF_PACKAGES = (TasksImported, PackageParsed)


class StandingMetrics:
    """What is looked at from time to time: positions, queues, sizes."""

    def __init__(self) -> None:
        self._owned = _gauge("paidan_workspace_owned", "1 while this server owns the workspace.")
        self._position = _gauge("paidan_log_position", "Position of the last durable event.")
        self._waiting = _gauge("paidan_commands_waiting", "Commands accepted and not yet answered.")
        self._view = _gauge("paidan_view_position", "How far a view has come.", "view")
        self._behind = _gauge("paidan_view_lag_events", "Events a view has yet to show.", "view")
        self._late = _gauge("paidan_view_lag_seconds", "The workspace is shown as it was so long ago.", "view")
        self._state = _gauge("paidan_state_items", "Things held in memory.", "kind")
        self._tasks = _gauge("paidan_tasks", "Tasks by status, as the views show them.", "status")
        self._statuses = dict.fromkeys(("created", "calling", "pooled", "assigned", "in_progress", "completed"), 0)

    def server(self, owned: bool, position: int, waiting: int, sizes: Mapping[str, int]) -> None:
        """Of the server process and its state."""
        self._owned.set(owned)
        self._waiting.set(waiting)
        if not owned:
            return
        self._position.set(position)
        for kind, size in sizes.items():
            self._state.labels(kind).set(size)

    def view(self, name: str, position: int, events: int, seconds: float) -> None:
        """Of one view."""
        self._view.labels(name).set(position)
        self._behind.labels(name).set(events)
        self._late.labels(name).set(seconds)

    def tasks(self, counts: Mapping[str, int]) -> None:
        """Tasks by status; a status seen before that no task has now is 0."""
        self._statuses.update(counts)
        for status in self._statuses:
            self._tasks.labels(status).set(counts.get(status, 0))


class PublisherMetrics:
    """How far the publisher has come."""

    def __init__(self) -> None:
        self._connected = _gauge("paidan_publisher_connected", "1 while NATS takes what the publisher has.")
        self._position = _gauge("paidan_publisher_position", "Position of the last event that NATS has.")
        self._behind = _gauge("paidan_publisher_lag_events", "Events that NATS has yet to get.")
        self._late = _gauge("paidan_publisher_lag_seconds", "Age of the oldest event that NATS has yet to get.")

    def connected(self, connected: bool) -> None:
        """Whether NATS is there and takes what comes."""
        self._connected.set(connected)

    def stands(self, position: int, head: int, seconds: float) -> None:
        """``head``: of the log; ``seconds``: since the first event that is still to be published."""
        self._position.set(position)
        self._behind.set(max(0, head - position))
        self._late.set(seconds)


class IntakeMetrics:
    """What has become of messages on NATS that ask for tasks."""

    def __init__(self) -> None:
        self._messages = Counter("paidan_intake_messages", "Messages that asked for a task.", ("outcome",))
        self._connected = _gauge("paidan_intake_connected", "1 while NATS gives the connector messages.")
        self._waiting = _gauge("paidan_intake_waiting", "Messages that NATS has yet to give out.")
        for outcome in ("created", "dead", "again"):
            self._messages.labels(outcome)

    def came(self, outcome: str) -> None:
        """A message was ``created``, is ``dead``, or was put off to come ``again``."""
        self._messages.labels(outcome).inc()

    def stands(self, connected: bool, waiting: int) -> None:
        """Whether messages can come, and how many are still to come."""
        self._connected.set(connected)
        self._waiting.set(waiting)


class OutboundMetrics:
    """Calls to the outside."""

    def __init__(self) -> None:
        self._attempts = Counter("paidan_outbound_attempts", "Attempts at calls to the outside.", ("kind", "outcome"))
        self._calls = Counter("paidan_outbound_calls", "Calls to the outside that came to an end.", ("kind", "outcome"))
        self._held = _gauge("paidan_outbound_held", "Calls to the outside that wait or are under way in the connector.")
        for kind in ("callback", "result"):
            for outcome in ("answered", "failed"):
                self._attempts.labels(kind, outcome)
            for outcome in ("succeeded", "failed"):
                self._calls.labels(kind, outcome)

    def tried(self, kind: str, outcome: str) -> None:
        """An attempt at a ``callback`` or a ``result`` was ``answered``, or has ``failed``."""
        self._attempts.labels(kind, outcome).inc()

    def ended(self, kind: str, outcome: str) -> None:
        """A call has ``succeeded``, was ``declined``, or has ``failed`` for good."""
        self._calls.labels(kind, outcome).inc()

    def holds(self, calls: int) -> None:
        """So many wait or are under way."""
        self._held.set(calls)


def _gauge(name: str, text: str, *labels: str) -> Gauge:
    return Gauge(name, text, labels, multiprocess_mode="mostrecent")
