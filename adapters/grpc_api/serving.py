"""The gRPC server of one workspace: services, health, reflection, limits, and an end that loses nothing."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

import grpc
from grpc_health.v1 import health
from grpc_reflection.v1alpha import reflection
from paidan.v1 import (
    agents_pb2,
    audit_pb2,
    connector_pb2,
    importer_pb2,
    measures_pb2,
    packages_pb2,
    pools_pb2,
    rules_pb2,
    tasks_pb2,
)
from paidan.v1.agents_pb2_grpc import add_AgentServiceServicer_to_server
from paidan.v1.audit_pb2_grpc import add_AuditServiceServicer_to_server
from paidan.v1.connector_pb2_grpc import add_ConnectorServiceServicer_to_server
from paidan.v1.importer_pb2_grpc import add_ImporterServiceServicer_to_server
from paidan.v1.measures_pb2_grpc import add_MeasureServiceServicer_to_server
from paidan.v1.packages_pb2_grpc import add_PackageServiceServicer_to_server
from paidan.v1.pools_pb2_grpc import add_PoolServiceServicer_to_server
from paidan.v1.rules_pb2_grpc import add_RuleServiceServicer_to_server
from paidan.v1.tasks_pb2_grpc import add_TaskServiceServicer_to_server

from adapters.grpc_api.agent_service import AgentService
from adapters.grpc_api.assignments_stream import AssignmentStream
from adapters.grpc_api.audit_service import AuditService
from adapters.grpc_api.connections import options_of
from adapters.grpc_api.connector_service import ConnectorService
from adapters.grpc_api.desk import Desk
from adapters.grpc_api.guard import Guard
from adapters.grpc_api.health import Health
from adapters.grpc_api.importer_service import ImporterService
from adapters.grpc_api.job_turns import JobTurns
from adapters.grpc_api.measure_service import MeasureService
from adapters.grpc_api.methods import Methods
from adapters.grpc_api.needed_lists import needed_lists
from adapters.grpc_api.package_service import PackageService
from adapters.grpc_api.pool_service import PoolService
from adapters.grpc_api.reading import Reading
from adapters.grpc_api.rule_service import RuleService
from adapters.grpc_api.services import Services
from adapters.grpc_api.task_service import TaskService
from adapters.grpc_api.telemetry import Telemetry
from adapters.grpc_api.waiting import Tail
from adapters.grpc_api.watching import Watching
from adapters.importing.spool_room import sweep_for_ever

log = logging.getLogger("paidan.grpc")

GRACE_S = 15.0
"""What was accepted is finished within this, or cut off."""
FLUSH_S = 0.1
"""For the last answers to leave."""
QUIET = 3
"""As often in a row no call has come: a busy machine may not have come to look."""
FLUSHES = 50
"""As often at most, while calls still come in."""
LAST_S = 2.0
"""For answers that are under way to slow callers."""
SPARE_CALLS = 2_000
"""Beyond what the gates let in: those that are being refused. gRPC itself turns away more, in fewer words."""

FILES = (
    agents_pb2, audit_pb2, connector_pb2, importer_pb2, measures_pb2, packages_pb2, pools_pb2, rules_pb2, tasks_pb2,
)  # fmt: skip
SERVICES = tuple(service.full_name for file in FILES for service in file.DESCRIPTOR.services_by_name.values())


class Serving:
    """``start`` listens; ``owns`` tells health whether the workspace is ours; ``stop`` finishes what was accepted."""

    def __init__(self, services: Services, listen: str, telemetry: Telemetry | None = None) -> None:
        self._listen = listen
        self._guard = Guard(services.limits)
        self._spool, self._writer = services.spool, services.writer
        self._sweeping: asyncio.Task[None] | None = None
        self._tail = Tail(services.writer, services.limits.wait_s)
        self._watching = Watching(services)
        self._health = Health(SERVICES)
        self._server = grpc.aio.server(
            options=options_of(services.limits),
            maximum_concurrent_rpcs=self._guard.gates.room + SPARE_CALLS,
        )
        self.port = 0
        """Listened on, once started; of use where ``listen`` leaves the choice with port 0."""
        self._add_services(services, telemetry or Telemetry())

    async def start(self) -> None:
        """Listen; health says NOT_SERVING until ``owns(True)``. Raises OSError where the address is taken."""
        await self._health.begin()
        try:
            self.port = self._server.add_insecure_port(self._listen)
        except RuntimeError as error:
            told = f"Expected to listen on {self._listen}, but it cannot be had; stop what has it, or choose another"
            raise OSError(told) from error
        await self._server.start()
        self._watching.start()
        self._sweeping = asyncio.create_task(sweep_for_ever(self._spool.sweep, partial(needed_lists, self._writer)))
        log.info("listening on %s", self._listen)

    async def owns(self, owned: bool) -> None:
        """Health: SERVING while this server owns the workspace."""
        await self._health.owns(owned)

    async def shows(self, fresh: bool) -> None:
        """Health: whether views answer with what is recent enough."""
        await self._health.shows(fresh)

    async def stop(self, grace: float = GRACE_S) -> None:
        """Take nothing new, finish what was accepted, end streams that would go on for ever."""
        await self._health.end()
        self._tail.stopping = self._guard.closing = True
        await self._watching.stop()
        if self._sweeping is not None:
            self._sweeping.cancel()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._guard.idle(), grace)
        await self._turn_away()
        await self._server.stop(LAST_S)

    async def _turn_away(self) -> None:
        """What has arrived and was not looked at yet gRPC would end as CANCELLED, which clients do not try again."""
        quiet = 0
        for _ in range(FLUSHES):
            seen = self._guard.seen
            await asyncio.sleep(FLUSH_S)
            quiet = quiet + 1 if self._guard.seen == seen and self._guard.is_idle else 0
            if quiet == QUIET:
                return

    def _add_services(self, services: Services, telemetry: Telemetry) -> None:
        server: Any = Methods(self._guard, telemetry)
        tail, desk = self._tail, Desk(services)
        reading, jobs = Reading(services), JobTurns(services)
        services = replace(services, audit=jobs, dry_run=jobs.dry_run)
        add_RuleServiceServicer_to_server(RuleService(desk, reading, services), server)
        add_AgentServiceServicer_to_server(AgentService(desk, reading), server)
        add_PackageServiceServicer_to_server(PackageService(desk, reading, services, tail), server)
        add_TaskServiceServicer_to_server(
            TaskService(desk, reading, AssignmentStream(services, self._watching)), server
        )
        add_PoolServiceServicer_to_server(PoolService(desk, reading), server)
        add_MeasureServiceServicer_to_server(MeasureService(desk, reading, services), server)
        add_AuditServiceServicer_to_server(AuditService(desk, reading, services, tail), server)
        add_ImporterServiceServicer_to_server(ImporterService(desk, services.writer, tail), server)
        add_ConnectorServiceServicer_to_server(ConnectorService(desk, services, tail), server)
        self._health.add_to(server)
        reflection.enable_server_reflection((*SERVICES, health.SERVICE_NAME, reflection.SERVICE_NAME), server)
        self._server.add_generic_rpc_handlers((server,))
