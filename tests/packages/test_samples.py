"""The committed examples and the generated demo fit the rules they go with."""

from __future__ import annotations

from collections import Counter
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest

from adapters.demo.sample_data import BUSINESS_TYPE, MAPPING, TASK_TYPE, WORKSPACE, roster, write_package
from adapters.importing.formats import read_chunks
from adapters.importing.importer import command_of
from adapters.rosters.reading import read_roster
from benchmarks import bank_package as bank
from engine.answers import Answer
from engine.commands import ApplyRoster, ApplyRules, Command, FinishParsing, Order, RegisterPackage, StartParsing
from engine.events import AgentSpec, ColumnMapping, PackageDistributed, RejectedRow
from engine.workspace import Workspace

BANK = bank.SOURCE
EXAMPLES = Path(__file__).parents[2] / "examples"


class Desk:
    """A workspace under one of the example rule documents."""

    def __init__(self, agents: tuple[AgentSpec, ...], name: str = WORKSPACE) -> None:
        self.workspace = Workspace(name)
        self.do(ApplyRules((EXAMPLES / "rules" / f"{name}.yaml").read_text("utf-8")))
        self.do(ApplyRoster(agents))

    def do(self, command: Command) -> Answer:
        answer = self.workspace.handle(Order(command, "test"), 1)[1]
        assert isinstance(answer, Answer), answer
        return answer

    def take_in(
        self, path: Path, mapping: ColumnMapping, kinds: tuple[str, str] = (TASK_TYPE, BUSINESS_TYPE)
    ) -> tuple[PackageDistributed, list[RejectedRow]]:
        """Import a list and let it come to rest."""
        number = self.do(RegisterPackage("", "", "0" * 64, path.name, 1, *kinds, mapping)).number or 0
        self.do(StartParsing(number))
        rejected: list[RejectedRow] = []
        chunks = 0
        with path.open("rb") as source:
            for chunk in read_chunks(source, self.workspace.state.packages[number].registered.mapping):
                self.do(command_of(number, chunk))
                rejected += chunk.rejected
                chunks += 1
        self.do(FinishParsing(number, chunks))
        return self._at_rest(), rejected

    def _at_rest(self) -> PackageDistributed:
        found = []
        while (step := self.workspace.follow_up(1)) is not None:
            found += [item.event for item in step[0] if isinstance(item.event, PackageDistributed)]
        return found[-1]


def mapping() -> ColumnMapping:
    source = (EXAMPLES / "packages" / "mapping.yaml").read_bytes()
    return msgspec.yaml.decode(source, type=ColumnMapping)


def team(kind: str = "yaml") -> list[AgentSpec]:
    attributes = {"regions": "list(string)", "skills": "list(string)", "languages": "list(string)", "level": "int"}
    return read_roster(EXAMPLES / "agents" / f"team.{kind}", attributes)  # type: ignore[arg-type]


def test_both_rosters_are_the_same_team() -> None:
    assert len(team()) == 8
    assert {(spec.id, *_fields(spec)) for spec in team()} == {(spec.id, *_fields(spec)) for spec in team("csv")}


def _fields(spec: AgentSpec) -> tuple[object, ...]:
    given = {name: value for name, value in spec.attributes.items() if value}  # an empty cell is no attribute
    return (spec.name, spec.team, spec.capacity, spec.weight, spec.presence, tuple(sorted(given.items())))


def test_the_example_package_goes_through_the_example_rules() -> None:
    desk = Desk(tuple(team()))
    distributed, rejected = desk.take_in(EXAMPLES / "packages" / "overdue.csv", mapping())
    assert rejected == []
    assert (distributed.distributed, distributed.waiting) == (18, {"to_be_assigned": 2})
    governed = Counter(task.rule for task in desk.workspace.state.tasks.values())
    assert governed == {"overdue-east": 5, "phone-screening": 4, "private-banking": 2, "everything-else": 9}


def test_the_example_with_errors_has_two() -> None:
    desk = Desk(tuple(team()))
    _, rejected = desk.take_in(EXAMPLES / "packages" / "overdue-with-errors.csv", mapping())
    assert [(row.line, row.column) for row in rejected] == [(8, "overdue_days"), (14, "")]


def test_the_demo_finds_agents_for_most_rows_and_reasons_for_the_others(tmp_path: Path) -> None:
    path = tmp_path / "demo.csv.gz"
    write_package(path, 20_000, agents=60)
    distributed, rejected = Desk(roster(60)).take_in(path, MAPPING)
    assert rejected == []
    assert 18_000 < distributed.distributed < 19_500
    assert set(distributed.waiting) >= {"all_at_rule_cap", "to_be_assigned"}


@pytest.mark.parametrize("name", ["demo.csv", "demo.csv.gz"])
def test_the_same_seed_makes_the_same_package_everywhere(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    write_package(path, 2_345, seed=7)
    again = tmp_path / f"again-{name}"
    write_package(again, 2_345, seed=7)
    assert path.read_bytes() == again.read_bytes()
    with path.open("rb") as source:
        rows = [row for chunk in read_chunks(source, MAPPING) for row in chunk.rows]
    told = sha256(msgspec.json.encode((rows, roster(30, 7)), order="sorted")).hexdigest()
    assert told == "05df4d416e2eec647b8d3bf1ccfb03ac3d7f0aa8788450a28cd9072d1736e5d9"


def test_another_seed_makes_another(tmp_path: Path) -> None:
    for seed in (1, 2):
        write_package(tmp_path / str(seed), 10, seed)
    assert (tmp_path / "1").read_bytes() != (tmp_path / "2").read_bytes()
    assert roster(10, 1) != roster(10, 2)


@pytest.mark.skipif(not BANK.exists(), reason=f"the public bank data is not at {BANK}")
def test_every_row_of_the_bank_data_is_accounted_for_and_caps_hold(tmp_path: Path) -> None:
    files = bank.write_bank_files(BANK, tmp_path)
    agents = read_roster(files.roster, {"regions": "list(string)", "skills": "list(string)", "level": "int"})
    mapping = msgspec.yaml.decode(files.mapping.read_bytes(), type=ColumnMapping)
    desk = Desk(tuple(agents), bank.WORKSPACE)
    distributed, rejected = desk.take_in(files.package, mapping, (bank.TASK_TYPE, bank.BUSINESS_TYPE))
    assert (files.rows, rejected) == (41_188, [])
    assert distributed.distributed + sum(distributed.waiting.values()) == files.rows
    state = desk.workspace.state
    assert sum(agent.load for agent in state.agents.values()) == distributed.distributed > 30_000
    for agent in state.agents.values():
        assert agent.load <= agent.spec.capacity
        caps = {rule: state.governing[rule or ""].cap_per_agent for rule in agent.load_by_rule}
        assert all(cap is None or agent.load_by_rule[rule] <= cap for rule, cap in caps.items())


def test_nothing_is_written_inside_the_repository() -> None:
    with pytest.raises(ValueError, match="outside the repository"):
        bank.write_bank_files(BANK, EXAMPLES / "packages")
