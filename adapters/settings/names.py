"""Names of settings: keys (``limits.jobs``), the variables that set them, and what a misspelt one may have meant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import cache

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from adapters.settings.model import Settings

PREFIX = "PAIDAN_"
CONFIG_VARIABLE = "PAIDAN_CONFIG"
INHERITED = "PAIDAN_INHERITED_SETTINGS"
"""Settings that the supervisor hands to its children."""
OTLP_VARIABLE = "OTEL_EXPORTER_OTLP_ENDPOINT"
"""What OpenTelemetry itself calls it; PAIDAN_OTLP goes before it."""
CLIENT_VARIABLES = ("PAIDAN_SERVER", "PAIDAN_ACTOR")
"""Read by commands that ask a server."""


@cache
def fields() -> dict[str, FieldInfo]:
    """Every key with its field, in the order of the model."""
    found: dict[str, FieldInfo] = {}
    for name, field in Settings.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found.update({f"{name}.{inner}": value for inner, value in kind.model_fields.items()})
        else:
            found[name] = field
    return found


def keys() -> tuple[str, ...]:
    """Every key."""
    return tuple(fields())


def variable_of(key: str) -> str:
    """``PAIDAN_LIMITS__JOBS`` for ``limits.jobs``."""
    return PREFIX + key.upper().replace(".", "__")


def unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """A line for each variable that looks like a setting of ours and is none."""
    known = {*map(variable_of, keys()), CONFIG_VARIABLE, INHERITED, *CLIENT_VARIABLES}
    wrong = sorted(name for name in environ if name.upper().startswith(PREFIX) and name.upper() not in known)
    return [f"Expected settings in PAIDAN_…, but there is none called {name}{meant(name, known)}" for name in wrong]


def meant(name: str, known: Iterable[str]) -> str:
    """``; did you mean 'listen'?`` where something is like it, else how to see them all."""
    like = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; did you mean {like[0]}?" if like else "; 'paidan serve --print-config' lists them all"
