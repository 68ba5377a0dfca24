"""A server that takes on little, so that little is enough to ask too much of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from adapters.demo.sample_data import BUSINESS_TYPE, TASK_TYPE, write_package
from tests.acceptance.bank import database
from tests.acceptance.serving import EXAMPLES, Paidan, directory

LIMITS = {
    "COMMANDS_IN_FLIGHT": "50",
    "QUEUED_S": "1",
    "QUERIES_WAITING": "40",
    "QUERY_WAIT_S": "20",
    "STREAM_WRITE_S": "1",
    "STREAMS_PER_CONNECTION": "8",
    "CONNECTIONS": "40",
    "HANDSHAKE_S": "4",
}
ROWS = 8_000


@pytest.fixture(scope="session")
def small(postgres: str) -> Iterator[Paidan]:
    """With rules, agents and a package of some megabytes of events."""
    with directory() as data, database(postgres, "small") as dsn:
        served = _started(Paidan(data, "retail-bank", dsn))
        served.told("rules", "apply", str(EXAMPLES / "rules" / "retail-bank.yaml"))
        served.told("agents", "apply", str(EXAMPLES / "agents" / "team.yaml"))
        write_package(data / "list.csv", ROWS, seed=7)
        words = ("--mapping", str(EXAMPLES / "packages" / "mapping.yaml"), "--task-type", TASK_TYPE)
        served.told("packages", "import", str(data / "list.csv"), *words, "--business-type", BUSINESS_TYPE)
        yield served
        assert served.stop() == 0, served.said()


def _started(server: Paidan) -> Paidan:
    """Under these limits; servers that other tests start are to have their own."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in LIMITS.items():
            patch.setenv(f"PAIDAN_LIMITS__{name}", value)
        patch.setenv("PAIDAN_NATS", "off")
        return server.start()
