"""How events look to people."""

from __future__ import annotations

import json
from typing import Any

from paidan.v1.values_pb2 import Event

from adapters.cli.rendering import Column, field, local, time

MAX_LIST = 6
"""Members shown of a long list."""


def event_line(event: Event) -> str:
    """Position, time, name, actor and data on one line; long lists are cut."""
    return f"{event.position:>8}  {local(event.event_time)}  {event.type:<24} {event.actor:<12} {said(event)}"


def said(event: Event) -> str:
    """``task=5, agent=A17``."""
    data = json.loads(event.data_json)
    data.pop("type", None)
    return ", ".join(f"{name}={_short(value)}" for name, value in data.items() if value not in (None, "", [], {}))


def _short(value: Any) -> str:
    if isinstance(value, list) and len(value) > MAX_LIST:
        kept = json.dumps(value[:MAX_LIST] if not isinstance(value[0], list | dict) else [], ensure_ascii=False)
        return f"{kept} … {len(value):,} in all"
    if isinstance(value, str):
        return value if len(value) <= 80 else value[:79] + "…"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_short(item)}" for key, item in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False)


EVENT_COLUMNS: list[Column] = [
    ("position#", field("position")), ("time", time("event_time")), ("event", field("type")),
    ("by", field("actor")), ("what it says", said),
]  # fmt: skip
