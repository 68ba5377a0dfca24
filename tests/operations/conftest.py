"""One whole server with everything on, for all tests that only look."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.acceptance.serving import Paidan, directory, free_address
from tests.operations.collector import Collector, collecting
from tests.operations.watching import Watched


@pytest.fixture(scope="package")
def collector() -> Iterator[tuple[Collector, str]]:
    """A collector of traces."""
    with collecting() as made:
        yield made


@pytest.fixture(scope="package")
def watched(collector: tuple[Collector, str]) -> Iterator[Watched]:
    """A server that is told to show all there is; it has a PostgreSQL and a NATS of its own."""
    with directory() as data, pytest.MonkeyPatch.context() as environment:
        metrics = free_address()
        environment.setenv("PAIDAN_METRICS", metrics)
        environment.setenv("PAIDAN_OTLP", collector[1])
        environment.setenv("PAIDAN_READY_LAG_S", "1")
        environment.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
        served = Paidan(data, "retail-bank").start()
        for name in ("PAIDAN_METRICS", "PAIDAN_OTLP", "PAIDAN_READY_LAG_S"):
            environment.delenv(name)
        try:
            yield Watched(served, metrics, collector[0])
        finally:
            assert served.stop() == 0, served.said()
