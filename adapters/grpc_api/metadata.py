"""Keys of call metadata that say who asks."""

from __future__ import annotations

ACTOR = "paidan-actor"
"""In whose name; it stands in the log."""
CORRELATION = "paidan-correlation"
"""What the request belongs to, as its sender calls it."""
ANONYMOUS = "anonymous"
