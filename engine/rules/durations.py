"""Reading durations."""

from __future__ import annotations

import re
from typing import Any

from engine.rules.outline import Node, Scalar
from engine.rules.readers import Notes, Reader, kind_of, refuse

MAX_DURATION_MS = 3_660 * 86_400_000
"""Ten years, well inside an int64 of milliseconds."""

_DURATION = re.compile(r"(?:([0-9]{1,9})d)?(?:([0-9]{1,9})h)?(?:([0-9]{1,9})m)?(?:([0-9]{1,9})s)?")
_UNITS_MS = (86_400_000, 3_600_000, 60_000, 1_000)


def read_duration(written: str) -> int | None:
    """``1h30m`` in milliseconds; None for what is no duration."""
    found = _DURATION.fullmatch(written)
    if found is None or not written:
        return None
    return sum(int(count) * unit for count, unit in zip(found.groups("0"), _UNITS_MS, strict=True))


def duration(node: Node, path: str, notes: Notes) -> Any:
    """Reads ``90s``, ``10m``, ``1h30m``, ``3d`` as milliseconds, from one second to ten years."""
    total = read_duration(node.value) if isinstance(node, Scalar) else None
    if total is None or not isinstance(node, Scalar):
        hint = f"write {node.value}m or {node.value}s" if kind_of(node) == "an integer" else None  # type: ignore[union-attr]
        return refuse(node, path, notes, "a duration such as 90s, 10m, 1h30m or 3d", hint)
    if 0 < total <= MAX_DURATION_MS:
        return total
    notes.add(node.start, path, f"Expected more than nothing and at most 3660d, but it is {node.value}")
    return None


def duration_up_to(most_ms: int) -> Reader:
    """Reads a duration of at most so many milliseconds, whole minutes of them."""

    def read(node: Node, path: str, notes: Notes) -> Any:
        total = duration(node, path, notes)
        if total is None or total <= most_ms:
            return total
        notes.add(node.start, path, f"Expected at most {most_ms // 60_000}m, but it is longer")
        return None

    return read
