"""Where settings come from: flags, then the environment, then a file, then defaults. Each value keeps its source."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import EnvSettingsSource, SettingsError, TomlConfigSettingsSource

from adapters.settings.masking import masked
from adapters.settings.model import Settings
from adapters.settings.names import INHERITED, OTLP_VARIABLE, keys, meant, unknown_variables, variable_of

DEFAULT = "default"
SHOWN = 400
"""Characters of what is said of one setting: values may be as long as anybody likes."""


class WrongSettingsError(Exception):
    """A setting cannot be taken; the message says which, where it stands and what to do, a line each."""


@dataclass(frozen=True)
class Resolved:
    """Settings, and for each key (``limits.jobs``) the source it came from."""

    settings: Settings
    origins: dict[str, str]


class _Environment(EnvSettingsSource):
    """Lists may be written with commas; JSON is understood too."""

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        try:
            return super().decode_complex_value(field_name, field, value)
        except ValueError:
            return [part.strip() for part in str(value).split(",")]


def resolve(flags: Mapping[str, Any], file: Path | None = None) -> Resolved:
    """All settings. ``flags`` that were not given are None. Raises WrongSettingsError."""
    given = {key: value for key, value in flags.items() if value is not None}
    unknown = unknown_variables(os.environ)
    if unknown:
        raise WrongSettingsError("\n".join(unknown))
    layers = (
        (given, lambda key: f"flag --{key.replace('_', '-')}"),
        (_environment(), _variable_behind),
        (_file(file) if file else {}, lambda key: f"file {file}, {key}"),
    )
    origins: dict[str, str] = {}
    merged: dict[str, Any] = {}
    for values, named in layers:
        for key, value in _flat(values):
            if key not in origins:
                origins[key] = named(key)
                _put(merged, key, value)
    return Resolved(_checked(merged, origins), {key: origins.get(key, DEFAULT) for key in keys()})


def inherited() -> Settings | None:
    """What the supervisor resolved for this process, if one started it. Raises WrongSettingsError."""
    text = os.environ.pop(INHERITED, "")
    if not text:
        return None
    try:
        return Settings.model_validate_json(text)
    except ValidationError as error:
        raise WrongSettingsError(f"Expected settings from the supervisor in {INHERITED}, but {error}") from error


def handed_down(settings: Settings) -> dict[str, str]:
    """Variables for a process that is to run on these very settings; not on its command line, which all can read."""
    return {INHERITED: settings.model_dump_json()}


def _environment() -> dict[str, Any]:
    try:
        values: dict[str, Any] = dict(_Environment(Settings)())
    except SettingsError as error:
        raise WrongSettingsError(f"Expected values as text in PAIDAN_…, but {error}") from error
    if "otlp" not in values and os.environ.get(OTLP_VARIABLE):
        values["otlp"] = os.environ[OTLP_VARIABLE]
    return values


def _variable_behind(key: str) -> str:
    if key == "otlp" and not os.environ.get(variable_of(key)):
        return f"environment {OTLP_VARIABLE}"
    return f"environment {variable_of(key)}"


def _file(file: Path) -> dict[str, Any]:
    if not file.is_file():
        raise WrongSettingsError(f"Expected settings in {file}, but there is no such file; see --config")
    try:
        values: dict[str, Any] = dict(TomlConfigSettingsSource(Settings, file).toml_data)
    except (OSError, ValueError, RecursionError) as error:  # of TOML, of UTF-8, of numbers with thousands of digits
        raise WrongSettingsError(f"Expected TOML in {file}, but {error or type(error).__name__}") from error
    known = keys()
    tables = {key.partition(".")[0] for key in known if "." in key}
    wrong = [_unknown(file, key, value) for key, value in _flat(values) if key not in known or key in tables]
    if wrong:
        raise WrongSettingsError("\n".join(wrong))
    return values


def _unknown(file: Path, key: str, value: Any) -> str:
    if isinstance(value, dict):
        return f"Expected a value for {key} in {file}, but it is a table"
    return f"Expected settings in {file}, but there is none called {key!r}{meant(key, keys())}"


def _flat(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """``{"limits": {"jobs": 2}}`` as ``limits.jobs``, 2."""
    for name, value in values.items():
        key = f"{before}{name}"
        if isinstance(value, Mapping) and (not before) and any(known.startswith(f"{key}.") for known in keys()):
            yield from _flat(value, f"{key}.")
        else:
            yield key, value


def _put(values: dict[str, Any], key: str, value: Any) -> None:
    table, _, name = key.rpartition(".")
    (values.setdefault(table, {}) if table else values)[name] = value


def _checked(values: dict[str, Any], origins: Mapping[str, str]) -> Settings:
    odd = [key for key, value in _flat(values) if not str(value).isascii() and _has_surrogates(str(value))]
    if odd:
        raise WrongSettingsError(
            "\n".join(f"{key} ({origins.get(key)}): Expected text in UTF-8, but it is not" for key in odd)
        )
    try:
        return Settings(**values)
    except ValidationError as error:
        raise WrongSettingsError("\n".join(_wrong(dict(found), origins) for found in error.errors())) from None


def _has_surrogates(text: str) -> bool:
    """Bytes of the environment that are no text come as these, and nothing can be told of them to another process."""
    return any("\ud800" <= sign <= "\udfff" for sign in text)


def _wrong(found: dict[str, Any], origins: Mapping[str, str]) -> str:
    parts = [str(part) for part in found["loc"]]
    key = next((name for name in (".".join(parts[:2]), parts[0] if parts else "") if name in origins), ".".join(parts))
    told = found["msg"].removeprefix("Value error, ")
    if not told.startswith("Expected"):
        told = f"Expected another value: {told[:1].lower()}{told[1:]}"
        told += f", but got {masked(repr(found.get('input')))[:80]}" if not isinstance(found.get("input"), dict) else ""
    told = masked(told)
    return f"{key or 'settings'} ({origins.get(key, DEFAULT)}): {told if len(told) <= SHOWN else told[:SHOWN] + '…'}"
