"""Working time on the days that calendars are written for: clock changes, holidays, midnight, leap days, year ends."""

from __future__ import annotations

import pytest

from engine.calendars import due, working
from engine.calendars.working_time import FARTHEST_MS
from engine.rules.model import Calendar, Span
from tests.calendars.oracle import ms

HOUR = 3_600_000
DAY = 24 * HOUR
OFFICE: tuple[Span, ...] = ((540, 720), (780, 1080))
ALWAYS: tuple[Span, ...] = ((0, 1440),)


def week(*days: tuple[Span, ...]) -> tuple[tuple[Span, ...], ...]:
    return (*days, *[()] * (7 - len(days)))


def round_the_clock(zone: str) -> Calendar:
    return Calendar(zone, week(*[ALWAYS] * 7))


DESK = Calendar("Asia/Shanghai", week(*[OFFICE] * 5, ((540, 720),)))


def test_no_calendar_counts_round_the_clock() -> None:
    assert due(None, 5, 7) == 12 and working(None, 5, 12) == 7
    assert working(None, 12, 5) == working(DESK, 12, 5) == 0
    assert due(None, 5, 0) == due(DESK, 5, 0) == 5


@pytest.mark.parametrize(
    ("start", "hours", "expected"),
    [
        ("2026-11-20 09:00", 3, "2026-11-20 12:00"),  # the end of a span, not the start of the next
        ("2026-11-20 09:00", 4, "2026-11-20 14:00"),  # over lunch
        ("2026-11-20 06:00", 1, "2026-11-20 10:00"),  # before opening
        ("2026-11-20 17:00", 2, "2026-11-21 10:00"),  # Friday evening to Saturday morning
        ("2026-11-21 11:30", 1, "2026-11-23 09:30"),  # over Sunday
        ("2026-11-21 12:00", 1, "2026-11-23 10:00"),  # started at closing
    ],
)
def test_due_within_a_week(start: str, hours: int, expected: str) -> None:
    at = ms(start, "Asia/Shanghai")
    assert due(DESK, at, hours * HOUR) == ms(expected, "Asia/Shanghai")
    assert working(DESK, at, ms(expected, "Asia/Shanghai")) == hours * HOUR


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", "2026-03-29", 23),
        ("Europe/Berlin", "2026-10-25", 25),
        ("America/New_York", "2026-03-08", 23),
        ("America/New_York", "2026-11-01", 25),
        ("Australia/Lord_Howe", "2026-04-05", 24.5),
        ("Asia/Shanghai", "2026-03-29", 24),
    ],
)
def test_a_day_as_long_as_the_clocks_make_it(zone: str, day: str, hours: float) -> None:
    only = Calendar(zone, week(*[()] * 6, ALWAYS))  # all of these are Sundays
    noon = ms(f"{day} 12:00", zone)
    assert working(only, noon - 2 * DAY, noon + 2 * DAY) == hours * HOUR


def test_an_hour_that_clocks_skip_is_not_worked() -> None:
    night = Calendar("Europe/Berlin", week(*[()] * 6, ((120, 180), (240, 300))))  # Sundays 02-03 and 04-05
    saturday = ms("2026-03-28 12:00", "Europe/Berlin")
    assert due(night, saturday, HOUR // 2) == ms("2026-03-29 04:30", "Europe/Berlin")
    assert working(night, saturday, saturday + DAY) == HOUR


def test_an_hour_that_clocks_show_twice_is_worked_twice() -> None:
    night = Calendar("America/New_York", week(*[()] * 6, ((75, 105),)))  # Sundays 01:15-01:45
    saturday = ms("2026-10-31 12:00", "America/New_York")
    assert working(night, saturday, saturday + DAY) == HOUR
    assert due(night, saturday, HOUR // 2) == ms("2026-11-01 01:45", "America/New_York")
    assert due(night, saturday, HOUR // 2 + 1) == ms("2026-11-01 01:15", "America/New_York", fold=1) + 1


def test_clocks_that_go_back_over_midnight() -> None:
    first = Calendar("America/St_Johns", week(*[()] * 6, ((0, 1),)))  # Sunday's first minute, shown twice that night
    saturday = ms("2010-11-06 12:00", "America/St_Johns")
    assert working(first, saturday, saturday + DAY) == 2 * 60_000


def test_a_day_that_a_zone_left_out() -> None:
    thursday = ms("2011-12-29 12:00", "Pacific/Apia")
    fridays = Calendar("Pacific/Apia", week((), (), (), (), ALWAYS))
    assert working(fridays, thursday, thursday + 3 * DAY) == 0
    assert due(fridays, thursday, 1) == ms("2012-01-06 00:00", "Pacific/Apia") + 1


def test_midnight_is_no_gap() -> None:
    late = Calendar("Europe/Berlin", week(((1320, 1440),), ((0, 360),)))  # Monday 22-24, Tuesday 00-06
    monday = ms("2026-11-23 12:00", "Europe/Berlin")
    assert due(late, monday, 2 * HOUR) == ms("2026-11-24 00:00", "Europe/Berlin")
    assert due(late, monday, 3 * HOUR) == ms("2026-11-24 01:00", "Europe/Berlin")


def test_leap_days_and_year_ends() -> None:
    desk = Calendar("Europe/Berlin", week(*[OFFICE] * 5))
    assert due(desk, ms("2028-02-28 09:00", "Europe/Berlin"), 9 * HOUR) == ms("2028-02-29 10:00", "Europe/Berlin")
    assert due(desk, ms("2026-02-27 09:00", "Europe/Berlin"), 9 * HOUR) == ms("2026-03-02 10:00", "Europe/Berlin")
    new_year = ms("2026-12-31 17:00", "Europe/Berlin")
    assert due(desk, new_year, 2 * HOUR) == ms("2027-01-01 10:00", "Europe/Berlin")
    anywhere = round_the_clock("Pacific/Auckland")
    assert working(anywhere, ms("2026-12-01 00:00"), ms("2027-02-01 00:00")) == 62 * DAY


def test_public_holidays_and_days_that_make_up_for_them() -> None:
    desk = Calendar("Asia/Shanghai", DESK.week, "CN")
    assert due(desk, ms("2026-09-30 17:00", "Asia/Shanghai"), 2 * HOUR) == ms("2026-10-08 10:00", "Asia/Shanghai")
    saturday = ms("2026-10-10 00:00", "Asia/Shanghai")  # worked for the Wednesday before, as long as a weekday
    assert working(desk, saturday, saturday + DAY) == 8 * HOUR
    assert working(DESK, saturday, saturday + DAY) == 3 * HOUR


def test_a_part_of_a_country_and_own_days() -> None:
    corpus_christi = ms("2026-06-04 00:00", "Europe/Berlin")  # a holiday in Bavaria, not in Berlin
    hours = {place: working(Calendar("Europe/Berlin", week(*[OFFICE] * 5), place), corpus_christi, corpus_christi + DAY)
             for place in ("DE-BY", "DE-BE")}  # fmt: skip
    assert hours == {"DE-BY": 0, "DE-BE": 8 * HOUR}
    own = Calendar("Europe/Berlin", week(*[OFFICE] * 5), "DE-BY", ("2026-06-05",), ("2026-06-04",))
    assert working(own, corpus_christi, corpus_christi + DAY) == 8 * HOUR
    assert working(own, corpus_christi + DAY, corpus_christi + 2 * DAY) == 0


def test_nothing_is_due_later_than_ten_years_on() -> None:
    seldom = Calendar("UTC", week(((0, 1),)))  # a minute a week
    start = ms("2026-01-01 00:00")
    assert due(seldom, start, HOUR) == ms("2027-02-22 00:01")
    assert due(seldom, start, DAY) == start + FARTHEST_MS
