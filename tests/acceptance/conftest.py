"""One server for all tests that do it no harm."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.acceptance.bank import database
from tests.acceptance.serving import EXAMPLES, Paidan, directory


@pytest.fixture(scope="session")
def desk(postgres: str) -> Iterator[Paidan]:
    """A follow-up desk of eight under the example rules."""
    with directory() as data, database(postgres, "desk") as dsn:
        served = Paidan(data, "retail-bank", dsn).start()
        served.told("rules", "apply", str(EXAMPLES / "rules" / "retail-bank.yaml"), "--reason", "opening")
        served.told("agents", "apply", str(EXAMPLES / "agents" / "team.yaml"))
        yield served
        assert served.stop() == 0, served.said()
