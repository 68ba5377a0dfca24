"""A hunt: inputs made by number, tried one after another for some seconds, and what came of them."""

from __future__ import annotations

import os
import re
import resource
import time
import traceback
from collections import Counter
from collections.abc import Callable
from typing import Protocol

import msgspec

from tests.fuzz.mutator import Mutator

SEED = os.environ.get("FUZZ_SEED", "paidan")
ACCEPTED = "accepted"
MAX_FAULTS = 20
"""Faults after which a hunt ends: what is that broken needs no more."""


def seconds(short: float) -> float:
    """How long a hunt lasts: ``short`` in the test suite, FUZZ_SECONDS where that is set."""
    return float(os.environ.get("FUZZ_SECONDS", short))


class Entrance(Protocol):
    """One way into the program."""

    name: str
    slowest_s: float
    """CPU seconds of this process that one input may cost."""

    def attempt(self, chance: Mutator) -> str:
        """Make one input, hand it in, and judge: ACCEPTED, or the reason it was refused for. Raises on any fault."""


class Figures(msgspec.Struct):
    """What a hunt came to."""

    name: str
    seed: str = SEED
    tried: int = 0
    accepted: int = 0
    refused: dict[str, int] = {}
    slowest_ms: float = 0.0
    slowest: int = -1
    peak_mb: float = 0.0
    took_s: float = 0.0
    faults: list[str] = []

    def note(self, number: int, outcome: str, cost_s: float) -> None:
        """One input more."""
        self.tried += 1
        if outcome == ACCEPTED:
            self.accepted += 1
        else:
            self.refused[outcome] = self.refused.get(outcome, 0) + 1
        if cost_s * 1_000 > self.slowest_ms:
            self.slowest_ms, self.slowest = cost_s * 1_000, number

    def fault(self, number: int, what: str) -> None:
        """One input that was not met as it should be."""
        self.tried += 1
        self.faults.append(f"{self.name} {number} (seed {self.seed}): {what}")

    def join(self, other: Figures) -> None:
        """Take over what another stretch of the same hunt came to."""
        self.tried, self.accepted = self.tried + other.tried, self.accepted + other.accepted
        self.refused = dict(Counter(self.refused) + Counter(other.refused))
        if other.slowest_ms > self.slowest_ms:
            self.slowest_ms, self.slowest = other.slowest_ms, other.slowest
        self.peak_mb, self.took_s = max(self.peak_mb, other.peak_mb), self.took_s + other.took_s
        self.faults += other.faults

    def report(self) -> str:
        """For people: the counts, then the reasons, most frequent first, then the faults."""
        lines = [
            f"{self.name}: {self.tried:,} tried in {self.took_s:.0f} s, {self.accepted:,} accepted, "
            f"{sum(self.refused.values()):,} refused, slowest {self.slowest_ms:,.0f} ms (number {self.slowest}), "
            f"peak {self.peak_mb:,.0f} MB, {len(self.faults)} faults"
        ]
        lines += [f"  {count:>8,}  {reason}" for reason, count in Counter(self.refused).most_common(25)]
        return "\n".join([*lines, *(f"  FAULT {fault}" for fault in self.faults)])


def hunt(entrance: Entrance, lasting: float, start: int = 0, before: Callable[[int], None] | None = None) -> Figures:
    """Inputs from number ``start`` on. ``before`` is told each number, so that a watchdog knows which one hangs."""
    figures = Figures(entrance.name)
    began, number = time.monotonic(), start
    while time.monotonic() - began < lasting and len(figures.faults) < MAX_FAULTS:
        if before is not None:
            before(number)
        attempt(entrance, figures, number)
        number += 1
    figures.took_s = time.monotonic() - began
    figures.peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return figures


def attempt(entrance: Entrance, figures: Figures, number: int) -> None:
    """Input ``number``, noted."""
    cpu = time.process_time()
    try:
        outcome = entrance.attempt(Mutator(f"{SEED}:{entrance.name}:{number}"))
    except Exception:
        figures.fault(number, traceback.format_exc(limit=-8))
        return
    cost = time.process_time() - cpu
    if cost > entrance.slowest_s:
        figures.fault(number, f"{outcome}, but only after {cost:.1f} s of CPU")
        return
    figures.note(number, outcome, cost)


_DETAIL = re.compile(r"'[^']*'|\"[^\"]*\"|[-\w./]*[0-9/][-\w./]*")


def expected(message: str) -> str:
    """The shape of a refusal, to count by; fails where it does not say what was expected."""
    assert message.startswith("Expected "), f"a refusal that says nothing of what was expected: {message[:300]!r}"
    assert "Traceback" not in message and "object at 0x" not in message, message[:300]
    return _DETAIL.sub("…", message.partition(", but ")[0])[:70]
