"""Thousands of random command sequences over small worlds; every invariant after every step.

PAIDAN_SIMULATION=deep runs some fifty times as many, from fresh randomness.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import lru_cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import engine.decide.judge
import engine.decide.rules
from tests.simulation.judging import Remembered
from tests.simulation.steps import OPENING, WIDTH, run

settings.register_profile("quick", max_examples=2_500, derandomize=True)
settings.register_profile("deep", max_examples=100_000)
_PROFILE = settings.get_profile(os.environ.get("PAIDAN_SIMULATION", "quick"))

SEQUENCES = st.tuples(
    st.binary(min_size=4, max_size=4),
    st.lists(st.binary(min_size=WIDTH, max_size=WIDTH), min_size=10, max_size=70),
)


@pytest.fixture(autouse=True, scope="module")
def _compile_once() -> Iterator[None]:
    """Rule documents are few: read and compiled once for the whole run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine.decide.judge, "Matcher", Remembered)
        patch.setattr(engine.decide.rules, "load", lru_cache(engine.decide.rules.load))
        yield


@settings(_PROFILE, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(SEQUENCES)
def test_everything_holds_after_every_step(drawn: tuple[bytes, list[bytes]]) -> None:
    sequence = opened(*drawn)
    checked = run(sequence)
    assert run(sequence, checked=False).log == checked.log, "the same commands give another log"


def opened(opening: bytes, steps: list[bytes]) -> list[bytes]:
    """The steps after an opening, whose document the first byte picks."""
    rules, *rosters = OPENING
    return [rules[:1] + opening[:1] + rules[2:], *(one[:1] + opening[1:4] + one[4:] for one in rosters), *steps]
