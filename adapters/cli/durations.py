"""Durations as rule documents write them: ``90s``, ``10m``, ``1h30m``, ``3d``."""

from __future__ import annotations

from adapters.cli.session import fail


def milliseconds_of(text: str, option: str) -> int:
    """The duration. Ends the command where it is none, or longer than ten years."""
    from engine.rules.durations import MAX_DURATION_MS, read_duration

    found = read_duration(text)
    if found is None:
        raise fail(f"{option}: Expected a duration such as 90s, 10m, 1h30m or 3d, but got {text[:80]!r}")
    if not 0 < found <= MAX_DURATION_MS:
        raise fail(f"{option}: Expected more than nothing and at most 3660d, but got {text}")
    return found
