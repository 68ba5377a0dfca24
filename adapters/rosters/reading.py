"""Rosters as people write them: YAML or CSV into agents, or everything that is wrong with line and column.

YAML is a list of agents, or a mapping with that list under ``agents``; attributes stand under ``attributes``. In CSV
every column that is not a field of an agent is an attribute, its type declared by the rules; members of a list are
separated by ``|``, and an empty cell is an absent value.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from adapters.rosters.faults import Fault, Faults, RosterError
from adapters.rosters.from_csv import read_csv
from adapters.rosters.from_yaml import read_yaml
from engine.events import AgentSpec
from engine.rules.model import AttributeType

__all__ = ["Fault", "RosterError", "read_roster"]

MAX_BYTES = 32 * 1024 * 1024


def read_roster(path: Path, declared: Mapping[str, AttributeType]) -> list[AgentSpec]:
    """The agents in a file; ``declared`` gives the types of CSV columns. Raises RosterError, OSError."""
    faults = Faults()
    read = {".csv": read_csv, ".yaml": read_yaml, ".yml": read_yaml}.get(path.suffix.lower())
    if read is None:
        faults.add(1, 1, f"Expected a file named .yaml, .yml or .csv, but it is {path.name}")
        raise RosterError(faults.found)
    agents = read(_text(path, faults), declared, faults)
    if faults.found:
        raise RosterError(faults.found)
    return agents


def _text(path: Path, faults: Faults) -> str:
    with path.open("rb") as source:
        data = source.read(MAX_BYTES + 1)  # what is no plain file may have no end
    if len(data) > MAX_BYTES:
        faults.add(1, 1, f"Expected at most {MAX_BYTES} bytes, but the file has more; split it")
        raise RosterError(faults.found)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        faults.add(line, 1, f"Expected UTF-8, but byte {error.start} is not; save the file as UTF-8")
        raise RosterError(faults.found) from error
