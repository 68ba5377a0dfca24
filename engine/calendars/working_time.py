"""Working time by a calendar: how much of it lies between two instants, and when a limit counted in it falls due.

An instant is worked when the clock on the desk's wall, at that instant, shows a time within the hours of a working
day. So an hour that clocks skip is not worked, and an hour that they show twice is worked twice.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from functools import lru_cache

import msgspec

from engine.calendars.public_holidays import days_around
from engine.calendars.zones import DAY_MS, day_number, segments, year_bounds, year_of
from engine.rules.model import Calendar, Span

FARTHEST_MS = 3_660 * DAY_MS
"""Nothing is due later than this after its start, however little a desk works: ten years, as long as any duration."""

_MINUTE_MS = 60_000


def due(calendar: Calendar | None, start_ms: int, duration_ms: int) -> int:
    """The first instant by which ``duration_ms`` of working time have passed since ``start_ms``.

    None counts round the clock. At most ``FARTHEST_MS`` after the start: what would be later is due then.
    """
    if calendar is None or duration_ms <= 0:
        return start_ms + max(duration_ms, 0)
    farthest, left = start_ms + FARTHEST_MS, duration_ms
    for year in range(year_of(start_ms), year_of(farthest) + 1):
        table = _table(calendar, year)
        done = table.before(start_ms)
        if table.total - done >= left:
            return min(table.at(done + left), farthest)
        left -= table.total - done
    return farthest


def working(calendar: Calendar | None, from_ms: int, to_ms: int) -> int:
    """Milliseconds of working time between two instants; 0 where the second is not later. None: round the clock."""
    if to_ms <= from_ms:
        return 0
    if calendar is None:
        return to_ms - from_ms
    tables = (_table(calendar, year) for year in range(year_of(from_ms), year_of(to_ms) + 1))
    return sum(table.before(to_ms) - table.before(from_ms) for table in tables)


class _Table(msgspec.Struct, frozen=True):
    """The worked stretches of one year (UTC), ascending: ``sums[i]`` is what was worked before the i-th."""

    starts: list[int]
    ends: list[int]
    sums: list[int]
    total: int

    def before(self, at_ms: int) -> int:
        """Worked in this year up to an instant of any year."""
        place = bisect_right(self.starts, at_ms) - 1
        return self.sums[place] + min(at_ms, self.ends[place]) - self.starts[place] if place >= 0 else 0

    def at(self, worked_ms: int) -> int:
        """The first instant by which so much, more than nothing and at most ``total``, was worked in this year."""
        place = bisect_left(self.sums, worked_ms) - 1
        return self.starts[place] + worked_ms - self.sums[place]


@lru_cache(maxsize=128)
def _table(calendar: Calendar, year: int) -> _Table:
    """Takes some milliseconds the first time; then a question about a year is two searches in it."""
    stretches = list(_stretches(calendar, year))
    sums, total = [], 0
    for start, end in stretches:
        sums.append(total)
        total += end - start
    return _Table([start for start, _ in stretches], [end for _, end in stretches], sums, total)


def _stretches(calendar: Calendar, year: int) -> Iterator[tuple[int, int]]:
    hours = _Hours(calendar, year)
    for start, end, offset in segments(calendar.time_zone, *year_bounds(year)):
        for day in range((start + offset) // DAY_MS, (end - 1 + offset) // DAY_MS + 1):
            midnight = day * DAY_MS - offset
            for opens, closes in hours.of(day):
                first, last = midnight + opens * _MINUTE_MS, midnight + closes * _MINUTE_MS
                if max(first, start) < min(last, end):
                    yield max(first, start), min(last, end)


class _Hours:
    """The hours of each day about a year. Own lists go before the country's, days worked before days off."""

    def __init__(self, calendar: Calendar, year: int) -> None:
        off, worked = days_around(calendar.holidays_of, year) if calendar.holidays_of else (frozenset(), frozenset())
        own_off = frozenset(map(day_number, calendar.holidays))
        own_worked = frozenset(map(day_number, calendar.working_days))
        self._week = calendar.week
        self._longest = max(calendar.week, key=lambda spans: sum(closes - opens for opens, closes in spans))
        self._off = (off - own_worked) | own_off
        self._worked = own_worked | (worked - own_off)

    def of(self, day: int) -> tuple[Span, ...]:
        if day in self._worked:
            return self._longest
        return () if day in self._off else self._week[(day + 3) % 7]  # 1970-01-01 was a Thursday
