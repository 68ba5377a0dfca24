"""``paidan tasks create --file`` and ``paidan tasks watch``."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from adapters.cli import app
from tests.acceptance.serving import until
from tests.wire.served import Served

GOOD = {"task_type": "ticket", "customer": "C1", "priority": 7, "attributes": {"days": 3, "tags": ["x"], "vip": True}}


def run(served: Served, *words: object, code: int = 0) -> Result:
    where = ("--server", served.target, "--workspace", served.workspace)
    result = CliRunner().invoke(app, [*map(str, words), *where])
    assert result.exit_code == code, result.output
    return result


def written(directory: Path, *lines: object) -> Path:
    file = directory / "tasks.jsonl"
    file.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines) + "\n", "utf-8")
    return file


def test_a_file_of_tasks(ruled: Served, tmp_path: Path) -> None:
    person = {"full_name": "张三", "mobile": "13812345678"}
    file = written(tmp_path, GOOD, "", {"task_type": "case", "person": person})
    made = json.loads(run(ruled, "tasks", "create", "--file", file, "--json", "--request-id", "f1").stdout)
    assert len(made["numbers"]) == 2 and made["numbers"][1] == made["numbers"][0] + 1
    shown = json.loads(run(ruled, "tasks", "show", made["numbers"][0], "--json").stdout)
    assert (shown["customer"], shown["priority"], shown["attributes"]) == ("C1", 7, GOOD["attributes"])
    assert json.loads(run(ruled, "tasks", "create", "--file", file, "--json", "--request-id", "f1").stdout) == made
    assert "2 tasks are created" in run(ruled, "tasks", "create", "--file", file).stdout


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        ("{", "truncated"),
        ("[]", "Expected `object`"),
        ({"customer": "C1"}, "task_type"),
        ({"task_type": "ticket", "prio": 1}, "prio"),
        ({"task_type": "ticket", "priority": "high"}, "priority"),
        ({"task_type": "ticket", "priority": 2**40}, "Expected a task"),
        ({"task_type": "ticket", "attributes": {"days": 2**70}}, "Expected a task"),
        ({"task_type": "ticket", "attributes": {"days": {}}}, "attributes"),
        ('{"task_type": "\\ud800"}', "Expected a task"),
    ],
)
def test_a_bad_line_is_named_and_nothing_is_created(ruled: Served, tmp_path: Path, bad: object, told: str) -> None:
    position = ruled.writer.position
    file = written(tmp_path, GOOD, "", bad, GOOD)
    found = run(ruled, "tasks", "create", "--file", file, code=2).stderr
    assert f"{file}, line 3: Expected" in found and told in found
    assert ruled.writer.position == position


def test_what_the_server_finds_wrong_is_told_by_line_too(ruled: Served, tmp_path: Path) -> None:
    wrong = {"task_type": "ticket", "priority": 500, "attributes": {"dayz": 1}}
    file = written(tmp_path, GOOD, "", wrong, {"task_type": "ticket", "attributes": {"dayz": 1}})
    found = run(ruled, "tasks", "create", "--file", file, code=1).stderr
    assert f"{file}, line 3: priority: Expected" in found and "requests[" not in found
    file = written(tmp_path, "", GOOD, {"task_type": "ticket", "attributes": {"dayz": 1}})
    assert f"{file}, line 3: attributes.dayz: Expected" in run(ruled, "tasks", "create", "--file", file, code=1).stderr


def test_a_file_has_bounds_and_goes_alone(ruled: Served, tmp_path: Path) -> None:
    assert "Expected 1 to 1000 tasks" in run(ruled, "tasks", "create", "--file", written(tmp_path), code=2).stderr
    file = written(tmp_path, GOOD)
    assert "but got both" in run(ruled, "tasks", "create", "ticket", "--file", file, code=2).stderr
    assert "but got neither" in run(ruled, "tasks", "create", code=2).stderr


class Watching:
    """The command as a process, its output in a file."""

    def __init__(self, served: Served, directory: Path, *words: str) -> None:
        self._out = directory / "out"
        where = ("--server", served.target, "--workspace", served.workspace)
        with self._out.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "server", "tasks", "watch", *words, *where],
                stdout=out, stderr=out, env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )  # fmt: skip

    def shows(self, text: str) -> str:
        until(lambda: text in self._out.read_text() or self.process.poll() is not None, text, 30, self._out.read_text)
        assert text in self._out.read_text(), self._out.read_text()
        return self._out.read_text()

    def interrupted(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)


def test_watching_until_ctrl_c(ruled: Served, tmp_path: Path) -> None:
    watching = Watching(ruled, tmp_path, "--agent", "A2")
    watching.shows("what changes follows")
    made: dict[str, Any] = json.loads(run(ruled, "tasks", "create", "case", "--customer", "C77", "--json").stdout)
    run(ruled, "tasks", "reassign", made["number"], "A2")
    line = next(line for line in watching.shows("C77").splitlines() if "C77" in line)
    assert "assigned" in line and f" {made['number']} " in line and "by manual" in line
    run(ruled, "tasks", "cancel", made["number"], "--reason", "gone")
    watching.shows("reason gone")
    assert watching.interrupted() == 0
    again = Watching(ruled, tmp_path, "--agent", "A2", "--from", str(made["position"]), "--json")
    lines = [json.loads(line) for line in again.shows('"cancelled"').splitlines() if line.startswith("{")]
    changes = [change for line in lines for change in line["changes"]]
    assert [change["kind"] for change in changes][:2] == ["assigned", "cancelled"]
    assert changes[0]["task"]["customer"] == "C77"
    assert again.interrupted() == 0


def test_watching_nobody(ruled: Served) -> None:
    assert "AGENT_UNKNOWN" in run(ruled, "tasks", "watch", "--agent", "nobody", code=1).stderr
    run(ruled, "tasks", "watch", code=2)
