"""The attributes that conditions may name, with their types."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from engine.rules.model import AttributeType
from engine.rules.tree import Name

TASK_BUILT_IN: Mapping[str, AttributeType] = {
    "type": "string",
    "business_type": "string",
    "priority": "int",
    "region": "string",
    "owner": "string",
    "customer": "string",
    "package": "int",
}
AGENT_BUILT_IN: Mapping[str, AttributeType] = {
    "id": "string",
    "team": "string",
    "load": "int",
    "capacity": "int",
    "weight": "int",
}


class Vocabulary(msgspec.Struct, frozen=True):
    """The attributes a condition may name, built-in ones included; ``agent`` is None where no agent is at hand."""

    task: Mapping[str, AttributeType]
    agent: Mapping[str, AttributeType] | None

    @classmethod
    def of_when(cls, task: Mapping[str, AttributeType]) -> Vocabulary:
        return cls({**task, **TASK_BUILT_IN}, None)

    @classmethod
    def of_targets(cls, task: Mapping[str, AttributeType], agent: Mapping[str, AttributeType]) -> Vocabulary:
        return cls({**task, **TASK_BUILT_IN}, {**agent, **AGENT_BUILT_IN})

    def type_of(self, name: Name) -> AttributeType:
        """The type of a checked name."""
        side = self.task if name.parts[0] == "task" else self.agent or {}
        return side[name.parts[1]]
