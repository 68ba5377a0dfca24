"""Rosters in CSV: one agent a line, fields and attributes in columns."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from typing import Any

from adapters.rosters.faults import Faults
from engine.events import AgentSpec, AttributeValue
from engine.rules.model import AttributeType
from engine.rules.problems import did_you_mean

FIELDS = ("id", "name", "team", "capacity", "weight", "presence")
NUMBERS = ("capacity", "weight")
SEPARATOR = "|"
INT64 = 2**63

_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def read_csv(text: str, declared: Mapping[str, AttributeType], faults: Faults) -> list[AgentSpec]:
    """The agents of a file whose first line names the columns."""
    reader = csv.reader(text.splitlines(keepends=True), strict=True)
    agents: list[AgentSpec] = []
    try:
        header = _header(next(reader, []), declared, faults)
        rows = (cells for cells in reader if any(cells)) if not faults.found else ()
        agents.extend(_agent(header, cells, declared, faults, reader.line_num) for cells in rows)
    except csv.Error as error:
        faults.add(reader.line_num, 1, f"Expected CSV, but {error}")
    return agents


def _header(names: list[str], declared: Mapping[str, AttributeType], faults: Faults) -> list[str]:
    header = [name.strip() for name in names]
    if "id" not in header:
        faults.add(1, 1, "Expected a first line that names the columns, one of them id, but there is none")
    for name in dict.fromkeys(header):
        if header.count(name) > 1:
            faults.add(1, name, f"Expected each column once, but {name!r} is there twice")
        elif name not in FIELDS and name not in declared:
            hint = did_you_mean(name, (*FIELDS, *declared))
            told = f"Expected one of {', '.join(FIELDS)} or an attribute that the rules declare, but got {name!r}"
            faults.add(1, name, told + (f"; {hint}" if hint else ""))
    return header


def _agent(
    header: list[str], cells: list[str], declared: Mapping[str, AttributeType], faults: Faults, line: int
) -> AgentSpec:
    if len(cells) != len(header):
        faults.add(line, 1, f"Expected {len(header)} cells as in the first line, but got {len(cells)}")
        return AgentSpec("")
    given = {name: cell.strip() for name, cell in zip(header, cells, strict=True) if cell.strip()}
    if "id" not in given:
        faults.add(line, "id", "Expected the agent's id, but the cell is empty")
    fields: dict[str, Any] = {name: given[name] for name in FIELDS if name in given and name not in NUMBERS}
    for name in NUMBERS:
        if name in given:
            fields[name] = _value(given[name], "int", faults, line, name)
    attributes = {
        name: _value(cell, declared[name], faults, line, name) for name, cell in given.items() if name not in FIELDS
    }
    return AgentSpec(**{"id": "", **fields}, attributes=attributes)


def _value(cell: str, kind: AttributeType, faults: Faults, line: int, column: str) -> AttributeValue:
    try:
        return _READ[kind](cell)
    except (ValueError, KeyError):
        faults.add(line, column, f"Expected {kind}, but got {cell[:80]!r}")
        return None


def _members(cell: str, read: Callable[[str], Any]) -> tuple[Any, ...]:
    return tuple(read(member.strip()) for member in cell.split(SEPARATOR) if member.strip())


def _whole(cell: str) -> int:
    value = int(cell)
    if not -INT64 <= value < INT64:
        raise ValueError(cell)
    return value


_READ: dict[AttributeType, Callable[[str], AttributeValue]] = {
    "string": str,
    "int": _whole,
    "float": float,
    "bool": lambda cell: _WORDS[cell.lower()],
    "list(string)": lambda cell: _members(cell, str),
    "list(int)": lambda cell: _members(cell, _whole),
}
