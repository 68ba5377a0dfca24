"""``paidan serve --print-config``: every setting, its value, and where that came from. Secrets are not shown."""

from __future__ import annotations

from typing import Any

import msgspec
import typer

from adapters.settings.masking import MASK, masked
from adapters.settings.names import fields, variable_of
from adapters.settings.sources import Resolved


def show(resolved: Resolved, as_json: bool) -> None:
    """As a table for people, or as one JSON object."""
    rows = [_row(key, resolved) for key in resolved.origins]
    if as_json:
        typer.echo(msgspec.json.encode({"settings": rows}).decode())
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("Setting", "Value", "Source"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(Text(str(row[name])) for name in ("key", "shown", "source")))
    console = Console(highlight=False)
    (console if console.is_terminal else Console(highlight=False, width=160)).print(table)


def _row(key: str, resolved: Resolved) -> dict[str, Any]:
    value: Any = resolved.settings
    for part in key.split("."):
        value = getattr(value, part)
    plain = value if isinstance(value, int | float | bool) else _text(value)
    described = fields()[key].description or ""
    return {
        "key": key,
        "value": plain,
        "shown": f"{plain:,}" if isinstance(plain, int | float) and not isinstance(plain, bool) else plain,
        "source": resolved.origins[key],
        "variable": variable_of(key),
        "description": described,
    }


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}={MASK}" for name in value)
    return masked(", ".join(value) if isinstance(value, tuple | list) else str(value))
