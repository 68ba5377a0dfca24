"""A real NATS for every test that needs one."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.processes.embedded_nats import EmbeddedNats
from tests.bus.publishing import Bus


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A publisher that is told to stop has at most this long to sleep."""
    monkeypatch.setattr("adapters.nats_bus.publisher.POLL_S", 0.05)


@pytest.fixture(scope="session")
def shared_nats() -> Iterator[EmbeddedNats]:
    """One that nobody ill-treats."""
    yield from _nats()


@pytest.fixture
def own_nats() -> Iterator[EmbeddedNats]:
    """One to be killed."""
    yield from _nats()


@pytest.fixture
def bus(postgres: str, shared_nats: EmbeddedNats, workspace_name: str) -> Iterator[Bus]:
    """A workspace nobody used before, on the shared NATS."""
    with Bus(postgres, shared_nats, workspace_name) as made:
        yield made


@pytest.fixture
def own_bus(postgres: str, own_nats: EmbeddedNats, workspace_name: str) -> Iterator[Bus]:
    """A workspace nobody used before, on a NATS that may be killed."""
    with Bus(postgres, own_nats, workspace_name) as made:
        yield made


def _nats() -> Iterator[EmbeddedNats]:
    data = Path(tempfile.mkdtemp(prefix="paidan-test-"))
    server = EmbeddedNats(data)
    server.start()
    yield server
    server.stop()
    shutil.rmtree(data, ignore_errors=True)
