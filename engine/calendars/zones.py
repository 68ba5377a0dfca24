"""Time zones and dates as plain integers: milliseconds since 1970 UTC, and days since 1970-01-01.

The one place of the engine that knows ``datetime``; it never asks what time it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo

DAY_MS = 86_400_000
_EPOCH = date(1970, 1, 1).toordinal()
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    """Every time zone there is, such as ``Asia/Shanghai``."""
    return frozenset((files("tzdata") / "zones").read_text(encoding="utf-8").split())


@lru_cache(maxsize=256)
def _zone(name: str) -> ZoneInfo:
    # From the package, not from the machine: the same document means the same deadlines everywhere.
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def day_number(text: str) -> int:
    """Days since 1970-01-01 of ``2026-10-08``. Raises ``ValueError`` for what is no date."""
    if not _DATE.fullmatch(text):
        raise ValueError(f"Expected a date such as 2026-10-08, but it is {text[:40]!r}")
    return date.fromisoformat(text).toordinal() - _EPOCH


def day_of(when: date) -> int:
    """Days since 1970-01-01."""
    return when.toordinal() - _EPOCH


def year_of(at_ms: int) -> int:
    """The year, in UTC, that an instant lies in."""
    return date.fromordinal(at_ms // DAY_MS + _EPOCH).year


def year_bounds(year: int) -> tuple[int, int]:
    """First instant of a year and of the next one, in UTC."""
    start = (date(year, 1, 1).toordinal() - _EPOCH) * DAY_MS
    return start, start + DAY_MS * (366 if date(year, 12, 31).timetuple().tm_yday == 366 else 365)


def segments(zone: str, start_ms: int, end_ms: int) -> Iterator[tuple[int, int, int]]:
    """The stretches between two instants in which the zone's clocks keep one offset: (from, to, offset), ascending."""
    began, offset = start_ms, _offset(zone, start_ms)
    at = start_ms
    while at < end_ms:
        # No zone has changed its clocks twice within a day since 1970; the nearest two changes are 166 hours apart.
        ahead = min(at + DAY_MS, end_ms)
        if _offset(zone, ahead) != offset:
            changed = _change(zone, at, ahead)
            yield began, changed, offset
            began, offset = changed, _offset(zone, changed)
        at = ahead
    if began < end_ms:
        yield began, end_ms, offset


def _change(zone: str, before_ms: int, after_ms: int) -> int:
    """The first instant with another offset than ``before_ms`` has; changes happen at whole seconds."""
    offset = _offset(zone, before_ms)
    low, high = before_ms // 1_000, after_ms // 1_000
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _offset(zone, middle * 1_000) == offset else (low, middle)
    return high * 1_000


def _offset(zone: str, at_ms: int) -> int:
    """Milliseconds by which the zone's clocks are ahead of UTC."""
    ahead = datetime.fromtimestamp(at_ms // 1_000, UTC).astimezone(_zone(zone)).utcoffset()
    return round(ahead.total_seconds()) * 1_000 if ahead else 0
