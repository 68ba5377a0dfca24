"""Rosters in CSV: one agent a line, fields and attributes in columns."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from adapters.importing.cells import CellError, read_float, read_int, read_list, read_text
from adapters.rosters.faults import Faults
from engine.events import AgentSpec, AttributeValue
from engine.rules.model import AttributeType
from engine.rules.problems import cut, did_you_mean

FIELDS = ("id", "name", "team", "capacity", "weight", "presence")
NUMBERS = ("capacity", "weight")
SEPARATOR = "|"

_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def read_csv(text: str, declared: Mapping[str, AttributeType], faults: Faults) -> list[AgentSpec]:
    """The agents of a file whose first line names the columns."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
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
    for name, count in Counter(header).items():
        column = cut(name) or header.index(name) + 1
        if count > 1:
            faults.add(1, column, f"Expected each column once, but {cut(name)!r} is there more than once")
        elif name not in FIELDS and name not in declared:
            hint = did_you_mean(name, (*FIELDS, *declared))
            told = f"Expected one of {', '.join(FIELDS)} or an attribute that the rules declare, but got {cut(name)!r}"
            faults.add(1, column, told + (f"; {hint}" if hint else ""))
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
    except (CellError, KeyError):
        faults.add(line, column, f"Expected {kind}, but got {cut(cell)!r}")
        return None


_READ: dict[AttributeType, Callable[[str], AttributeValue]] = {
    "string": read_text,
    "int": read_int,
    "float": read_float,
    "bool": lambda cell: _WORDS[cell.lower()],
    "list(string)": lambda cell: read_list(cell, SEPARATOR, read_text),
    "list(int)": lambda cell: read_list(cell, SEPARATOR, read_int),
}
