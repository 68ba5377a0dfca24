"""A log on the real PostgreSQL that can be made to fail."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conformance.writing import FailingLog


@pytest.fixture
def log(postgres: str, workspace_name: str) -> Iterator[FailingLog]:
    made = FailingLog(postgres, workspace_name)
    yield made
    made.close()
