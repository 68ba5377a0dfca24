"""Thousands of random command sequences over small worlds; every invariant after every step.

``PAIDAN_SIMULATION=deep`` runs fifty times as many, from fresh randomness.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.simulation.steps import LIMITS, WIDTH, limited, opened, run

settings.register_profile("quick", max_examples=2_000, derandomize=True)
settings.register_profile("deep", max_examples=100_000)
_PROFILE = settings.get_profile(os.environ.get("PAIDAN_SIMULATION", "quick"))


@pytest.mark.timeout(900)
@settings(_PROFILE, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(
    st.sampled_from(LIMITS),
    st.binary(min_size=7, max_size=7),
    st.lists(st.binary(min_size=WIDTH, max_size=WIDTH), min_size=20, max_size=80),
)
def test_everything_holds_after_every_step(limits: tuple[int, int], opening: bytes, steps: list[bytes]) -> None:
    sequence = opened(opening, steps)
    with limited(limits):
        checked = run(sequence)
        assert run(sequence, checked=False).log == checked.log, "the same commands give another log"
