"""One schema with log and views a module; every story empties it first."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from tests.projections.live import Live

_numbers = count(1)


@pytest.fixture(scope="module")
def live(postgres: str) -> Iterator[Live]:
    made = Live(postgres, f"views-{next(_numbers)}")
    yield made
    made.close()


@pytest.fixture
def empty(live: Live) -> Live:
    """The module's schema, emptied."""
    live.reset()
    return live
