"""Times as messages tell them."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache


def time_of(at: int) -> str:
    """Milliseconds since 1970 as RFC 3339."""
    return f"{_second(at // 1_000)}.{at % 1_000:03}Z"


@lru_cache(16)
def _second(since_1970: int) -> str:
    return f"{datetime.fromtimestamp(since_1970, UTC):%Y-%m-%dT%H:%M:%S}"
