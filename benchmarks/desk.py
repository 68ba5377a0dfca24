"""The desk that is measured: example rules with one claim pool more, a roster, and clerks who only claim."""

from __future__ import annotations

from pathlib import Path

from paidan.v1 import agents_pb2, audit_pb2, packages_pb2, rules_pb2, tasks_pb2

from adapters.cli.agents import agent_message
from adapters.demo.play import RULES
from adapters.demo.sample_data import BUSINESS_TYPE, MAPPING, TASK_TYPE, roster, write_package
from adapters.grpc_api.client import UNREACHABLE, CallError, Client
from benchmarks.served import PARENT, PATIENCE_S, WORKSPACE
from engine.events import AgentSpec

CLAIMED = "counter"
"""Type of tasks that anybody may claim."""
CLERKS = tuple(f"clerk-{number:02}" for number in range(64))
_CLAIM_RULE = f"""
  - {{id: counter, name: Whoever comes, task_type: {CLAIMED}, method: claim}}
"""
ROOM = 345
"""Open tasks an agent may hold: enough for 100,000 rows over 300 agents."""


def open_desk(client: Client, agents: int) -> None:
    """Rules, a roster of so many agents, and the clerks."""
    source = RULES.read_text("utf-8").replace("workspace: retail-bank", f"workspace: {WORKSPACE}", 1) + _CLAIM_RULE
    client.ask(client.rules.ApplyRules, rules_pb2.ApplyRulesRequest(parent=PARENT, source=source))
    # Clerks are busy: push gives them nothing, but they may claim.
    clerks = (AgentSpec(clerk, capacity=1_000_000, presence="busy") for clerk in CLERKS)
    everybody = [agent_message(agent) for agent in (*roster(agents, mean_capacity=ROOM), *clerks)]
    client.ask(client.agents.ApplyRoster, agents_pb2.ApplyRosterRequest(parent=PARENT, agents=everybody))


def agents_for(rows: int) -> int:
    """300 for up to 100,000 rows, and in proportion above: just room enough."""
    return max(300, rows * 3 // 1000)


def make_package(directory: Path, rows: int, agents: int, seed: int = 1) -> Path:
    """A list of so many rows, the same for the same seed; owners are among the roster of so many agents."""
    path = directory / f"package-{rows}-{agents}-{seed}.csv"
    if not path.exists():
        write_package(path, rows, seed, agents)
    return path


def import_package(client: Client, package: Path) -> packages_pb2.ImportPackageResponse:
    """Hand a list in; answered at once."""
    columns = {
        name: getattr(MAPPING, name) for name in ("customer", "mobile", "id_card", "owner", "region", "priority")
    }
    mapping = packages_pb2.ColumnMapping(**columns, person_name=MAPPING.name or "", attributes=MAPPING.attributes)
    spec = packages_pb2.PackageSpec(task_type=TASK_TYPE, business_type=BUSINESS_TYPE, mapping=mapping)
    request = packages_pb2.ImportPackageRequest(parent=PARENT, uri=str(package), spec=spec)
    return client.ask(client.packages.ImportPackage, request, PATIENCE_S)


def until_at_rest(client: Client, given: packages_pb2.ImportPackageResponse) -> packages_pb2.Package:
    """Wait until every row is with an agent or waits for a reason, and every view shows it."""
    last = packages_pb2.Package()
    watch = packages_pb2.WatchPackageRequest(name=given.name, min_position=given.position)
    for step in client.stream(client.packages.WatchPackage, watch):
        last = step.package
    until_seen(client)
    return last


def until_seen(client: Client) -> int:
    """Wait until every view shows what the log holds now; gives that position."""
    head = client.ask(client.audit.ListViews, audit_pb2.ListViewsRequest(parent=PARENT)).position
    demand = audit_pb2.ListViewsRequest(parent=PARENT, min_position=head)
    while True:
        try:
            return client.ask(client.audit.ListViews, demand, PATIENCE_S).position
        except CallError as error:
            if not error.late and error.exit_code != UNREACHABLE:
                raise


def create_request(number: int) -> tasks_pb2.CreateTaskRequest:
    """A task for the claim pool."""
    return tasks_pb2.CreateTaskRequest(
        parent=PARENT, task_type=CLAIMED, customer=f"C{number:08}", region="JS", priority=number % 7,
        request_id=f"create-{number}",
    )  # fmt: skip
