"""Keys of call metadata that say who asks."""

from __future__ import annotations

import re
from collections.abc import Mapping

ACTOR = "paidan-actor"
"""In whose name; it stands in the log."""
ACTOR_BINARY = "paidan-actor-bin"
"""The same in UTF-8, for names such as 张三: a header takes ASCII alone, but for binary ones."""
CORRELATION = "paidan-correlation"
"""What the request belongs to, as its sender calls it."""
ANONYMOUS = "anonymous"
TRACEPARENT = "traceparent"
"""W3C trace context: the span that the call is part of."""
TIME = "paidan-time"
"""What time it is, for a server whose clock is driven: a rehearsal."""
CALLER = frozenset((ACTOR, ACTOR_BINARY, CORRELATION, TRACEPARENT, TIME))
"""What is read of a call's metadata."""

_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def naming(actor: str) -> tuple[str, str | bytes]:
    """The metadata of a call in somebody's name."""
    return (ACTOR, actor) if actor.isascii() else (ACTOR_BINARY, actor.encode())


def actor_of(sent: Mapping[str, str | bytes]) -> str:
    """Who asks. Bytes that are no UTF-8 become what is not printable."""
    found = sent.get(ACTOR_BINARY, sent.get(ACTOR, ANONYMOUS))
    return found.decode(errors="surrogateescape") if isinstance(found, bytes) else found


def traced(value: str) -> str:
    """The ``traceparent``, or nothing where it is none: a trace is never a reason to refuse a call."""
    return value if _TRACEPARENT.fullmatch(value) else ""
