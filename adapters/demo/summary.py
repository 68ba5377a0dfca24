"""What a demonstration came to: who got what, how evenly, what waits and why, and how fast."""

from __future__ import annotations

import msgspec
import typer
from paidan.v1 import packages_pb2 as packages
from paidan.v1 import pools_pb2 as pools
from paidan.v1 import tasks_pb2 as tasks
from rich.console import Console
from rich.table import Table

from adapters.grpc_api.client import Client

ACTOR = "demo"


def show_summary(console: Console, server: str, workspace: str, seconds: float, as_json: bool) -> None:
    """The newest package, by rule and by agent."""
    client, parent = Client(server, ACTOR), f"workspaces/{workspace}"
    found = client.ask(
        client.packages.ListPackages,
        packages.ListPackagesRequest(parent=parent, order_by="number desc", page_size=1),
    ).packages[0]
    statistics = client.ask(client.pools.GetStatistics, pools.GetStatisticsRequest(parent=parent))
    if as_json:
        typer.echo(_as_json(found, seconds).decode())
        return
    console.print()
    console.print(_rules(statistics))
    console.print(_waiting(found))
    _rates(console, found, seconds)


def task_to_explain(server: str, workspace: str) -> int:
    """A task that a strategy fell through for, if there is one, else any assigned one; 0: none."""
    client, parent = Client(server, ACTOR), f"workspaces/{workspace}"
    request = tasks.ListTasksRequest(parent=parent, filter='status = "assigned"', page_size=200)
    assigned = client.ask(client.tasks.ListTasks, request).tasks
    fell = [task for task in assigned if task.passed]
    return int((fell or assigned)[0].number) if assigned else 0


def _as_json(package: packages.Package, seconds: float) -> bytes:
    return msgspec.json.encode(
        {
            "package": package.number,
            "rows": package.rows,
            "distributed": package.distributed,
            "not_distributed": dict(package.not_distributed),
            "rejected": package.rejected,
            "seconds": round(seconds, 3),
            "import_seconds": round(_took(package), 3),
        }
    )


def _rules(statistics: pools.GetStatisticsResponse) -> Table:
    table = Table(title="Open tasks by rule, and how they lie on agents", title_justify="left")
    table.add_column("rule")
    for heading in ("agents", "tasks", "least", "most"):
        table.add_column(heading, justify="right")
    for spread in statistics.spread:
        cells = (spread.agents, spread.tasks, spread.least, spread.most)
        table.add_row(spread.rule or "(no rule)", *(f"{cell:,}" for cell in cells))
    return table


def _waiting(package: packages.Package) -> Table:
    table = Table(title="Rows without an agent, and why", title_justify="left", min_width=32)
    table.add_column("waiting for")
    table.add_column("rows", justify="right")
    for reason, count in sorted(package.not_distributed.items(), key=lambda item: -item[1]):
        table.add_row(reason, f"{count:,}")
    return table


def _rates(console: Console, package: packages.Package, seconds: float) -> None:
    took = _took(package)
    rate = f", {package.rows / took:,.0f} rows a second" if took > 0 else ""
    console.print(
        f"Package {package.number}: {package.rows:,} rows, {package.distributed:,} with an agent, "
        f"{package.rejected:,} set aside; in {took:.1f} s from registration to rest{rate} "
        f"({seconds:.1f} s with rules, roster and this terminal).",
        highlight=False,
        soft_wrap=True,
    )


def _took(package: packages.Package) -> float:
    return float((package.update_time.ToDatetime() - package.create_time.ToDatetime()).total_seconds())
