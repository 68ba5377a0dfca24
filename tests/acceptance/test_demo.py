"""``paidan demo`` from nothing to its summary, and ``paidan serve`` on what it leaves behind."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import CompletedProcess
from typing import NamedTuple

import pytest

from tests.acceptance.serving import Paidan, directory, free_address, paidan

ROWS, AGENTS = 2_000, 50


def demo(data: Path, *words: str) -> CompletedProcess[str]:
    given = ("--data", str(data), "--listen", free_address(), "--rows", str(ROWS), "--agents", str(AGENTS))
    return paidan("demo", *given, *words)


class Shown(NamedTuple):
    """Two demonstrations, one for people and one for programs."""

    data: Path
    told: CompletedProcess[str]
    as_json: CompletedProcess[str]


@pytest.fixture(scope="module")
def shown() -> Iterator[Shown]:
    with directory() as data, directory() as other, ThreadPoolExecutor() as both:
        found = both.submit(demo, data), both.submit(demo, other, "--json")
        yield Shown(data, *(one.result() for one in found))


def test_it_says_what_came_of_it(shown: Shown) -> None:
    assert shown.told.returncode == 0, shown.told.stderr
    text = shown.told.stdout
    assert "$ paidan rules apply" in text and "$ paidan packages import" in text
    assert "Open tasks by rule" in text and "Rows without an agent, and why" in text
    found = re.search(r"Package 1: 2,000 rows, ([\d,]+) with an agent, 0 set aside; in .* rows a second", text)
    assert found and 0 < int(found[1].replace(",", "")) <= ROWS
    assert "$ paidan history" in text and "TasksAllocated.v1" in text
    assert "$ paidan explain" in text and "the decision comes out the same" in text
    assert "paidan serve --data" in text and "paidan verify" in text


def test_serve_has_it_all(shown: Shown) -> None:
    data, text = shown.data, shown.told.stdout
    served = Paidan(data).start()
    try:
        package = served.told("packages", "show", "1")[0]
        assert package["rows"] == ROWS and package["status"] in ("distributed", "partly_distributed")
        told = re.search(r"Package 1: 2,000 rows, ([\d,]+) with an agent", text)
        assert told and package["distributed"] == int(told[1].replace(",", ""))
        assert sum(package["not_distributed"].values()) + package["distributed"] == ROWS
        assert len(served.told("agents", "list", "--limit", "0")) == AGENTS
        assert len(served.told("tasks", "list", "--limit", "0")) == ROWS
        assert not served.wrong()
        again = served.told("packages", "import", str(next((data / "demo").glob("package-*.csv"))), "--mapping",
                            str(data / "demo" / "mapping.yaml"), "--task-type", "follow_up", "--business-type",
                            "consumer_loan", "--no-follow")  # fmt: skip
        assert again[0]["changed"] is False and again[0]["number"] == 1
    finally:
        assert served.stop() == 0


def test_as_json_every_line_is_json(shown: Shown) -> None:
    assert shown.as_json.returncode == 0, shown.as_json.stderr
    lines = [json.loads(line) for line in shown.as_json.stdout.splitlines()]
    summary = next(line for line in lines if "import_seconds" in line)
    assert summary["rows"] == ROWS and summary["rejected"] == 0
    assert summary["distributed"] + sum(summary["not_distributed"].values()) == ROWS
    assert any(line.get("type") == "TasksAllocated.v1" for line in lines)
    assert any("decision_position" in line for line in lines)
    assert "paidan serve --data" in shown.as_json.stderr
