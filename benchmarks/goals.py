"""What is promised: each goal beside the floor or peer that was measured in the same run."""

from __future__ import annotations

from typing import Literal

import msgspec


class Goal(msgspec.Struct, frozen=True):
    """One line of the table; ``limit`` is held against a ratio, or against a rate where the unit says so."""

    key: str
    what: str
    beside: str
    limit: float
    sense: Literal["at most", "at least"]
    unit: str = "x"

    def reached(self, value: float) -> bool:
        """Whether the goal is kept."""
        return value <= self.limit if self.sense == "at most" else value >= self.limit

    @property
    def wanted(self) -> str:
        """In words."""
        return f"{self.sense} {shown(self.limit, self.unit)}"


class Measured(msgspec.Struct, frozen=True):
    """What came out: the number the goal is held against, and the figures behind it in words."""

    key: str
    value: float
    figures: str


GOALS = (
    Goal(
        "import", "package: import, rule, assign, durable, queryable", "raw COPY of the same rows, time", 4, "at most"
    ),
    Goal("pgqueuer", "the same", "PgQueuer: enqueue and hand out, rate", 10, "at least"),
    Goal("procrastinate", "the same", "procrastinate: enqueue and hand out, rate", 10, "at least"),
    Goal("aggregates", "the same", "plain eventsourcing aggregates: import and allocate, rate", 10, "at least"),
    Goal("claim", "durable claims, 64 callers", "bare grpc.aio echo, same client, rate", 70, "at least", "%"),
    Goal("complete", "durable completions, 64 callers", "bare grpc.aio echo, same client, rate", 70, "at least", "%"),
    Goal("p99", "p99 of a claim while a package is imported", "the same claim on an idle server", 3, "at most"),
    Goal("replay", "replay of a log", "decode alone of the same bytes, time", 3, "at most"),
    Goal("facts", "replay of a log", "facts a second", 500_000, "at least", "facts/s"),
    Goal("decisions", "rule decisions, 1,000 rules, real rows", "durable-rules' own Host.post, rate", 20, "at least"),
    Goal("growth", "cost per task, most open over fewest", "itself with few open, CPU time", 1.2, "at most"),
)
KEYS = tuple(goal.key for goal in GOALS)


def shown(value: float, unit: str) -> str:
    """A number with its unit as people read it."""
    if unit == "x":
        return f"{value:.3g} x"
    return f"{value:.0f} %" if unit == "%" else f"{value:,.0f} {unit}"
