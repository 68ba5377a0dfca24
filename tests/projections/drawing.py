"""Stories as hypothesis draws them, and fixed ones drawn from a seed."""

from __future__ import annotations

import random

from hypothesis import strategies as st

from tests.projections.driving import AGENTS, STEPS, Draw, Story

_small = st.integers(0, 29)
draws = st.lists(st.tuples(st.integers(0, len(STEPS) - 1), _small, _small), max_size=40)
openings = st.integers(0, 4)


def opened(rules: int, steps: list[Draw]) -> Story:
    """A story that begins with rules and a roster."""
    return Story([(0, rules, 0), *((1, place, 3) for place in range(len(AGENTS))), *steps])


def seeded(seed: int, length: int = 60) -> Story:
    """The same story for the same seed."""
    chance = random.Random(seed)
    steps = [(chance.randrange(len(STEPS)), chance.randrange(30), chance.randrange(30)) for _ in range(length)]
    return opened(chance.randrange(5), steps)
