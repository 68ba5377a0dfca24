"""How statistics and pools look to people."""

from __future__ import annotations

from typing import Any

from adapters.cli.rendering import Column, field, listed, number, time, word


def _rule(message: Any) -> str:
    return message.rule or "(no rule)"


COUNTS: list[Column] = [
    ("type", field("type")), ("business type", field("business_type")), ("rule", _rule), ("status", word("status")),
    ("tasks#", number("count")),
]  # fmt: skip

SPREAD: list[Column] = [
    ("rule", _rule), ("agents#", number("agents")), ("open tasks#", number("tasks")), ("least#", number("least")),
    ("most#", number("most")),
]  # fmt: skip

POOLS: list[Column] = [
    ("pool", _rule), ("relax step#", number("stage")), ("lane", listed("lane")), ("waiting#", number("waiting")),
    ("waiting for", field("waiting_for")), ("oldest", time("oldest_time")),
]  # fmt: skip
