"""Working time of any calendar, against the slow oracle and against itself."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from engine.calendars import due, working
from engine.calendars.working_time import FARTHEST_MS
from engine.rules.model import Calendar, Span
from tests.calendars import oracle
from tests.calendars.oracle import MINUTE, ms

ZONES = (
    "Europe/Berlin", "America/New_York", "Asia/Shanghai", "Asia/Kolkata", "Australia/Lord_Howe", "America/St_Johns",
    "Pacific/Apia", "Africa/Casablanca", "UTC",
)  # fmt: skip
CHANGES = tuple(
    ms(text)
    for text in (
        "2026-03-29 01:00", "2026-10-25 01:00", "2026-03-08 07:00", "2026-11-01 06:00", "2011-12-30 10:00",
        "2010-11-07 02:31", "2028-02-29 00:00", "2026-12-31 23:00", "2026-09-30 16:00", "2026-10-10 01:00",
    )
)  # fmt: skip
SETTINGS = settings(
    max_examples=40,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)


@st.composite
def spans(draw: st.DrawFn) -> tuple[Span, ...]:
    marks = sorted(draw(st.sets(st.one_of(st.integers(0, 1440), st.sampled_from((0, 60, 120, 180, 1440))), max_size=6)))
    return tuple(zip(marks[::2], marks[1::2], strict=False))


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    week = tuple(draw(spans()) for _ in range(7))
    assume(any(week))
    days = draw(st.lists(st.sampled_from(("2026-03-29", "2026-10-10", "2026-12-31", "2028-02-29")), unique=True))
    cut = draw(st.integers(0, len(days)))
    place = draw(st.sampled_from((None, "CN", "DE-BY", "US")))
    return Calendar(draw(st.sampled_from(ZONES)), week, place, tuple(days[:cut]), tuple(days[cut:]))


near_changes = st.tuples(st.sampled_from(CHANGES), st.integers(-1_500, 1_500)).map(lambda at: at[0] + at[1] * MINUTE)
instants = st.integers(ms("2000-01-01 00:00"), ms("2060-01-01 00:00"))
durations = st.integers(0, 400 * 86_400_000)


@SETTINGS
@given(calendars(), near_changes, st.integers(0, 3_000))
def test_working_as_the_clock_on_the_wall_says(calendar: Calendar, start: int, minutes: int) -> None:
    first = start // MINUTE
    slow = oracle.working(calendar, first, first + minutes)
    assert working(calendar, start, start + minutes * MINUTE) == slow * MINUTE


@SETTINGS
@given(calendars(), near_changes, st.integers(1, 1_000))
def test_due_as_the_clock_on_the_wall_says(calendar: Calendar, start: int, minutes: int) -> None:
    slow = oracle.due(calendar, start // MINUTE, minutes, 3_000)
    found = due(calendar, start, minutes * MINUTE)
    assert found == slow * MINUTE if slow is not None else found > start + 3_000 * MINUTE


@SETTINGS
@given(calendars(), instants, durations)
def test_due_and_working_are_inverse(calendar: Calendar, start: int, duration: int) -> None:
    end = due(calendar, start, duration)
    assert start <= end <= start + FARTHEST_MS
    if end < start + FARTHEST_MS:
        assert working(calendar, start, end) == duration
        assert duration == 0 or working(calendar, start, end - 1) == duration - 1, "not the first such instant"


@SETTINGS
@given(calendars(), instants, durations)
def test_what_was_worked_is_due_by_then(calendar: Calendar, start: int, length: int) -> None:
    worked = working(calendar, start, start + length)
    assert 0 <= worked <= length
    assert due(calendar, start, worked) <= start + length


@SETTINGS
@given(calendars(), instants, durations, durations)
def test_parts_add_up(calendar: Calendar, start: int, first: int, second: int) -> None:
    middle, end = start + first, start + first + second
    assert working(calendar, start, middle) + working(calendar, middle, end) == working(calendar, start, end)


@SETTINGS
@given(calendars(), instants, st.integers(0, 86_400_000), durations, st.integers(0, 86_400_000))
def test_later_or_longer_is_never_due_sooner(
    calendar: Calendar, start: int, later: int, duration: int, longer: int
) -> None:
    assert due(calendar, start, duration) <= due(calendar, start + later, duration)
    assert due(calendar, start, duration) <= due(calendar, start, duration + longer)
