"""The same questions answered minute by minute from the definition: slow, and too simple to be wrong in the same way."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo

import holidays

from engine.rules.model import Calendar, Span

MINUTE = 60_000


@lru_cache
def zone_of(name: str) -> ZoneInfo:
    """From the package: a machine may know a zone's law of another year."""
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def ms(text: str, zone: str = "UTC", fold: int = 0) -> int:
    """``2026-03-29 01:30`` on the clocks of a zone."""
    return int(datetime.fromisoformat(text).replace(tzinfo=zone_of(zone), fold=fold).timestamp()) * 1_000


def is_worked(calendar: Calendar, minute: int) -> bool:
    """Whether the minute, counted since 1970 UTC, is worked: the clock on the wall is looked at."""
    wall = datetime.fromtimestamp(minute * 60, UTC).astimezone(zone_of(calendar.time_zone))
    at = wall.hour * 60 + wall.minute
    return any(opens <= at < closes for opens, closes in _spans(calendar, wall.date()))


@lru_cache
def _spans(calendar: Calendar, day: date) -> tuple[Span, ...]:
    country, _, part = (calendar.holidays_of or "").partition("-")
    public = holidays.country_holidays(country, subdiv=part or None, years=day.year) if country else None
    longest = max(calendar.week, key=lambda week: sum(closes - opens for opens, closes in week))
    if day.isoformat() in calendar.working_days:
        return longest
    if day.isoformat() in calendar.holidays:
        return ()
    if public is not None and day in public.weekend_workdays:
        return longest
    return () if public is not None and day in public else calendar.week[day.weekday()]


def working(calendar: Calendar, first: int, last: int) -> int:
    """Minutes worked between two minutes."""
    return sum(is_worked(calendar, minute) for minute in range(first, last))


def due(calendar: Calendar, first: int, minutes: int, most: int) -> int | None:
    """The first minute by which so many were worked; None: not within ``most`` of them."""
    left = minutes
    for minute in range(first, first + most):
        if left == 0:
            return minute
        left -= is_worked(calendar, minute)
    return first + most if left == 0 else None
