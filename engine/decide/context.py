"""What a decision may look at besides the state: the time it is made at, and the rules' answers."""

from __future__ import annotations

import msgspec

from engine.decide.judge import Judge


class Context(msgspec.Struct, frozen=True):
    now: int
    """Milliseconds since 1970 UTC, from the shell's clock."""
    judge: Judge
