"""How events look to people."""

from __future__ import annotations

import json
from typing import Any

from paidan.v1.values_pb2 import Event

from adapters.cli.rendering import Column, field, local, time

MAX_LIST = 6
"""Of a longer list, and of one of records, the length is shown in its place."""
MAX_TEXT = 80


def event_line(event: Event) -> str:
    """Position, time, name, actor and data on one line, cut to be read."""
    return f"{event.position:>8}  {local(event.event_time)}  {event.type:<24} {event.actor:<12} {said(event)}"


def said(event: Event) -> str:
    """``task=5, agent=A17``."""
    data = json.loads(event.data_json)
    data.pop("type", None)
    return ", ".join(f"{name}={_short(value)}" for name, value in data.items() if value not in (None, "", [], {}))


def _short(value: Any) -> str:
    if isinstance(value, list) and (len(value) > MAX_LIST or any(isinstance(item, list | dict) for item in value)):
        return f"({len(value):,})"
    if isinstance(value, dict):
        text = "{" + ", ".join(f"{key}: {_short(item)}" for key, item in value.items()) + "}"
    else:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = " ".join(text.split())
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


EVENT_COLUMNS: list[Column] = [
    ("position#", field("position")), ("time", time("event_time")), ("event", field("type")),
    ("by", field("actor")), ("what it says", said),
]  # fmt: skip
