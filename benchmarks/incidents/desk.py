"""The service desk that the log speaks of: a rule and a desk for every group, its people, and limits by priority."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from benchmarks.incidents.source import Incident
from engine.events import AgentSpec

WORKSPACE = "rehearsal-incidents"
HOURS = {"1": 4, "2": 8, "3": 72, "4": 120}
"""To be resolved within, round the clock; by the priority it was opened with: critical, high, moderate, low."""
URGENCY = {"1": 90, "2": 70, "3": 50, "4": 30}
MANY = 1_000_000
"""The log has no caps, and no end of handovers."""


class Desk:
    """Made from the incidents that are to come."""

    def __init__(self, incidents: Iterable[Incident]) -> None:
        groups: dict[str, None] = {}
        self._groups_of: dict[str, dict[str, None]] = defaultdict(dict)
        for row in (row for incident in incidents for row in incident.rows):
            groups[row.group] = None
            if row.assignee:
                self._groups_of[row.assignee][row.group] = None
        self.group_of = {rule_of(group, priority): group for group in groups for priority in HOURS}
        """Rule -> the group whose work it governs."""

    def rules(self) -> str:
        """The rule document."""
        document = {
            "workspace": WORKSPACE,
            "attributes": {"task": {"incident": "string", "category": "string"}, "agent": {"groups": "list(string)"}},
            "task_types": {type_of(priority): _task_type(priority) for priority in HOURS},
            "rules": [_rule(group, priority) for priority in HOURS for group in dict.fromkeys(self.group_of.values())],
        }
        return msgspec.yaml.encode(document).decode()

    def roster(self) -> list[AgentSpec]:
        """Everybody the log names, and a desk for each group, which has what is with the group and nobody in it."""
        desks = {desk_of(group): {group: None} for group in self.group_of.values()}
        return [_agent(name, groups) for name, groups in (desks | self._groups_of).items()]


def type_of(priority: str) -> str:
    """Task type of incidents opened with this priority."""
    return f"incident-p{priority}"


def rule_of(group: str, priority: str) -> str:
    """Rule of a group's work of this priority."""
    return f"{group.lower().replace(' ', '-')}.p{priority}"


def desk_of(group: str) -> str:
    """The agent who has what is with the group, and with nobody in it by name."""
    return f"Desk of {group}"


def _task_type(priority: str) -> dict[str, Any]:
    return {
        "priority": URGENCY[priority],
        "sla": {"resolve_within": f"{HOURS[priority]}h"},
        "escalation": [{"at": "resolve_within", "mark_overdue": True}],
        "handover": {"limit": MANY},
        "feedback": {"unsatisfied": "reopen", "reopen_to": "other", "reopen_limit": MANY, "auto_close_after": "60d"},
    }


def _rule(group: str, priority: str) -> dict[str, Any]:
    return {
        "id": rule_of(group, priority),
        "task_type": type_of(priority),
        "business_type": group,
        "method": "claim",
        "targets": f'"{group}" in agent.groups',
    }


def _agent(name: str, groups: Mapping[str, None]) -> AgentSpec:
    return AgentSpec(name, name, next(iter(groups)), MANY, 1, {"groups": tuple(groups)})
