"""The command line as a process: exit codes, the environment, how quickly it starts, and its help."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import typer
from typer.testing import CliRunner

from adapters.cli import app
from tests.wire.served import Served

ROOT = Path(__file__).parents[2]


def process(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join([str(ROOT), str(ROOT / "proto")])
    command = [sys.executable, "-c", "from adapters.cli import app; app()", *arguments]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env={**os.environ, "PYTHONPATH": paths, **environment},
    )


def test_a_server_that_is_not_there() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        target = f"127.0.0.1:{free.getsockname()[1]}"
    found = process("stats", "--server", target)
    assert found.returncode == 3 and "is it running?" in found.stderr and not found.stdout
    assert process("stats", PAIDAN_SERVER=target).returncode == 3


def test_the_environment_and_exit_codes(ruled: Served) -> None:
    known = {"PAIDAN_SERVER": ruled.target, "PAIDAN_WORKSPACE": ruled.workspace}
    assert process("stats", "--json", **known).returncode == 0
    assert process("tasks", "show", "99999", **known).returncode == 1
    assert process("tasks", "show", "x", **known).returncode == 2
    assert process("nope").returncode == 2


def test_help_comes_at_once_and_without_grpc() -> None:
    before = os.times()
    assert process("--help").returncode == 0
    after = os.times()
    took = after.children_user + after.children_system - before.children_user - before.children_system
    assert took < 2  # seconds of CPU, whatever else the machine does; half a second on an idle one
    code = "import sys; import adapters.cli; sys.exit('grpc' in sys.modules or 'psycopg' in sys.modules)"
    paths = os.pathsep.join([str(ROOT), str(ROOT / "proto")])
    assert (
        subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": paths}, check=False).returncode
        == 0
    )


def test_the_client_knows_nothing_of_the_server_s_parts() -> None:
    code = "import sys; import adapters.grpc_api.client; sys.exit(any(n in sys.modules for n in ('psycopg', 'eventsourcing')))"
    paths = os.pathsep.join([str(ROOT), str(ROOT / "proto")])
    assert (
        subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": paths}, check=False).returncode
        == 0
    )


def _commands(group: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = []
    for name, command in group.commands.items():
        found += _commands(command, (*path, name)) if hasattr(command, "commands") else [(*path, name)]
    return found


def test_every_command_has_help_json_server_and_workspace() -> None:
    commands = _commands(typer.main.get_command(app))
    own = {
        "rules",
        "agents",
        "packages",
        "tasks",
        "views",
        "events",
        "history",
        "explain",
        "verify",
        "simulate",
        "stats",
    }
    remote = [path for path in commands if path[0] in own]
    assert len(remote) == 39
    for path in remote:
        shown = CliRunner().invoke(app, [*path, "--help"], env={"COLUMNS": "200"}).output
        assert all(option in shown for option in ("--json", "--server", "--workspace")), path
