"""Makes examples/deploy/paidan.toml from the model: ``python -m tests.operations.example_settings > (that file)``."""

from __future__ import annotations

import json
import textwrap
from typing import Any

from adapters.settings.model import Settings
from adapters.settings.names import fields

HEAD = """\
# Every setting of Paidan with its default. Keep the lines you change.
#
#   paidan serve --config paidan.toml        or PAIDAN_CONFIG=paidan.toml
#   paidan serve --print-config              what is in force, and where each value came from
#
# Flags go before the environment (PAIDAN_LISTEN, PAIDAN_LIMITS__JOBS), the environment before this file.
# Passwords belong into the environment (PAIDAN_POSTGRES), not here.
"""


def text() -> str:
    """The file."""
    lines, table = [HEAD], ""
    for key, field in fields().items():
        now, _, name = key.rpartition(".")
        if now != table:
            table = now
            lines.append(f"[{table}]\n")
        unit = (field.json_schema_extra or {}).get("unit", "") if isinstance(field.json_schema_extra, dict) else ""
        told = f"{field.description}{f' ({unit})' if unit else ''}"
        lines += [f"# {line}" for line in textwrap.wrap(told, 110)]
        lines.append(f"{name} = {_toml(_default(key))}\n")
    return "\n".join(lines)


def _default(key: str) -> Any:
    value: Any = Settings.model_validate({})
    for part in key.split("."):
        value = getattr(value, part)
    return value


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, dict):
        return "{}"
    return json.dumps(list(value) if isinstance(value, tuple) else str(value), ensure_ascii=False)


if __name__ == "__main__":
    print(text(), end="")
