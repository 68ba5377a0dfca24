"""One server in a thread of its own, and stubs to ask it with."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from pathlib import Path
from typing import Any
from uuid import uuid4

import grpc
from paidan.v1 import agents_pb2, rules_pb2
from paidan.v1.agents_pb2_grpc import AgentServiceStub
from paidan.v1.audit_pb2_grpc import AuditServiceStub
from paidan.v1.importer_pb2_grpc import ImporterServiceStub
from paidan.v1.measures_pb2_grpc import MeasureServiceStub
from paidan.v1.packages_pb2_grpc import PackageServiceStub
from paidan.v1.pools_pb2_grpc import PoolServiceStub
from paidan.v1.rules_pb2_grpc import RuleServiceStub
from paidan.v1.tasks_pb2_grpc import TaskServiceStub

from adapters.grpc_api.importer_client import connected
from adapters.grpc_api.services import Services
from adapters.grpc_api.serving import Serving
from adapters.importing.importer import Importer
from adapters.importing.spool import Spool
from adapters.log.driven_clock import DrivenClock
from adapters.log.event_log import EventLog
from adapters.log.schemas import schema_of
from adapters.log.writer import Writer, wall_clock
from adapters.settings.limits import Limits
from adapters.views.connection import connect, create_views
from adapters.views.projector import Projector
from adapters.views.queries import Queries
from tests.wire.stand_ins import Questions

RULES = """\
workspace: {workspace}
attributes:
  task: {{days: int, rate: float, tags: list(string), vip: bool, note: string}}
  agent: {{level: int, regions: list(string)}}
rules:
  - {{id: claimed, task_type: ticket, method: claim, cap_per_agent: 3}}
  - {{id: by-hand, task_type: case, method: manual}}
  - id: pushed
    task_type: call
    when: task.days > 5
    targets: agent.level >= 1
    wrap_up: {{template: loan, required: [disposition]}}
"""


class Served:
    """``start`` and ``stop`` a server on a free port; stubs are there in between."""

    def __init__(
        self, dsn: str, workspace: str, spool: Path, limits: Limits | None = None, clock: DrivenClock | None = None
    ) -> None:
        self._limits, self._clock = limits or Limits(), clock
        self.workspace = workspace
        self.parent = f"workspaces/{workspace}"
        self._dsn, self._spool_directory = dsn, spool
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._projecting = threading.Event()
        self._projector: threading.Thread | None = None

    def start(self) -> None:
        self._thread.start()
        self.wait(self._start())
        self._follow_log()
        self.target = f"127.0.0.1:{self.serving.port}"
        self.channel = grpc.insecure_channel(self.target)
        self.rules, self.agents = RuleServiceStub(self.channel), AgentServiceStub(self.channel)
        self.tasks, self.packages = TaskServiceStub(self.channel), PackageServiceStub(self.channel)
        self.pools, self.audit = PoolServiceStub(self.channel), AuditServiceStub(self.channel)
        self.importer, self.measures = ImporterServiceStub(self.channel), MeasureServiceStub(self.channel)

    def stop(self) -> None:
        self.channel.close()
        self.pause_views()
        self.wait(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def wait(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Have the server's loop do something."""
        return self.begin(work).result(30)

    def begin(self, work: Coroutine[Any, Any, Any]) -> Future[Any]:
        """Have it do something meanwhile."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def pause_views(self) -> None:
        """Views stay where they are."""
        self._projecting.set()
        assert self._projector is not None
        self._projector.join()

    def resume_views(self) -> None:
        """Views follow the log again."""
        self._projecting.clear()
        self._follow_log()

    def pause_importer(self) -> None:
        """Packages stay as they are."""
        self.wait(self._stop_importing())

    def resume_importer(self) -> None:
        """Packages are imported again."""
        self.wait(self._start_importing())

    def name(self, collection: str, key: object) -> str:
        return f"{self.parent}/{collection}/{key}"

    def apply_rules(self, source: str = RULES) -> int:
        request = rules_pb2.ApplyRulesRequest(parent=self.parent, source=source.format(workspace=self.workspace))
        return self.rules.ApplyRules(request).position

    def apply_agents(self) -> int:
        specs = [agents_pb2.AgentSpec(agent_id=name, capacity=4) for name in ("A1", "A2")]
        specs[0].attributes["level"].int_value = 2
        request = agents_pb2.ApplyRosterRequest(parent=self.parent, agents=specs)
        return self.agents.ApplyRoster(request).position

    async def _start(self) -> None:
        self._log = EventLog(self._dsn, self.workspace)
        await asyncio.to_thread(self._log.create)
        self.writer = Writer(self._log, self.workspace, self._clock or wall_clock)
        await self.writer.open()
        self._queries = Queries(self._dsn, self.workspace)
        questions = Questions(self._dsn, self.workspace)
        spool = Spool(self._spool_directory)
        services = Services(
            self.workspace, self.writer, self._queries, spool, questions, questions.dry_run, self._limits, self._clock
        )
        self.serving = Serving(services, "127.0.0.1:0")
        await self._queries.open()
        await self.serving.start()
        await self.serving.owns(True)
        await self._start_importing()

    async def _start_importing(self) -> None:
        self._importing = asyncio.create_task(self._import())

    async def _stop_importing(self) -> None:
        self._importing.cancel()
        await asyncio.gather(self._importing, return_exceptions=True)

    async def _import(self) -> None:
        async with connected(f"127.0.0.1:{self.serving.port}", self.workspace) as port:
            await Importer(port, Spool(self._spool_directory).open).run()

    async def _stop(self) -> None:
        await self._stop_importing()
        await self.serving.stop(2.0)
        await self.writer.close()
        await self._queries.close()
        self._log.close()

    def _follow_log(self) -> None:
        with connect(self._dsn, schema_of(self.workspace)) as connection:
            create_views(connection)  # so that whoever reads at once finds them, though empty
        following = Projector(self._dsn, self.workspace).run
        self._projector = threading.Thread(target=following, args=(self._projecting,), daemon=True)
        self._projector.start()


def fresh() -> str:
    """A request id nobody used."""
    return uuid4().hex
