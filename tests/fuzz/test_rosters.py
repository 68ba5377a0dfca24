"""Rosters in YAML and CSV: refused with line and column, or agents that a server can be told of."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.cli.agents import agent_message
from adapters.rosters.reading import RosterError, read_roster
from engine.rules.model import AttributeType
from tests.fuzz.hunting import ACCEPTED, expected, seconds
from tests.fuzz.mutator import Mutator
from tests.fuzz.watched import watched_hunt

EXAMPLES = Path(__file__).parents[2] / "examples/agents"
YAML = [
    (EXAMPLES / "team.yaml").read_text("utf-8"),
    "- {id: A1, attributes: {level: 3, regions: [JS, ZJ], night: true}}\n- id: 0012\n",
]
CSV = [
    (EXAMPLES / "team.csv").read_text("utf-8"),
    'id,name,capacity,level,regions,rate,night\nA1,"Li, S",5,3,JS|ZJ,1.5,yes\n',
]
DECLARED: dict[str, AttributeType] = {
    "regions": "list(string)", "skills": "list(string)", "languages": "list(string)", "level": "int", "rate": "float", "night": "bool",
    "numbers": "list(int)",
}  # fmt: skip
PRESENCES = {"available", "busy", "away", "offline"}


class Rosters:
    name = "rosters"
    slowest_s = 10.0

    def __init__(self) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="paidan-fuzz-")

    def attempt(self, chance: Mutator) -> str:
        suffix, samples, bombs = chance.choice([(".yaml", YAML, _YAML_BOMBS), (".csv", CSV, _CSV_BOMBS)])
        bomb = chance.random() < 0.05
        data = chance.choice(bombs)(chance.choice([10, 2_000, 100_000])) if bomb else chance.file(samples)
        return judged(Path(self._directory.name) / f"roster{suffix}", data)


def judged(file: Path, data: bytes) -> str:
    """What becomes of a file with these bytes; fails where that is not a refusal with a place, or good agents."""
    file.write_bytes(data)
    try:
        agents = read_roster(file, DECLARED)
    except RosterError as error:
        assert 1 <= len(error.faults) <= 50
        lines = data.count(b"\n") + data.count(b"\r") + 2
        for fault in error.faults:
            assert 1 <= fault.line <= lines and fault.column, fault
            assert len(str(fault)) < 2_000, "a message as long as the file"
            expected(fault.message)
        return expected(error.faults[0].message)
    for agent in agents:
        assert agent.id and agent_message(agent).SerializeToString() if agent.presence in PRESENCES else agent.id
    return ACCEPTED


_YAML_BOMBS = (
    lambda n: b"- id: " + b"[" * n,
    lambda n: b"- id: " + b"{a: " * n,
    lambda n: b"- " * n,
    lambda n: b"- {id: A, attributes: {" + b", ".join(b"k%d: %d" % (k, k) for k in range(n)) + b"}}",
    lambda n: b"- {" + b", ".join(b"k%d: %d" % (k, k) for k in range(n)) + b"}",
    lambda n: b"- id: A\n" * n,
    lambda n: b"- x\n" * n,
    lambda n: b"- id: " + b"9" * n,
    lambda n: b'- id: "' + b"\\u4e2d" * n + b'"',
    lambda n: b"a: &a [x]\n" + b"".join(b"b%d: &b%d [*a, *a]\n" % (k, k) for k in range(n)),
    lambda n: b"- &a {id: A}\n- {<<: [" + b"*a, " * n + b"]}",
    lambda n: b"- {id: A, attributes: {a: [" + b"1, " * n + b"]}}",
    lambda n: b"- {id: A, attributes: {a: " + b"-" * n + b"}}",
    lambda n: b"# " + b"\xe4\xb8\xad" * n,
)
_CSV_BOMBS = (
    lambda n: b"id," + b",".join(b"c%d" % k for k in range(n)),
    lambda n: b"id" * n,
    lambda n: b"id,id," * n,
    lambda n: b"id\n" + b"A\n" * n,
    lambda n: b'id\n"' + b"A\n" * n,
    lambda n: b"id\n" + b"A" * n * 10,
    lambda n: b"id,level\n" + b"A,x\n" * n,
    lambda n: b"id,level\n" + b"A," + b"9" * n,
    lambda n: b"id,regions\nA," + b"a|" * n,
    lambda n: b"id\r" + b"A\r" * n,
    lambda n: b"\n" * n,
    lambda n: b"\0" * n,
    lambda n: b"id\n" + b"=cmd|' /C calc'!A0\n" * n,
)


def test_no_roster_is_too_odd() -> None:
    figures = watched_hunt(Rosters.name, seconds(2))
    assert not figures.faults, figures.report()
    assert figures.accepted > 0 and figures.refused


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([".yaml", ".csv"]),
    st.binary(max_size=200) | st.text("[]{}:,-\"'&*!|>#?%@ \n\tid1", max_size=60).map(str.encode),
)
def test_any_bytes_are_taken_or_refused(tmp_path_factory: pytest.TempPathFactory, suffix: str, data: bytes) -> None:
    judged(tmp_path_factory.getbasetemp() / f"any{suffix}", data)


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("a.yaml", b"- id:", "line 1, column 6: Expected the agent's id, but it is empty"),
        ("a.yaml", b"- {id: ~, name: x}", "line 1, column 8: Expected the agent's id, but it is empty"),
        ("a.yaml", b"- id: [a]", "line 1, column 7: Expected text as id, but got ('a',)"),
        ("a.yaml", b"- " * 1_000, "line 1, column 25: Expected at most 12 levels, but the document has more"),
        ("a.yaml", b'- id: "\\ud800"', "line 1, column 10: Expected YAML, but"),
        ("a.yaml", b"- {id: A, attributes: {a: .nan}}", "line 1, column 27: Expected text, a number, true or false"),
        ("a.yaml", b"- {id: A, attributes: {a: !!python/object:os.system x}}", "line 1, column 27: Expected no anchor or tag"),
        ("a.csv", "id,level\nA,\u0663".encode(), "line 2, column level: Expected int"),
        ("a.csv", b"id,rate\nA,nan", "line 2, column rate: Expected float"),
        ("a.csv", b"id,level\nA,1_000", "line 2, column level: Expected int"),
    ],
)  # fmt: skip
def test_what_was_found(tmp_path: Path, name: str, data: bytes, told: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(RosterError) as raised:
        read_roster(tmp_path / name, DECLARED)
    assert str(raised.value).startswith(told)


def test_only_line_ends_end_a_row(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes("id,name\r\nA,one\u2028two\x85three\rB,four\n".encode())
    assert [(agent.id, agent.name) for agent in read_roster(file, {})] == [
        ("A", "one\u2028two\x85three"),
        ("B", "four"),
    ]


def test_text_that_looks_like_something_else_stays_text(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(
        "- {id: 007, team: NO, attributes: {shift: 12:30:00, since: 2001-99-99, yes: yes, code: 0x1F, n: 010}}"
    )
    (agent,) = read_roster(file, {})
    assert (agent.id, agent.team) == ("007", "NO")
    assert agent.attributes == {"shift": "12:30:00", "since": "2001-99-99", "yes": "yes", "code": 31, "n": 10}
