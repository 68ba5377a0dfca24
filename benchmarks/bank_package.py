"""A package and a roster from the public UCI "Bank Marketing" data, for examples/rules/bank-campaign.yaml.

    python -m benchmarks.bank_package [SOURCE] [--out DIRECTORY]

SOURCE (or PAIDAN_BANK_DATA) is bank-additional-full.csv.gz. The data names no customers, agents or regions: these are
derived from the row number, always the same. Nothing is ever written inside the repository.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import os
import tempfile
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

import msgspec

from engine.events import AgentSpec, AttributeValue, ColumnMapping

REPOSITORY = Path(__file__).resolve().parents[1]
SOURCE = REPOSITORY.parent / "shared" / "data" / "bank-additional-full.csv.gz"

WORKSPACE, TASK_TYPE, BUSINESS_TYPE = "bank-campaign", "outbound_call", "term_deposit"
RENAMED = {"default": "credit_default", "loan": "personal_loan", "y": "subscribed"}
"""Column of the data -> attribute, where replacing dots is not enough."""
ATTRIBUTES = (
    "age", "campaign", "contact", "education", "euribor3m", "housing", "job", "marital", "month", "pdays", "poutcome",
    "previous",
)  # fmt: skip
"""Those that the example rules declare."""
DERIVED = ("customer_no", "mobile", "id_card", "account_manager", "region")
MAPPING = ColumnMapping(
    customer="customer_no", mobile="mobile", id_card="id_card", owner="account_manager", region="region",
    attributes={name: name for name in ATTRIBUTES},
)  # fmt: skip

AGENTS = 300
CAPACITY = 150
REGIONS = ("BJ", "SH", "GD", "ZJ", "JS", "SC", "HB", "FJ")
TEAMS = {"north": ("BJ", "HB"), "east": ("SH", "ZJ", "JS"), "south": ("GD", "FJ"), "west": ("SC",)}
SKILLS = ("persuasion", "patience", "advice")


class BankFiles(msgspec.Struct, frozen=True):
    """What was written."""

    package: Path
    roster: Path
    mapping: Path
    rows: int


def write_bank_files(source: Path, directory: Path) -> BankFiles:
    """Write package.csv.gz, agents.yaml and mapping.yaml. Raises FileNotFoundError, ValueError."""
    directory = directory.resolve()
    if directory.is_relative_to(REPOSITORY):
        raise ValueError(f"Expected a directory outside the repository, but got {directory}; choose another")
    directory.mkdir(parents=True, exist_ok=True)
    package, agents, mapping = (directory / name for name in ("package.csv.gz", "agents.yaml", "mapping.yaml"))
    agents.write_bytes(msgspec.yaml.encode({"agents": roster()}))
    mapping.write_bytes(msgspec.yaml.encode(MAPPING))
    return BankFiles(package, agents, mapping, _write_package(source, package))


def roster() -> tuple[AgentSpec, ...]:
    """300 agents in four teams, all available."""
    return tuple(_agent(number) for number in range(1, AGENTS + 1))


def _agent(number: int) -> AgentSpec:
    team = tuple(TEAMS)[number % len(TEAMS)]
    level = 1 + number // 4 % 3
    skills = tuple(skill for skill in SKILLS if _drawn(number, skill, 100) < 60) or (SKILLS[number % len(SKILLS)],)
    attributes: dict[str, AttributeValue] = {"level": level, "regions": TEAMS[team], "skills": skills}
    return AgentSpec(_agent_id(number), f"Agent {number}", team, CAPACITY, level, attributes)


def _write_package(source: Path, target: Path) -> int:
    """Rows written; the same bytes for the same source."""
    with gzip.open(source, "rt", encoding="utf-8", newline="") as lines:
        reader = csv.reader(lines, delimiter=";")
        header = [*DERIVED, *map(_attribute, next(reader))]
        rows = list(_derived(reader))
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    target.write_bytes(gzip.compress(text.getvalue().encode(), 6, mtime=0))
    return len(rows)


def _attribute(column: str) -> str:
    return RENAMED.get(column, column.replace(".", "_"))


def _derived(rows: Iterator[list[str]]) -> Iterator[list[str]]:
    for number, row in enumerate(rows, 1):
        born = (
            f"{1940 + _drawn(number, 'year', 60)}{1 + _drawn(number, 'month', 12):02}{1 + _drawn(number, 'day', 28):02}"
        )
        yield [
            f"UCI{number:06}",
            f"199{_drawn(number, 'mobile', 10**8):08}",
            f"999999{born}{number % 10_000:04}",
            _agent_id(1 + _drawn(number, "manager", AGENTS)),
            REGIONS[_drawn(number, "region", len(REGIONS))],
            *row,
        ]


def _agent_id(number: int) -> str:
    return f"agent-{number:03}"


def _drawn(number: int, what: str, below: int) -> int:
    """A number 0 to ``below - 1`` that looks drawn by lot and is always the same for the same row."""
    return int.from_bytes(blake2b(f"{what} {number}".encode(), digest_size=8).digest()) % below


def main() -> None:
    """Write the files and say where they are."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("source", nargs="?", type=Path, default=Path(os.environ.get("PAIDAN_BANK_DATA", SOURCE)))
    parser.add_argument("--out", type=Path, help="Directory to write to; default: a new temporary one.")
    given = parser.parse_args()
    try:
        files = write_bank_files(given.source, given.out or Path(tempfile.mkdtemp(prefix="paidan-bank-")))
    except (OSError, ValueError) as error:
        raise SystemExit(f"bank_package: {error}") from error
    print(f"{files.rows} rows in {files.package}\n{AGENTS} agents in {files.roster}\nmapping in {files.mapping}")


if __name__ == "__main__":
    main()
