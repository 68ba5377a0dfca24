"""Roster files: what they give, and what is said of those that are wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.rosters.reading import RosterError, read_roster
from engine.events import AgentSpec

DECLARED = {
    "regions": "list(string)", "level": "int", "rate": "float", "night": "bool", "numbers": "list(int)", "desk": "string",
}  # fmt: skip


def read(path: Path, name: str, text: str | bytes) -> list[AgentSpec]:
    file = path / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_roster(file, DECLARED)  # type: ignore[arg-type]


def faults(path: Path, name: str, text: str | bytes) -> list[str]:
    with pytest.raises(RosterError) as raised:
        read(path, name, text)
    return [str(fault) for fault in raised.value.faults]


def test_yaml(tmp_path: Path) -> None:
    text = "agents:\n- {id: A1, name: 张三, team: east, capacity: 5, weight: 2, presence: away,\n   attributes: {regions: [JS, ZJ], level: 3, rate: 1.5, night: true, since: 2020-01-01}}\n- id: 0012\n"
    attributes = {"regions": ("JS", "ZJ"), "level": 3, "rate": 1.5, "night": True, "since": "2020-01-01"}
    assert read(tmp_path, "a.yaml", text) == [
        AgentSpec("A1", "张三", "east", 5, 2, attributes, "away"),
        AgentSpec("0012"),
    ]


def test_csv(tmp_path: Path) -> None:
    text = 'id,name,capacity,regions,level,rate,night,numbers,desk\nA1,"Li, S",5,JS| ZJ,3,1,yes,1|2,\n\nA2,,,,,,,,7\n'
    attributes = {"regions": ("JS", "ZJ"), "level": 3, "rate": 1.0, "night": True, "numbers": (1, 2)}
    assert read(tmp_path, "a.csv", b"\xef\xbb\xbf" + text.encode()) == [
        AgentSpec("A1", "Li, S", capacity=5, attributes=attributes),
        AgentSpec("A2", attributes={"desk": "7"}),
    ]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.txt", "", ["line 1, column 1: Expected a file named .yaml, .yml or .csv, but it is a.txt"]),
        ("a.yaml", "", ["line 1, column 1: Expected a list of agents"]),
        ("a.yaml", "- id: [", ["line 1, column 8: Expected YAML, but"]),
        ("a.yaml", "- &a {id: x}\n- *a", ["line 1, column 3: Expected no anchor or tag, but one stands here; write the plain value"]),
        ("a.yaml", "- id: x\n  teem: y", ["line 2, column 3: Expected one of id, name, team, capacity, weight, presence, attributes, but got 'teem'; did you mean team?"]),
        ("a.yaml", "- id: x\n  capacity: many", ["line 2, column 13: Expected a whole number as capacity, but got 'many'"]),
        ("a.yaml", "- id: x\n  capacity: true", ["line 2, column 13: Expected a whole number as capacity, but got True"]),
        ("a.yaml", "- {name: x}\n- 3", ["line 1, column 3: Expected the agent's id", "line 2, column 3: Expected an agent"]),
        ("a.yaml", "- {id: x, attributes: {a: {b: 1}}}", ["line 1, column 27: Expected a plain value"]),
        ("a.yaml", "- {id: x, attributes: {a: [[1]]}}", ["line 1, column 27: Expected a list of plain values"]),
        ("a.yaml", "- {id: x, attributes: [a]}", ["line 1, column 23: Expected attributes as name: value"]),
        ("a.yaml", "- {id: x, attributes: {a: 99999999999999999999}}", ["line 1, column 27: Expected text, a number"]),
        ("a.yaml", b"- id: \xff", ["line 1, column 1: Expected UTF-8, but byte 6 is not"]),
        ("a.csv", "", ["line 1, column 1: Expected a first line that names the columns"]),
        ("a.csv", "id,id", ["line 1, column id: Expected each column once"]),
        ("a.csv", "id,regons", ["line 1, column regons: Expected one of id, name, team, capacity, weight, presence or an attribute"]),
        ("a.csv", "id,level\nA,3.5\nB,x\nC", ["line 2, column level: Expected int, but got '3.5'", "line 3, column level", "line 4, column 1: Expected 2 cells"]),
        ("a.csv", "id,night\nA,maybe", ["line 2, column night: Expected bool, but got 'maybe'"]),
        ("a.csv", "id,name\n,x", ["line 2, column id: Expected the agent's id"]),
        ("a.csv", "id,capacity\nA,99999999999999999999", ["line 2, column capacity: Expected int"]),
        ("a.csv", 'id,name\nA,"x\n', ["line 2, column 1: Expected CSV, but"]),
    ],
)  # fmt: skip
def test_what_is_wrong(tmp_path: Path, name: str, text: str | bytes, expected: list[str]) -> None:
    found = faults(tmp_path, name, text)
    assert len(found) == len(expected), found
    for said, start in zip(found, expected, strict=True):
        assert said.startswith(start)


def test_faults_are_bounded(tmp_path: Path) -> None:
    assert len(faults(tmp_path, "a.csv", "id,level\n" + "A,x\n" * 1_000)) == 50
