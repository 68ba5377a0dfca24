"""Reading business calendars: time zone, weekly hours, public holidays, and a desk's own days on and off."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from engine.calendars.public_holidays import PLACE, is_known
from engine.calendars.zones import day_number, zone_names
from engine.rules.model import Calendar, Span
from engine.rules.outline import Mapping as MappingNode
from engine.rules.outline import Node, Scalar
from engine.rules.problems import did_you_mean, shown
from engine.rules.readers import Field, Notes, entries, items, mapping, refuse, text, under

MAX_DAYS = 1_000
"""Days off, and working days, that a calendar may list."""

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPAN = re.compile(r"([0-9]{1,2}):([0-9]{2}) ?- ?([0-9]{1,2}):([0-9]{2})")
_MIDNIGHT = 24 * 60


def calendar(node: Node, path: str, notes: Notes) -> Calendar | None:
    """Reads one calendar."""
    read = _FIELDS(node, path, notes)
    if read is None or not {"time_zone", "week"} <= read.keys():
        return None
    both = sorted({*read.get("holidays", ())} & {*read.get("working_days", ())})
    if both and isinstance(node, MappingNode):
        told = f"Expected a day in holidays or in working_days, but {both[0]} is in both"
        at = next(value.start for key, value in node.entries if key.value == "working_days")
        notes.add(at, under(path, "working_days"), told)
    return Calendar(**read)


def _time_zone(node: Node, path: str, notes: Notes) -> Any:
    name = text()(node, path, notes)
    if name is None or name in zone_names():
        return name
    hint = did_you_mean(name, zone_names()) or "write Asia/Shanghai, Europe/Berlin, UTC ..."
    notes.add(node.start, path, f"Expected a time zone, but {shown(name)} is none", hint)
    return None


def _place(node: Node, path: str, notes: Notes) -> Any:
    place = text()(node, path, notes)
    if place is None or is_known(place):
        return place
    country = PLACE.fullmatch(place)
    hint = "write CN, DE or, for a part of one, DE-BY"
    if country and country[2] and is_known(country[1]):
        hint = f"{country[1]} is known, its part {shown(country[2])} is not"
    notes.add(node.start, path, f"Expected a country whose holidays are known, but {shown(place)} is none", hint)
    return None


def _date(node: Node, path: str, notes: Notes) -> Any:
    value = text()(node, path, notes)
    if value is None:
        return None
    try:
        day_number(value)
    except ValueError:
        notes.add(node.start, path, f"Expected a date such as 2026-10-08, but it is {shown(value)}")
        return None
    return value


def _week(node: Node, path: str, notes: Notes) -> tuple[tuple[Span, ...], ...] | None:
    if not isinstance(node, MappingNode):
        refuse(node, path, notes, "a mapping of days to hours")
        return None
    week: list[tuple[Span, ...]] = [()] * 7
    lines: dict[int, int] = {}
    for key, name, value in entries(node, path, notes):
        spans = _hours(value, under(path, name[:64]), notes)
        for day in _days_named(key, name, path, notes):
            if day in lines:
                told = f"Expected each day once, but {_DAYS[day]} has hours in line {lines[day]} already"
                notes.add(key.start, path, told)
            else:
                week[day], lines[day] = spans, notes.source.place(key.start)[0]
    if not node.entries:
        notes.add(node.start, path, "Expected hours on at least one day, but there are none")
    return tuple(week) if any(week) else None


def _days_named(key: Scalar, name: str, path: str, notes: Notes) -> list[int]:
    """``mon-fri`` or ``sat`` or ``mon, wed`` as numbers from Monday, 0."""
    found: list[int] = []
    for part in name.lower().split(","):
        first, _, last = part.strip().partition("-")
        if first in _DAYS and (last or first) in _DAYS and _DAYS.index(first) <= _DAYS.index(last or first):
            found += range(_DAYS.index(first), _DAYS.index(last or first) + 1)
        else:
            told = f"Expected days such as mon-fri, sat or mon, wed, but {shown(name)} is none"
            notes.add(key.start, path, told, f"days are {' '.join(_DAYS)}, from Monday on")
            return []
    return found


def _hours(node: Node, path: str, notes: Notes) -> tuple[Span, ...]:
    written = text()(node, path, notes)
    if written is None or not isinstance(node, Scalar):
        return ()
    spans: list[Span] = []
    for offset, part in _parts(written):
        span = _span(part)
        if span is None or (spans and span[0] < spans[-1][1]):
            at = notes.source.inside(node.start, node.end, node.value, offset)
            notes.add(at, path, *_told(part, span))
            return ()
        spans.append(span)
    return tuple(spans)


def _parts(written: str) -> Iterator[tuple[int, str]]:
    offset = 0
    for part in written.split(","):
        yield offset + len(part) - len(part.lstrip()), part.strip()
        offset += len(part) + 1


def _span(written: str) -> Span | None:
    found = _SPAN.fullmatch(written)
    if not found or int(found[2]) > 59 or int(found[4]) > 59:
        return None
    opens, closes = int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])
    return (opens, closes) if opens < closes <= _MIDNIGHT else None


def _told(written: str, span: Span | None) -> tuple[str, str | None]:
    if span is not None:
        return (
            f"Expected hours that ascend and do not overlap, but {shown(written)} starts before the end of others",
            None,
        )
    hint = "hours over midnight are written as 22:00-24:00 and, on the next day, 00:00-06:00"
    return f"Expected hours such as 09:00-12:00, but it is {shown(written)}", hint


_FIELDS = mapping(
    {
        "time_zone": Field(_time_zone, required=True),
        "hours": Field(_week, "week", required=True),
        "holidays_of": Field(_place),
        "holidays": Field(items(_date, 0, MAX_DAYS)),
        "working_days": Field(items(_date, 0, MAX_DAYS)),
    }
)
