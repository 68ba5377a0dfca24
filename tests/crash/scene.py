"""The workspace of the crash test: rules that change, agents with little room, lists with rows to be set aside."""

from __future__ import annotations

from random import Random

from paidan.v1.agents_pb2 import AgentSpec
from paidan.v1.packages_pb2 import ColumnMapping, PackageSpec

from tests.crash.history import Package

WORKSPACE = "crash"
PARENT = f"workspaces/{WORKSPACE}"
AGENTS = tuple(f"agent-{number}" for number in range(12))
TASK_TYPES = ("errand", "call", "check")
RULE_IDS = ("claimed", "called")
RULES = """\
workspace: crash
attributes:
  task: {{level: int}}
task_types:
  check:
    callback: {{url: "{outside}/ask", timeout: 2s, attempts: 3, backoff: 1s}}
    feedback_channel: {{url: "{outside}/told", timeout: 2s, attempts: 4, backoff: 1s}}
rules:
  - {{id: checked, task_type: check, method: claim}}
  - id: claimed
    task_type: errand
    method: claim
    cap_per_agent: 6
    handover: {{raise_priority: 30, limit: 2}}
    lock_max: 3s
  - id: called
    task_type: call
    strategy: [{first}]
    targets: agent.team == "east"
    relax: [{{after: 1s, targets: "true"}}]
    cap_per_agent: 9
    recycle_after: 2s
    recycle_limit: 3
    handover: {{raise_priority: 10, limit: 1}}
    lock_max: 5s
    sla: {{respond_within: 2s, resolve_within: 8s}}
    escalation:
      - {{at: respond_within, raise_priority: 20, notify: desk}}
      - {{at: 60% of resolve_within, raise_priority: 30}}
      - {{at: resolve_within, mark_overdue: true, reassign: agent.team == "west"}}
  - {{id: listed, task_type: follow_up, strategy: [{second}], cap_per_agent: 150}}
"""
VARIANTS = (("least_loaded", "round_robin"), ("round_robin", "owner, least_loaded"), ("weighted", "weighted"))
SPEC = PackageSpec(
    segment="crash",
    task_type="follow_up",
    business_type="loan",
    mapping=ColumnMapping(customer="customer", owner="owner", priority="priority", attributes={"level": "level"}),
)


def rules(variant: int, outside: str) -> str:
    """The document; ``outside``: URL of whoever is called."""
    first, second = VARIANTS[variant]
    return RULES.format(first=first, second=second, outside=outside)


def roster() -> list[AgentSpec]:
    """Half of them east; room for some of what comes."""
    teams = ("east", "west")
    return [
        AgentSpec(agent_id=name, team=teams[place % 2], capacity=170, weight=1 + place % 3)
        for place, name in enumerate(AGENTS)
    ]


def package(random: Random, name: str) -> tuple[bytes, Package]:
    """A list, and what is to become of its lines."""
    lines, bad = ["customer,owner,priority,level"], set()
    for line in range(2, 2 + random.randint(200, 1_500)):
        wrong = random.random() < 0.01
        bad |= {line} if wrong else set()
        priority = "urgent" if wrong else str(random.randint(0, 100))
        lines.append(f"{name}-{line},{random.choice(('', *AGENTS))},{priority},{random.randint(1, 3)}")
    good = frozenset(range(2, len(lines) + 1)) - bad
    return "\n".join(lines).encode() + b"\n", Package(good, frozenset(bad))
