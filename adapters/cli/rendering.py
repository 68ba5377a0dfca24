"""Answers for people: tables, records, local times."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from adapters.cli.plain import value_of, word_of

Column = tuple[str, Callable[[Any], str]]


@cache
def console() -> Console:
    """Standard output; as wide as needed when it is no terminal, so that nothing is cut there."""
    plain = Console(highlight=False)
    return plain if plain.is_terminal else Console(highlight=False, width=240)


def show_table(messages: Sequence[Message], columns: Sequence[Column], none: str) -> None:
    """One line a message."""
    if not messages:
        console().print(none, markup=False)
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading, _ in columns:
        numeric = heading.endswith("#")
        table.add_column(heading.removesuffix("#"), justify="right" if numeric else "left", overflow="fold")
    for message in messages:
        table.add_row(*(Text(cell(message)) for _, cell in columns))
    console().print(table)


def show_record(message: Message, fields: Sequence[Column]) -> None:
    """One field a line; empty ones are left out."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for heading, cell in fields:
        text = cell(message)
        if text:
            table.add_row(heading, Text(text))
    console().print(table)


def local(time: Timestamp) -> str:
    """``2026-01-31T16:00:00+08:00``; empty for not yet."""
    if not time.seconds and not time.nanos:
        return ""
    return datetime.fromtimestamp(time.seconds, UTC).astimezone().isoformat(timespec="seconds")


def field(name: str) -> Callable[[Any], str]:
    """A cell with a field as it is; zero and empty show as nothing."""
    return lambda message: str(getattr(message, name) or "")


def number(name: str) -> Callable[[Any], str]:
    """A cell with a count, zero included."""
    return lambda message: f"{getattr(message, name):,}"


def time(name: str) -> Callable[[Any], str]:
    """A cell with a local time."""
    return lambda message: local(getattr(message, name))


def word(name: str) -> Callable[[Any], str]:
    """A cell with an enum as people say it."""

    def cell(message: Any) -> str:
        return word_of(message.DESCRIPTOR.fields_by_name[name].enum_type, getattr(message, name)).replace("_", " ")

    return cell


def pairs(name: str) -> Callable[[Any], str]:
    """A cell with a map: ``a=1, b=2``."""
    return lambda message: said(getattr(message, name))


def said(values: Mapping[str, Any]) -> str:
    """``a=1, b=2``, by name."""
    return ", ".join(f"{key or 'none'}={shown(values[key])}" for key in sorted(values))


def shown(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, Message):
        value = value_of(value)  # type: ignore[arg-type]  # values are the only messages in maps and lanes
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def listed(name: str) -> Callable[[Any], str]:
    """A cell with a list."""
    return lambda message: ", ".join(shown(item) for item in getattr(message, name))
