"""Metrics of a whole server, shown by its supervisor: what its processes count, and how they are."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import psutil
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from adapters.operations.exposition import Exposition
from adapters.operations.metrics import DIRECTORY_VARIABLE, all_files


class Supervised(Protocol):
    """The processes under a supervisor."""

    @property
    def children(self) -> dict[str, int | None]: ...

    @property
    def restarts(self) -> Mapping[str, int]: ...


class SharedMetrics:
    """A directory for the processes to count in, one a server. Made anew at each start: counters begin at 0."""

    def __init__(self, data: Path, listen: str) -> None:
        self._directory = data / ("metrics-" + listen.replace(":", "-").replace("/", "-"))
        shutil.rmtree(self._directory, ignore_errors=True)
        self._directory.mkdir(parents=True)

    def environment(self) -> dict[str, str]:
        """What the processes have to be told."""
        return {DIRECTORY_VARIABLE: str(self._directory.resolve())}

    def shown(self, address: str, supervised: Supervised, listen: str) -> Exposition:
        """The port, started. Raises OSError where it cannot be had."""
        registry = all_files(self._directory)
        registry.register(ProcessesCollector(supervised))
        exposition = Exposition(address, registry, lambda: not_ready(listen))
        exposition.start()
        return exposition

    def remove(self) -> None:
        """At the end."""
        shutil.rmtree(self._directory, ignore_errors=True)


class ProcessesCollector(Collector):
    """How each process is, looked at when somebody asks."""

    def __init__(self, supervised: Supervised) -> None:
        self._supervised = supervised

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        """Called by the registry."""
        up = GaugeMetricFamily("paidan_process_up", "1 while the process runs.", labels=["process"])
        memory = GaugeMetricFamily("paidan_process_resident_bytes", "Memory of the process.", labels=["process"])
        cpu = CounterMetricFamily("paidan_process_cpu_seconds", "CPU time of the process.", labels=["process"])
        again = CounterMetricFamily("paidan_process_restarts", "Started again after it had ended.", labels=["process"])
        for name, pid in self._supervised.children.items():
            up.add_metric([name], pid is not None)
            again.add_metric([name], self._supervised.restarts.get(name, 0))
            if pid is None:
                continue
            with suppress(psutil.Error):
                process = psutil.Process(pid)
                used = process.cpu_times()
                memory.add_metric([name], process.memory_info().rss)
                cpu.add_metric([name], used.user + used.system)
        yield from (up, memory, cpu, again)


def not_ready(server: str) -> str:
    """What the server says is not ready, nothing where all is."""
    from adapters.grpc_api.probe import health_of

    wrong = [f"{name}: {said}" for name in ("commands", "queries") if (said := health_of(server, name)) != "SERVING"]
    return "; ".join(wrong)
