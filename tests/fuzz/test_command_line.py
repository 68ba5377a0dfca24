"""The command line with arguments nobody would type: one of four exit codes, a reason, and never a traceback."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperArgument, TyperOption
from typer.testing import CliRunner

from adapters.cli import app
from tests.fuzz.hunting import ACCEPTED, hunt, seconds
from tests.fuzz.making import FILTERS, ORDERS
from tests.fuzz.mutator import NUMBERS, TOKENS, Mutator
from tests.wire.served import RULES, Served
from tests.wire.test_cli_process import process

CODES = (0, 1, 2, 3)
HERE_ALONE = ("serve", "demo", "doctor", "watch")
"""Commands that start processes of their own, look at this machine, or go on until they are stopped."""
ENDLESS = ("--follow", "-f")
WORDS = (
    *(token for token in TOKENS if "/" not in token and "\0" not in token),
    "\udcff\udc80",
    "A1",
    "1",
    "tasks",
    "current",
    *FILTERS,
    *ORDERS,
)
"""None is a path: what is written goes into the test's own directory."""
SERVERS = (
    "localhost:99999",
    "",
    "nope",
    "unix:nope",
    "[::1",
    "dns:x:1",
    "127.0.0.1",
    "127.0.0.1:1",
    "\udcff",
    ":::",
    "http:x",
    "127.0.0.1:0",
)


class CommandLine:
    name = "cli"
    slowest_s = 10.0

    def __init__(self, served: Served, directory: Path) -> None:
        self._commands = list(_leaves(typer.main.get_command(app), ()))
        self._where = ("--server", served.target, "--workspace", served.workspace)
        self._files = _files(directory, served.workspace)

    def attempt(self, chance: Mutator) -> str:
        path, command = chance.choice(self._commands)
        arguments = [*path, *self._arguments(command, chance)]
        if chance.random() < 0.1:
            arguments.insert(chance.randint(0, len(arguments)), chance.choice(WORDS))
        if chance.random() < 0.9:
            arguments += self._where
        return judged([text for text in arguments if text not in ENDLESS])

    def _arguments(self, command: Any, chance: Mutator) -> Iterator[str]:
        for parameter in command.params:
            required = parameter.required or isinstance(parameter, TyperArgument)
            if parameter.name in ("follow", "help", "upload") or chance.random() > (0.95 if required else 0.25):
                continue
            if isinstance(parameter, TyperOption):
                yield chance.choice([*parameter.opts])
                if parameter.is_flag:
                    continue
            yield self._value(parameter, chance)
        if any(parameter.name == "follow" for parameter in command.params) and command.name == "import":
            yield "--no-follow"

    def _value(self, parameter: Any, chance: Mutator) -> str:
        name = str(parameter.name)
        if name == "output":
            return chance.choice(["out.csv", "no-such-directory/x.csv", "."])
        if name == "server":
            return chance.choice(SERVERS)
        if chance.random() < 0.3:
            return chance.choice([*WORDS, *NUMBERS])
        if name == "presence":
            return chance.choice(["available", "busy", "away", "offline"])
        if name in ("task", "package", "priority", "limit", "grant", "version", "to", "start"):
            return chance.choice(["0", "1", "2", "3", "5"])
        if name in ("file", "mapping", "uri", "what"):
            return chance.choice(self._files)
        if name in ("attribute", "column", "wrap_up"):
            return f"{chance.choice(['days', 'customer', 'tags', 'x', ''])}={chance.choice([*WORDS, *NUMBERS])}"
        return chance.choice(["A1", "1", "ticket", "tasks", "current", "x"])


def judged(arguments: list[str]) -> str:
    """What becomes of a command; fails on a traceback, an unknown exit code, or JSON that is none."""
    result = CliRunner().invoke(app, arguments)
    told = f"{arguments}\n{result.output[-3_000:]}\n{result.exception!r}"
    assert result.exception is None or isinstance(result.exception, SystemExit), told
    assert result.exit_code in CODES and "Traceback" not in result.output, told
    if result.exit_code == 0:
        if "--json" in arguments and "--help" not in arguments:
            for line in result.stdout.splitlines():
                json.loads(line)
        return ACCEPTED
    assert result.stderr.strip(), told
    assert "INTERNAL" not in result.stderr, told
    return f"exit {result.exit_code}: {' '.join(arguments[:2])[:40]}"


def _leaves(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if not hasattr(command, "commands"):
        yield path, command
        return
    for name, below in command.commands.items():
        if name not in HERE_ALONE:
            yield from _leaves(below, (*path, name))


def _files(directory: Path, workspace: str) -> list[str]:
    contents: dict[str, bytes] = {
        "rules.yaml": RULES.format(workspace=workspace).encode(), "empty.yaml": b"", "bad.yaml": b"a: &a [*a", "deep.yaml": b"[" * 50_000,
        "roster.csv": b"id,level\nA1,3\n", "roster.yaml": b"- id: A3\n", "binary.csv": b"\xff\xfe\0\0", "binary.yaml": b"\xff\xfe\0\0",
        "list.csv": b"cust,days\nC1,7\nC2,x\n", "map.yaml": b"{customer: cust, attributes: {days: days}}", "no-id.yaml": b"- id:\n- {}",
    }  # fmt: skip
    for name, content in contents.items():
        (directory / name).write_bytes(content)
    return [*(str(directory / name) for name in contents), str(directory), "no-such-file.yaml"]


def test_no_arguments_are_too_odd(ruled: Served, tmp_path: Path) -> None:
    with contextlib.chdir(tmp_path):
        figures = hunt(CommandLine(ruled, tmp_path), seconds(5))
    print(figures.report())
    assert not figures.faults, figures.report()
    assert figures.accepted > 0 and figures.refused


@pytest.mark.parametrize(
    "arguments",
    [
        ("tasks", "create", "\udcff"),
        ("tasks", "create", "ticket", "--attribute", "days=99999999999999999999"),
        ("tasks", "create", "ticket", "--attribute", "days=" + "[" * 5_000),
        ("tasks", "create", "ticket", "--attribute", "days=2001-99-99: x"),
        ("tasks", "show", "99999999999999999999"),
        ("stats", "--actor", "\udcff"),
        ("stats", "--actor", "张\u202e三"),
        ("stats", "--actor", "a\nb"),
        ("stats", "--server", "\udcff"),
        ("stats", "--workspace", "\udcff"),
    ],
)
def test_what_was_found(ruled: Served, arguments: tuple[str, ...]) -> None:
    where = [
        name
        for name, value in (("--server", ruled.target), ("--workspace", ruled.workspace))
        if name not in arguments
        for name in (name, value)
    ]
    assert judged([*arguments, *where]) != ACCEPTED


def test_bytes_that_are_no_text_from_a_real_shell(ruled: Served) -> None:
    known = {"PAIDAN_SERVER": ruled.target, "PAIDAN_WORKSPACE": ruled.workspace}
    found = process("tasks", "create", os.fsdecode(b"\xff\xfe"), **known)
    assert found.returncode == 2 and found.stderr.startswith("paidan: Expected task_type in UTF-8"), found.stderr
