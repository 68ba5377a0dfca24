"""The main job beside its floor: 100,000 rows imported, ruled on, assigned, durable and queryable.

    python -m benchmarks.main_job [--rows N]

The floor is a raw COPY of the same rows into the same PostgreSQL, in the same run. A single caller claims tasks one
after another before and during the import.
"""

from __future__ import annotations

import argparse
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from time import perf_counter

import grpc
import psutil
import psycopg
from paidan.v1 import agents_pb2, audit_pb2, packages_pb2, rules_pb2, tasks_pb2

from adapters.cli.agents import agent_message
from adapters.demo.play import RULES
from adapters.demo.sample_data import BUSINESS_TYPE, MAPPING, TASK_TYPE, roster, write_package
from adapters.grpc_api.client import Client
from adapters.grpc_api.readiness import wait_until_serving
from adapters.processes.embedded import start_postgres

SERVER = "127.0.0.1:7499"
PARENT = "workspaces/bench"
CLAIMS = 1_200
IDLE_CLAIMS = 400


class Memory(threading.Thread):
    """The most that the server's processes held together, PostgreSQL apart; looked at ten times a second."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._root, self._end = psutil.Process(pid), threading.Event()
        self.peak: dict[str, int] = {}

    def run(self) -> None:
        while not self._end.wait(0.1):
            for process in self._root.children(recursive=True):
                self._look(process)

    def _look(self, process: psutil.Process) -> None:
        try:
            words = process.cmdline()
            role = words[words.index("--only") + 1] if "--only" in words else ""
            if role:
                self.peak[role] = max(self.peak.get(role, 0), process.memory_info().rss)
        except (psutil.Error, ValueError):
            return

    def stop(self) -> None:
        self._end.set()


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory(prefix="paidan-bench-") as name:
        directory = Path(name)
        directory.chmod(0o755)
        package = directory / "package.csv"
        write_package(package, rows)
        server = _serve(directory)
        try:
            _measure(directory, package, rows, server.pid)
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait()


def _serve(directory: Path) -> subprocess.Popen[bytes]:
    words = ("serve", "--listen", SERVER, "--data", str(directory / "data"), "--workspace", "bench")
    with (directory / "server.log").open("wb") as log:
        server = subprocess.Popen((sys.executable, "-m", "server", *words), stdout=log, stderr=log)
    if not wait_until_serving(SERVER, 60):
        sys.exit("Expected the server to come up, but it did not")
    return server


def _measure(directory: Path, package: Path, rows: int, pid: int) -> None:
    print(f"machine: {os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}")
    floor = _raw_copy(start_postgres(directory / "data"), package)
    print(f"raw COPY of the same rows into the same PostgreSQL: {floor:.2f} s, {rows / floor:,.0f} rows/s")
    client = Client(SERVER, "bench")
    _prepare(client)
    idle = _claims(client, IDLE_CLAIMS, threading.Event())
    memory = Memory(pid)
    memory.start()
    took, during = _import_while_claiming(client, package)
    memory.stop()
    print(
        f"import, rules, assignment, durable, queryable: {took:.2f} s, {rows / took:,.0f} rows/s, "
        f"{took / floor:.1f} x the floor"
    )
    print(_line("claim on an idle server", idle))
    print(_line("claim during the import", during))
    peaks = ", ".join(f"{role} {peak / 2**20:.0f} MiB" for role, peak in sorted(memory.peak.items()))
    print(f"peak memory: {peaks}")


def _raw_copy(dsn: str, package: Path) -> float:
    lines = package.read_bytes().split(b"\n", 1)
    columns = [f"{name} text" for name in lines[0].decode().split(",")]
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f"CREATE TABLE floor ({', '.join(columns)})")  # type: ignore[arg-type]
        started = perf_counter()
        with connection.cursor().copy("COPY floor FROM STDIN (FORMAT csv)") as copy:
            copy.write(lines[1])
        took = perf_counter() - started
        connection.execute("DROP TABLE floor")
    return took


def _prepare(client: Client) -> None:
    source = RULES.read_text("utf-8").replace("workspace: retail-bank", "workspace: bench", 1)
    client.ask(client.rules.ApplyRules, rules_pb2.ApplyRulesRequest(parent=PARENT, source=source))
    agents = [agent_message(agent) for agent in roster()]
    client.ask(client.agents.ApplyRoster, agents_pb2.ApplyRosterRequest(parent=PARENT, agents=agents))
    for number in range(CLAIMS):
        request = tasks_pb2.CreateTaskRequest(parent=PARENT, task_type="complaint", customer=f"claim-{number}")
        client.ask(client.tasks.CreateTask, request)


def _claims(client: Client, count: int, end: threading.Event) -> list[float]:
    """Seconds each claim took."""
    agents = [agent.id for agent in roster() if agent.presence == "available" and agent.attributes["level"] in (2, 3)]
    taken: list[float] = []
    for number in range(count):
        started = perf_counter()
        try:
            agent = agents[number % len(agents)]
            client.tasks.ClaimTask(tasks_pb2.ClaimTaskRequest(parent=PARENT, agent=agent))
        except grpc.RpcError as error:
            if error.code() is not grpc.StatusCode.FAILED_PRECONDITION:  # type: ignore[attr-defined]
                raise
        taken.append(perf_counter() - started)
        if end.is_set():
            break
    return taken


def _import_while_claiming(client: Client, package: Path) -> tuple[float, list[float]]:
    """Seconds from handing the package in until its last row is seen in the views; seconds each claim took."""
    end, taken = threading.Event(), list[float]()
    claiming = threading.Thread(target=lambda: taken.extend(_claims(client, 1_000_000, end)))
    started = perf_counter()
    claiming.start()
    fields = {name: getattr(MAPPING, name) for name in ("customer", "mobile", "id_card", "owner", "region", "priority")}
    mapping = packages_pb2.ColumnMapping(**fields, person_name=MAPPING.name or "", attributes=MAPPING.attributes)
    spec = packages_pb2.PackageSpec(task_type=TASK_TYPE, business_type=BUSINESS_TYPE, mapping=mapping)
    request = packages_pb2.ImportPackageRequest(parent=PARENT, uri=str(package), spec=spec)
    answer = client.ask(client.packages.ImportPackage, request)
    for _ in client.stream(client.packages.WatchPackage, packages_pb2.WatchPackageRequest(name=answer.name)):
        pass
    _all_views_at_the_head(client)
    took = perf_counter() - started
    end.set()
    claiming.join()
    return took, taken


def _all_views_at_the_head(client: Client) -> None:
    """A query that demands the position of the last event; its answer means that every row can be queried."""
    head = client.ask(client.audit.ListViews, audit_pb2.ListViewsRequest(parent=PARENT)).position
    client.ask(client.tasks.ListTasks, tasks_pb2.ListTasksRequest(parent=PARENT, page_size=1, min_position=head))


def _line(what: str, seconds: list[float]) -> str:
    cuts = statistics.quantiles(seconds, n=100)
    return f"{what}: {len(seconds)} claims, p50 {cuts[49] * 1000:.1f} ms, p99 {cuts[98] * 1000:.1f} ms"


if __name__ == "__main__":
    main()
