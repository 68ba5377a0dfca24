"""Measures at the command line: what is asked for, and how it looks to people."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from adapters.cli.session import Column, Session, fail

if TYPE_CHECKING:
    from google.protobuf.timestamp_pb2 import Timestamp
    from paidan.v1.measures_pb2 import GetMeasuresRequest, MeasureGroup

From = Annotated[
    str, typer.Option("--from", metavar="TIME", help="Measure from then on: 2026-01-31T08:00, 2026-01-31, or 7d ago.")
]
To = Annotated[str, typer.Option("--to", metavar="TIME", help="Measure what happened before then.")]
By = Annotated[
    str, typer.Option("--by", help="Measure by type, business_type, rule, team, agent; several with commas.")
]
Bucket = Annotated[str, typer.Option("--bucket", metavar="1h|1d", help="Measure each hour or day, from --from on.")]

_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_SPAN = re.compile(r"([1-9]\d{0,5})([mhdw])")


def show_measures(session: Session, since: str, until: str, by: str, bucket: str) -> None:
    """Ask, and show one line a group."""
    from paidan.v1.measures_pb2 import GetMeasuresRequest

    request = GetMeasuresRequest(parent=session.parent, group_by=_groups(by), bucket_ms=_bucket(bucket))
    _set(request.start_time, since, "--from")
    _set(request.end_time, until, "--to")
    found = session.query(session.client.measures.GetMeasures, request)
    session.show_rows(iter(found.measures), _columns(request), "Nothing happened in that time.")


def _groups(by: str) -> list[MeasureGroup.ValueType]:
    from paidan.v1.measures_pb2 import MeasureGroup

    known = {name.removeprefix("MEASURE_GROUP_").lower(): number for name, number in MeasureGroup.items() if number}
    words = [word.strip() for word in by.split(",")] if by else []
    for word in words:
        if word not in known:
            raise fail(f"Expected --by one or more of {', '.join(known)}, but got {word!r}")
    return [known[word] for word in words]


def _span(text: str) -> timedelta | None:
    found = _SPAN.fullmatch(text)
    return int(found[1]) * _UNITS[found[2]] if found else None


def _bucket(text: str) -> int:
    """Milliseconds; 0 for none."""
    span = _span(text) if text else timedelta()
    if span is None:
        raise fail(f"Expected --bucket such as 15m, 1h or 1d, but got {text!r}")
    return int(span.total_seconds() * 1_000)


def _set(field: Timestamp, text: str, option: str) -> None:
    if text:
        field.FromDatetime(_moment(text, option))


def _moment(text: str, option: str) -> datetime:
    """A time without a zone is one of this machine's."""
    span = _span(text)
    try:
        moment = datetime.fromisoformat(text) if span is None else datetime.now(UTC) - span
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        told = f"Expected {option} a time such as 2026-01-31T08:00, 2026-01-31 or 7d (that long ago), but got {text!r}"
        raise fail(told) from error


# --- how it looks ----------------------------------------------------------------------------------------------------


def _columns(request: GetMeasuresRequest) -> list[Column]:
    """What was asked for, counts that are always of use, and the times."""
    from adapters.cli.plain import word_of
    from adapters.cli.rendering import field, number, time

    kind = request.DESCRIPTOR.fields_by_name["group_by"].enum_type
    names = [word_of(kind, group) for group in request.group_by]
    keys: list[Column] = [("from", time("bucket_time"))] if request.bucket_ms else []
    keys += [(name.replace("_", " "), _or_none(field(name))) for name in names]
    counts = (
        "created", "assigned", "started", "completed", "cancelled", "merged", "handed_over", "recycled",
        "offer_returned", "reopened",
    )  # fmt: skip
    return [
        *keys,
        *((name.replace("_", " ") + "#", number(name)) for name in counts),
        ("on time#", _share("resolved_in_time", "with_resolve_by")),
        ("satisfied#", _satisfied),
        *(
            (f"{name.replace('_', ' ')} 50/90/99 %#", _spread(name))
            for name in ("to_assign", "to_start", "to_complete")
        ),
    ]


def _or_none(cell: Any) -> Any:
    return lambda message: cell(message) or "(none)"


def _share(part: str, whole: str) -> Any:
    return lambda message: _per_cent(getattr(message, part), getattr(message, whole))


def _satisfied(message: Any) -> str:
    return _per_cent(message.satisfied, message.satisfied + message.unsatisfied)


def _per_cent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else ""


def _spread(name: str) -> Any:
    def cell(message: Any) -> str:
        if not message.HasField(name):
            return ""
        spread = getattr(message, name)
        return " / ".join(_said(value) for value in (spread.p50_ms, spread.p90_ms, spread.p99_ms))

    return cell


def _said(milliseconds: int) -> str:
    """``3d 4h``, ``4h 05m``, ``5m 07s``, ``7.250s``."""
    seconds, rest = divmod(milliseconds, 1_000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days}d {hours}h"
    if hours:
        return f"{hours}h {minutes:02}m"
    return f"{minutes}m {seconds:02}s" if minutes else f"{seconds}.{rest:03}s"
