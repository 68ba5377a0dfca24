"""Small worlds: rule documents of all methods, strategies, caps and relax steps; agents; rows. All from fixed seeds."""

from __future__ import annotations

import json
import random
from typing import Any

from engine.events import AgentSpec, AttributeValue, TaskRow
from engine.rules.document import load
from engine.rules.model import RuleSet

NOW = 1_700_000_000_000
COLUMNS = ("zone", "level")
ATTRIBUTES = {
    "task": {"zone": "string", "level": "int"},
    "agent": {"regions": "list(string)", "skills": "list(string)", "level": "int"},
}
REGIONS = ("JS", "ZJ", None)
ZONES = ("a", "b", None)
TASK_TYPES = ("call", "call", "call", "call", "mail", "mail", "odd")
AGENTS = tuple(f"a{number}" for number in range(6))
CUSTOMERS = ("c1", "c2", "c3", None)
RISING = "agent.load >= 1"
"""Targets that an agent comes within by taking work; who is best among them is not laid down."""

_TARGETS = (
    "true", "true", "true", "true", "true", 'agent.team == "east"', "agent.level >= 2", "task.zone in agent.skills",
    "task.level <= agent.level", "agent.load < 2", "agent.load < agent.level", "task.region in agent.regions",
    'agent.team == "west" and task.zone != "a"', "agent.id == task.owner", RISING,
)  # fmt: skip
_WHEN = (
    "true", "true", "true", "true", 'task.zone == "a"', 'task.zone != "b"', "task.priority >= 40", "task.level > 1",
    'task.region == "JS"', "has(task.owner)",
)  # fmt: skip
_NARROWING, _ORDERING = ("owner", "last_agent", "region"), ("weighted", "least_loaded", "round_robin")


def _strategy(chance: random.Random) -> list[str]:
    chain = chance.sample(_NARROWING, chance.randint(0, 3)) + chance.sample(_ORDERING, chance.choice((0, 1, 1, 1, 2)))
    if chance.random() < 0.2:
        chance.shuffle(chain)
    return chain or ["least_loaded"]


def _rule(chance: random.Random, rule_id: str) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "id": rule_id,
        "task_type": chance.choice(("call", "call", "mail")),
        "when": chance.choice(_WHEN),
        "precedence": chance.randint(-2, 2),
        "method": chance.choice(("push", "push", "push", "push", "claim", "claim", "manual", "offer", "offer")),
        "offer": {"accept_within": chance.choice(("30s", "1m", "10m")), "rounds": chance.choice((1, 2, 4))},
        "strategy": _strategy(chance),
        "targets": chance.choice(_TARGETS),
        "ageing": chance.choice(("1m", "10m", "1h", "1h")),
    }
    if chance.random() < 0.5:
        fields["cap_per_agent"] = chance.randint(1, 3)
    steps = chance.sample(("1m", "10m", "30m"), chance.choice((0, 0, 1, 2)))
    if steps:
        steps.sort(key=lambda step: int(step[:-1]))
        fields["relax"] = [{"after": step, "targets": chance.choice(_TARGETS)} for step in steps]
    _and_afterwards(chance, fields)
    if chance.random() < 0.2:
        fields["wrap_up"] = {"template": "t", "required": ["note"]}
    return fields


def _and_afterwards(chance: random.Random, fields: dict[str, Any]) -> None:
    """What becomes of work that nobody begins, that comes back, that is late."""
    if chance.random() < 0.4:
        fields["recycle_after"] = chance.choice(("1m", "10m"))
        fields |= {"recycle_limit": 2} if chance.random() < 0.5 else {}
    if chance.random() < 0.3:
        fields["handover"] = {"raise_priority": chance.choice((0, 5, 60)), "limit": chance.choice((1, 2))}
    if chance.random() < 0.3:
        fields["lock_max"] = "5m"
    if chance.random() < 0.3:
        fields["sla"] = {"respond_within": "5m", "resolve_within": chance.choice(("10m", "1h"))}
        steps = chance.sample(("50% of respond_within", "respond_within", "80% of resolve_within", "resolve_within"), 2)
        fields["escalation"] = [_step(chance, at) for at in steps]
    if chance.random() < 0.3:
        fields["on_agent_loss"] = "keep"
    fields |= _feedback(random.Random(repr(fields)))


def _feedback(chance: random.Random) -> dict[str, Any]:
    """Drawn apart, so that the rest of a world is what it was without it."""
    if chance.random() > 0.6:
        return {}
    asked = {
        "unsatisfied": chance.choice(("reopen", "reopen", "reopen", "escalate", "close")),
        "raise_priority": chance.choice((0, 10, 60)), "reopen_to": chance.choice(("same", "other")),
        "reopen_limit": chance.choice((1, 1, 2)), "auto_close_after": chance.choice(("10m", "1h")),
    }  # fmt: skip
    return {"feedback": asked}


def _step(chance: random.Random, at: str) -> dict[str, Any]:
    does = ({"raise_priority": 30}, {"reassign": chance.choice(_TARGETS)}, {"mark_overdue": True}, {"notify": "duty"})
    return {"at": at, **chance.choice(does), **chance.choice(does)}


def _document(seed: int) -> str:
    chance = random.Random(seed)
    ids = chance.sample(("r1", "r2", "r3", "r4", "r5", "r6"), chance.randint(3, 5))
    rules = [_rule(chance, rule_id) for rule_id in ids]
    kinds = _kinds(random.Random(f"kinds {seed}"))
    return json.dumps({"workspace": "sim", "attributes": ATTRIBUTES, "task_types": kinds, "rules": rules})


def _kinds(chance: random.Random) -> dict[str, Any]:
    """Who outside is asked first, and who is told how work ended."""
    callback = {"url": "https://outside/ask", "timeout": "5s", "attempts": 2, "backoff": "1s"}
    channel = {"subject": "crm.results", "attempts": 2}
    kinds: dict[str, Any] = {}
    if chance.random() < 0.5:
        kinds[chance.choice(("mail", "mail", "call"))] = {"callback": callback}
    if chance.random() < 0.7:
        kinds.setdefault(chance.choice(("mail", "call")), {})["feedback_channel"] = channel
    return kinds


def _variant(seed: int) -> str:
    """Documents in pairs: the second differs from the first in a few fields only."""
    base = json.loads(_document(seed // 2))
    if seed % 2:
        chance = random.Random(-seed)
        for rule in base["rules"]:
            fresh = _rule(chance, rule["id"])
            for name in chance.sample(("targets", "cap_per_agent", "method", "ageing", "relax", "strategy"), 2):
                rule.pop(name, None)
                rule.update({name: fresh[name]} if name in fresh else {})
    return json.dumps(base)


DOCUMENTS = tuple(_variant(seed) for seed in range(48))
TYPES: RuleSet = load(DOCUMENTS[0])
"""Any of the rule sets: all declare the same attributes."""


def spec(agent_id: str, variant: int) -> AgentSpec:
    """What the roster says of an agent; few variants, so that evaluations can be remembered."""
    chance = random.Random(f"{agent_id}{variant % 16}")
    attributes: dict[str, AttributeValue] = {
        "regions": tuple(chance.sample(("JS", "ZJ", "SH"), chance.randint(0, 2))),
        "skills": tuple(chance.sample(("a", "b"), chance.randint(0, 2))),
        "level": chance.choice((1, 2, 2, 3, 3, None)),
    }
    presence = "away" if chance.random() < 0.1 else "available"
    team, capacity = chance.choice(("east", "east", "west")), chance.choice((0, 1, 2, 2, 3, 4, 6))
    return AgentSpec(agent_id, "", team, capacity, chance.choice((1, 1, 2, 3)), attributes, presence)


def row(line: int, a: int, b: int, c: int) -> TaskRow:
    """A row; bytes pick its values."""
    owner = AGENTS[c % 6] if c % 3 else None
    priority = (0, 0, 1, 2, 40, 100)[a // 4 % 6]
    return TaskRow(
        line, CUSTOMERS[a % 4], owner, REGIONS[b % 3], priority, (ZONES[b // 3 % 3], (None, 1, 2, 3)[b // 9 % 4])
    )
