"""Short ways to say what stands in a scenario: rules, rosters, tasks, packages."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from engine.commands import (
    ApplyRoster,
    ApplyRules,
    CreateTask,
    FinishParsing,
    ImportRows,
    RegisterPackage,
    StartParsing,
)
from engine.events import AgentSpec, ColumnMapping, TaskRow

ATTRIBUTES: dict[str, dict[str, str]] = {
    "task": {"zone": "string", "level": "int"},
    "agent": {"regions": "list(string)", "skills": "list(string)", "level": "int"},
}


def rule(rule_id: str = "r", task_type: str = "call", **fields: Any) -> dict[str, Any]:
    """One rule of a document."""
    return {"id": rule_id, "task_type": task_type, **fields}


def document(*rules: dict[str, Any], workspace: str = "bank", attributes: Any = None, **sections: Any) -> str:
    """A rule document; JSON is YAML. ``sections`` such as ``task_types`` stand in it as they are."""
    head = {"workspace": workspace, "attributes": attributes or ATTRIBUTES}
    return json.dumps({**head, **sections, "rules": list(rules)})


def rules(*written: dict[str, Any], **fields: Any) -> ApplyRules:
    return ApplyRules(document(*written, **fields))


def agent(agent_id: str, **fields: Any) -> AgentSpec:
    """An agent of team ``east``; keywords that AgentSpec does not know are attributes."""
    own = {name: fields.pop(name) for name in AgentSpec.__struct_fields__ if name in fields}
    return AgentSpec(agent_id, **{"team": "east", "attributes": fields, **own})


def roster(*agents: AgentSpec | str, prune: bool = False) -> ApplyRoster:
    return ApplyRoster(tuple(one if isinstance(one, AgentSpec) else agent(one) for one in agents), prune)


def task(task_type: str = "call", **fields: Any) -> CreateTask:
    """A task of business type ``loan``; keywords that CreateTask does not know are attributes."""
    own = {name: fields.pop(name) for name in CreateTask.__struct_fields__ if name in fields}
    return CreateTask(task_type, "loan", **{"attributes": fields, **own})


def row(line: int, priority: int = 0, owner: str | None = None, region: str | None = None, *values: Any) -> TaskRow:
    return TaskRow(line, f"c{line}", owner, region, priority, values)


def register(digest: str = "d1", **fields: Any) -> RegisterPackage:
    given = {"segment": "seg", "uri": "file:x", "spool": "x.csv", "size": 9, "task_type": "call", **fields}
    return RegisterPackage(**{"digest": digest, "business_type": "loan", "mapping": ColumnMapping(), **given})


def package(
    rows: Sequence[TaskRow], number: int = 1, columns: tuple[str, ...] = ()
) -> tuple[RegisterPackage, StartParsing, ImportRows, FinishParsing]:
    """A package imported in one chunk, not yet distributed."""
    return (
        register(f"d{number}"),
        StartParsing(number),
        ImportRows(number, 0, columns, tuple(rows)),
        FinishParsing(number, 1),
    )
