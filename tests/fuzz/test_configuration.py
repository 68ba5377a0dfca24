"""Configuration: flags, environment and TOML that nobody would write are refused line by line, each with the key and where it stands."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from adapters.settings.model import Settings
from adapters.settings.names import fields, variable_of
from adapters.settings.showing import show
from adapters.settings.sources import WrongSettingsError, handed_down, inherited, resolve
from tests.fuzz.hunting import ACCEPTED, expected, seconds
from tests.fuzz.mutator import NUMBERS, TOKENS, Mutator
from tests.fuzz.watched import watched_hunt

VALUES = (
    "", "127.0.0.1:7411", "0.0.0.0:70000", "[::1]:1", "localhost:", "postgresql://u:secret@h/d", "host=x password=secret", "nats://a,nats://b",
    "off", "json", "debug", "http://x:4317", "*", "/lists, s3://b/", "[1, 2]", '{"a": 1}', "1", "0", "-1", "true", "３", "a" * 100_000,
)  # fmt: skip
TOML = """listen = "127.0.0.1:7411"
data = ".paidan"
postgres = "postgresql://paidan:secret@db/paidan"
nats_keep_s = 604800.0
log_format = "json"
ready_lag_s = 30
[limits]
jobs = 4
import_from = ["/lists", "s3://bank/"]
"""
BOMBS = (
    "[" * 50_000, "a = " + "[" * 50_000, "a = {b = " * 5_000, "limits." * 5_000 + "x = 1", "a = 1\n" * 50_000, "[limits]\n" * 2, 'a = """' + "x" * 100_000,
    "limits = 1", "[listen]\nx = 1", "listen = 2001-01-01", "[[limits]]\njobs = 1", "[limits.jobs]\nx = 1", "jobs = 1", "a.b.c.d = 1", "9" * 5_000 + " = 1",
)  # fmt: skip
_SECRET = re.compile(r"://u:secret|paidan:secret|password=secret")


class Configuration:
    name = "configuration"
    slowest_s = 5.0

    def __init__(self) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="paidan-fuzz-")

    def attempt(self, chance: Mutator) -> str:
        file = Path(self._directory.name) / "paidan.toml"
        roll = chance.random()
        file.write_bytes(chance.choice(BOMBS).encode() if roll < 0.1 else chance.file([TOML]) if roll < 0.6 else b"")
        names = list(fields())
        environment = {variable_of(chance.choice(names)): _value(chance) for _ in range(chance.choice([0, 0, 1, 3]))}
        if chance.random() < 0.1:
            environment[
                "PAIDAN_" + chance.choice(["LISTN", "LIMITS", "LIMITS__", "__", "limits__jobs", "X" * 1_000])
            ] = _value(chance)
        flags = {
            chance.choice(["listen", "postgres", "nats", "workspace", "metrics", "otlp", "log_format"]): _value(chance)
            for _ in range(chance.choice([0, 1, 2]))
        }
        return judged(flags, environment, file)


def _value(chance: Mutator) -> str:
    text: str = chance.choice([*VALUES, *VALUES, *NUMBERS, *TOKENS, "\udcff"])
    return text.replace("\0", "")


def judged(flags: dict[str, Any], environment: dict[str, str], file: Path | None = None) -> str:
    """What becomes of settings; fails where a refusal names no key, or what is accepted is not what is handed down and shown."""
    with _environ(environment):
        try:
            resolved = resolve(flags, file)
        except WrongSettingsError as error:
            return _refusal(str(error))
        with _environ(handed_down(resolved.settings)):
            assert inherited() == resolved.settings
        out = StringIO()
        with redirect_stdout(out):
            show(resolved, as_json=True)
        assert {row["key"] for row in json.loads(out.getvalue())["settings"]} == set(fields())
    return ACCEPTED


def _refusal(message: str) -> str:
    assert not _SECRET.search(message), "a refusal tells a password"
    assert len(message) < 20_000, "a refusal as long as the configuration"
    first = message.splitlines()[0]
    return expected(first[first.index("Expected") :])


@contextmanager
def _environ(more: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in more}
    os.environ.update(more)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def test_no_configuration_is_too_odd() -> None:
    figures = watched_hunt(Configuration.name, seconds(2))
    assert not figures.faults, figures.report()
    assert figures.accepted > 0 and figures.refused


@pytest.mark.parametrize("key", list(Settings.model_fields))
def test_every_key_takes_or_refuses_every_hostile_value(key: str) -> None:
    for value in (*VALUES, *NUMBERS, "\udcff"):
        judged({}, {variable_of(key): value})
