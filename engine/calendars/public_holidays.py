"""Public holidays, and the working days that make up for some of them, by country or part of one."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from engine.calendars.zones import day_of

PLACE = re.compile(r"([A-Z]{2})(?:-([A-Za-z0-9 ]{1,40}))?")
"""``CN``, ``DE-BY``: ISO 3166 codes."""


@lru_cache(maxsize=1_024)
def is_known(place: str) -> bool:
    """Whether the holidays of this country, or part of one, are known."""
    if not PLACE.fullmatch(place):
        return False
    try:
        _days(place, ())
    except (NotImplementedError, TypeError):  # so the library says that it knows no such country, or no such part
        return False
    return True


@lru_cache(maxsize=1_024)
def days_around(place: str, year: int) -> tuple[frozenset[int], frozenset[int]]:
    """Days off, and days worked although they lie on a weekend, of a year and of those beside it, as day numbers.

    Days that a government names from year to year are known as far as the library's release knows them.
    """
    found = _days(place, (year - 1, year, year + 1))
    worked = frozenset(day_of(day) for day in found.weekend_workdays)
    return frozenset(day_of(day) for day in found) - worked, worked


def _days(place: str, years: tuple[int, ...]) -> Any:
    from holidays import country_holidays  # takes 0.2 s, and most documents name no country

    country, _, part = place.partition("-")
    return country_holidays(country, subdiv=part or None, years=years)
