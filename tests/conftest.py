"""The real PostgreSQL for every test that needs one: a private cluster a session, a schema a test."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from adapters.processes.embedded import start_postgres, stop_postgres

LONG = (
    "tests/simulation/test_simulation.py",
    "tests/crash",
    "tests/projections/test_views.py",
    "tests/rules/test_fuzz.py",
    "tests/acceptance",
    "tests/overload",
    "tests/engine/test_states.py",
)
"""What takes long, longest first: begun last, it would be waited for by workers that have nothing left to do."""

_numbers = count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first; all else stays in its order."""
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    file = item.path.relative_to(item.config.rootpath).as_posix()
    return next((turn for turn, long in enumerate(LONG) if file.startswith(long)), len(LONG))


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
