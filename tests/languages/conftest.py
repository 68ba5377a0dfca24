"""A server that programs in other languages talk to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.acceptance.bank import database
from tests.acceptance.serving import Paidan, directory


@contextmanager
def serving(postgres: str, workspace: str) -> Iterator[Paidan]:
    """All processes, on an empty database of this name."""
    with directory() as data, database(postgres, workspace) as dsn:
        served = Paidan(data, workspace, dsn).start()
        yield served
        assert served.stop() == 0, served.said()


@pytest.fixture
def paidan(postgres: str) -> Iterator[Paidan]:
    """A fresh server."""
    with serving(postgres, "languages") as served:
        yield served
