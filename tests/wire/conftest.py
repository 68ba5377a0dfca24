"""A whole server for tests of the wire: real PostgreSQL, writer, views and importer, in one process."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.wire.served import Served

_numbers = count(1)


@pytest.fixture(scope="module")
def served(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server of an empty workspace, one a test module."""
    running = Served(postgres, f"wire-{next(_numbers)}", tmp_path_factory.mktemp("spool"))
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def ruled(served: Served) -> Served:
    """The server with rules and agents."""
    served.apply_rules()
    served.apply_agents()
    return served


@pytest.fixture
def list_file(tmp_path: Path) -> Path:
    """A list of six customers, one of them without a whole number of days."""
    file = tmp_path / "list.csv"
    lines = [f"C{n},张{n},1380000{n:04},region-{n % 2},{n * 10}" for n in range(1, 6)]
    file.write_text("\n".join(["cust,who,phone,area,days", *lines, "C6,李,13800000006,region-0,many"]) + "\n")
    return file
