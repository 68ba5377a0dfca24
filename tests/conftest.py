"""The real PostgreSQL for every test that needs one: a private cluster a session, a schema a test."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from adapters.processes.embedded import start_postgres, stop_postgres

_numbers = count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """DSN of a PostgreSQL that lives as long as the test session."""
    data = Path(tempfile.mkdtemp(prefix="paidan-test-"))
    data.chmod(0o755)
    yield start_postgres(data)
    stop_postgres(data)
    shutil.rmtree(data, ignore_errors=True)


@pytest.fixture
def workspace_name() -> str:
    """A workspace nobody used before."""
    return f"test-{next(_numbers)}"
