"""Rule documents are few: each is read and compiled once for the whole run."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import pytest

from engine.rules.document import load
from tests.simulation.judging import Remembered


@pytest.fixture(autouse=True, scope="package")
def compile_once() -> Iterator[None]:
    """The memory of pure functions; nothing else of the product is replaced."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("engine.decide.judge.Matcher", Remembered)
        patch.setattr("engine.decide.rules.load", lru_cache(load))
        yield
