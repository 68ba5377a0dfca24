"""Keys of call metadata that say who asks."""

from __future__ import annotations

import re

ACTOR = "paidan-actor"
"""In whose name; it stands in the log."""
CORRELATION = "paidan-correlation"
"""What the request belongs to, as its sender calls it."""
ANONYMOUS = "anonymous"
TRACEPARENT = "traceparent"
"""W3C trace context: the span that the call is part of."""
CALLER = frozenset((ACTOR, CORRELATION, TRACEPARENT))
"""What is read of a call's metadata."""

_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def traced(value: str) -> str:
    """The ``traceparent``, or nothing where it is none: a trace is never a reason to refuse a call."""
    return value if _TRACEPARENT.fullmatch(value) else ""
