"""The Python subscriber of examples/: killed and started again, it misses nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.bus.bulk import recorded
from tests.bus.publishing import Bus, until
from tests.engine.samples import SAMPLES

PROGRAM = Path(__file__).parents[2] / "examples" / "subscribers" / "dispatch_events.py"


def start(bus: Bus, agent: str = "") -> subprocess.Popen[str]:
    words = [sys.executable, str(PROGRAM), bus.url, bus.workspace, *([agent] if agent else [])]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True)


def ids(process: subprocess.Popen[str], count: int) -> list[str]:
    assert process.stdout is not None
    return [process.stdout.readline().split(" ")[0] for _ in range(count)]


def end(process: subprocess.Popen[str]) -> list[str]:
    """Kill it; gives the ids that it printed and nobody has read yet."""
    process.kill()
    rest, _ = process.communicate()
    return [line.split(" ")[0] for line in rest.splitlines()]


def test_it_goes_on_where_it_was(bus: Bus) -> None:
    bus.put(recorded(list(SAMPLES)))
    with bus.publishing() as publisher:
        until(lambda: publisher.position == len(SAMPLES))
    expected = [told.id for told in bus.expected()]
    first = start(bus)
    found = ids(first, 10)
    found += end(first)  # it was quicker than the kill, perhaps
    assert found == expected[: len(found)]
    second = start(bus, "")
    try:
        while found[-1] != expected[-1]:
            found += ids(second, 1)
    finally:
        end(second)
    assert list(dict.fromkeys(found)) == expected


def test_it_follows_one_agent(bus: Bus) -> None:
    bus.put(recorded(list(SAMPLES)))
    with bus.publishing() as publisher:
        until(lambda: publisher.position == len(SAMPLES))
    expected = [told.id for told in bus.expected() if told.subject.split(".")[4] == "bob"]
    process = start(bus, "bob")
    try:
        assert ids(process, len(expected)) == expected
    finally:
        end(process)
