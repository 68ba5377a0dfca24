"""Names in filters and orders: callers use those of the wire, views have their own."""

from __future__ import annotations

import re
from collections.abc import Mapping

_TIMES = {
    "create_time": "created_at",
    "pool_time": "pooled_at",
    "assign_time": "assigned_at",
    "start_time": "started_at",
    "end_time": "ended_at",
    "update_time": "updated_at",
}

TERMS: Mapping[str, Mapping[str, str]] = {
    "tasks": {**_TIMES, "rule_set_version": "version"},
    "agents": {"agent_id": "id", "display_name": "name", "update_time": "changed_at"},
    "packages": _TIMES,
}

_FILTER = re.compile(
    r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?<![\w.-])([a-z_]+)(?=\s*(?:<=|>=|!=|=|<|>|:))""", re.DOTALL
)
"""A quoted text, which is left alone, or a word before an operator."""
_ORDER = re.compile(r"()(?<![\w.-])([a-z_]+)(?![\w.-])")


def filter_terms(listing: str, text: str) -> str:
    """The filter with the names that the view of this listing has."""
    return _renamed(_FILTER, TERMS.get(listing, {}), text)


def order_terms(listing: str, text: str) -> str:
    """The order with the names that the view of this listing has."""
    return _renamed(_ORDER, TERMS.get(listing, {}), text)


def _renamed(words: re.Pattern[str], names: Mapping[str, str], text: str) -> str:
    return words.sub(lambda found: found[1] or names.get(found[2], found[2]), text)
