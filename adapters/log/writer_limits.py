"""What the writer takes on, how long it goes on with one thing, and how long it waits for company."""

from __future__ import annotations

import msgspec


class Limits(msgspec.Struct, frozen=True):
    """What the writer takes on at most."""

    queued_commands: int = 10_000
    """Accepted and not yet answered."""
    queued_s: float = 2.0
    """While the oldest of them has waited for longer, no more are taken on."""
    pending_events: int = 1_000
    """Decided and not yet durable; deciding pauses above it."""
    pending_bulk: int = 4
    """As many pending events hold back what the engine does of its own accord: it comes in big events, and a claim
    decided after them is durable after them."""
    company: int = 4
    """Where the last append answered as many, the next one waits for more to come along."""
    gather_ms: float = 10.0
    """It does so for no longer."""
    slice_ms: float = 3.0
    """Deciding goes on this long before others get the event loop."""
    asked_step: int = 100
    """Tasks of one step of bulk work while people ask for something: a call takes several turns of the event loop, and
    may wait for a step at each. Otherwise a step is five times as large, which costs less a task."""
    rest_ms: float = 1.0
    """The event loop's own after each step of bulk work, while people ask for something: a call takes several turns."""
