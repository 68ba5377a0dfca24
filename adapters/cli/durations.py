"""Durations as rule documents write them: ``90s``, ``10m``, ``1h30m``, ``3d``."""

from __future__ import annotations

from adapters.cli.session import fail


def milliseconds_of(text: str, option: str) -> int:
    """The duration. Ends the command where it is none, or longer than ten years."""
    from engine.rules.durations import duration
    from engine.rules.outline import outline
    from engine.rules.problems import DocumentError
    from engine.rules.readers import Notes
    from engine.rules.source import Source

    source = Source(text)
    notes = Notes(source)
    try:
        node = outline(source)
        found: int | None = None if node is None else duration(node, option, notes)
    except DocumentError:
        found = None
    if found is None:
        told = notes.problems[0].message if notes.problems else "Expected a duration such as 90s, 10m, 1h30m or 3d"
        raise fail(f"{option}: {told}")
    return found
