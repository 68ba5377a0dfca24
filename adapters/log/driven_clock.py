"""A clock for rehearsals: it stands still until it is told the time, so a year is lived through in minutes."""

from __future__ import annotations


class DrivenClock:
    """In the place of ``wall_clock``; never goes back."""

    def __init__(self) -> None:
        self._now = 0

    def __call__(self) -> int:
        """Milliseconds since 1970 UTC, as last told."""
        return self._now

    def tell(self, now: int) -> None:
        """It is this late. What falls due by then comes about before the next command."""
        self._now = max(self._now, now)
