"""``paidan demo`` from nothing to its summary, and ``paidan serve`` on what it leaves behind."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.acceptance.serving import Paidan, directory, free_address, paidan

ROWS, AGENTS = 2_000, 50


def demo(data: Path, *words: str) -> CompletedProcess[str]:
    given = ("--data", str(data), "--listen", free_address(), "--rows", str(ROWS), "--agents", str(AGENTS))
    found = paidan("demo", *given, *words)
    assert found.returncode == 0, found.stdout + found.stderr
    return found


@pytest.fixture(scope="module")
def shown() -> Iterator[tuple[Path, str]]:
    """A data directory, and what the demo said to people when it made it."""
    with directory() as data:
        yield data, demo(data).stdout


def test_it_says_what_came_of_it(shown: tuple[Path, str]) -> None:
    _, text = shown
    assert "$ paidan rules apply" in text and "$ paidan packages import" in text
    assert "Open tasks by rule" in text and "Rows without an agent, and why" in text
    found = re.search(r"Package 1: 2,000 rows, ([\d,]+) with an agent, 0 set aside; in .* rows a second", text)
    assert found and 0 < int(found[1].replace(",", "")) <= ROWS
    assert "$ paidan history" in text and "TasksAllocated.v1" in text
    assert "$ paidan explain" in text and "the decision comes out the same" in text
    assert "paidan serve --data" in text and "paidan verify" in text


def test_serve_has_it_all(shown: tuple[Path, str]) -> None:
    data, text = shown
    served = Paidan(data).start()
    try:
        package = served.told("packages", "show", "1")[0]
        assert package["rows"] == ROWS and package["status"] in ("distributed", "partly_distributed")
        told = re.search(r"Package 1: 2,000 rows, ([\d,]+) with an agent", text)
        assert told and package["distributed"] == int(told[1].replace(",", ""))
        assert sum(package["not_distributed"].values()) + package["distributed"] == ROWS
        assert len(served.told("agents", "list", "--limit", "0")) == AGENTS
        assert len(served.told("tasks", "list", "--limit", "0")) == ROWS
        assert all(finding["ok"] for finding in served.told("verify")[0]["findings"])
        again = served.told("packages", "import", str(next((data / "demo").glob("package-*.csv"))), "--mapping",
                            str(data / "demo" / "mapping.yaml"), "--task-type", "follow_up", "--business-type",
                            "consumer_loan", "--no-follow")  # fmt: skip
        assert again[0]["changed"] is False and again[0]["number"] == 1
    finally:
        assert served.stop() == 0


def test_as_json_every_line_is_json() -> None:
    with directory() as data:
        found = demo(data, "--json")
    lines = [json.loads(line) for line in found.stdout.splitlines()]
    summary = next(line for line in lines if "import_seconds" in line)
    assert summary["rows"] == ROWS and summary["rejected"] == 0
    assert summary["distributed"] + sum(summary["not_distributed"].values()) == ROWS
    assert any(line.get("type") == "TasksAllocated.v1" for line in lines)
    assert any("decision_position" in line for line in lines)
    assert "paidan serve --data" in found.stderr
