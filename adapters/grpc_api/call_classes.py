"""Classes of calls. Each has a gate of its own, so that none can starve another."""

from __future__ import annotations

from collections.abc import Iterator

from adapters.grpc_api.gates import Gate
from adapters.settings.limits import Limits

READS = ("Get", "List", "Explain", "Diff")
LISTS = ("ImportPackage", "UploadPackage")
IMPORTER = "ImporterService"
CONNECTOR = "ConnectorService"
WATCHES = "WatchAssignments"


class Gates:
    """One gate a class of calls."""

    def __init__(self, limits: Limits) -> None:
        self.commands = Gate("commands", limits.commands_in_flight)
        self.queries = Gate("queries", limits.queries_in_flight)
        self.streams = Gate("streams", limits.streams, limits.streams_per_connection)
        self.watches = Gate("watches of assignments", limits.watches, limits.watches_per_connection)
        self.lists = Gate("lists", limits.lists_at_once)
        self.importer = Gate("calls of importers", limits.importer_in_flight)
        self.connector = Gate("calls of connectors", limits.connector_in_flight)

    def __iter__(self) -> Iterator[Gate]:
        named = (self.commands, self.queries, self.streams, self.watches, self.lists, self.importer, self.connector)
        return iter(named)

    def of(self, method: str, streams: bool) -> Gate:
        """The gate of ``/package.Service/Method``; ``streams``: it answers with a stream."""
        service, _, name = method.rpartition("/")
        if service.endswith(IMPORTER):
            return self.importer
        if service.endswith(CONNECTOR):
            return self.connector
        if streams:
            return self.watches if name == WATCHES else self.streams
        if name in LISTS:
            return self.lists
        return self.queries if name.startswith(READS) else self.commands

    @property
    def room(self) -> int:
        """Calls that all gates together let in."""
        return sum(gate.most for gate in self)
