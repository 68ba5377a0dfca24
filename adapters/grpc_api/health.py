"""What this server says of itself over the standard health service, by name.

======================  ================================================================================
``""``, ``paidan.v1.*``  SERVING while this server owns its workspace: commands are decided here
``commands``            the same
``queries``             the views answer and are not too far behind; a stand-by's too
``readiness``           both: send work here
``liveness``            the process runs and has not begun to end
======================  ================================================================================
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from grpc_health.v1 import health, health_pb2, health_pb2_grpc

COMMANDS, QUERIES, READINESS, LIVENESS = "commands", "queries", "readiness", "liveness"


class Health:
    """Tells whoever asks or watches."""

    def __init__(self, services: Sequence[str]) -> None:
        self._commands = ("", *services, COMMANDS)
        self._servicer = health.aio.HealthServicer()  # type: ignore[attr-defined]  # put there at run time
        self.owned = self.fresh = False

    def add_to(self, server: Any) -> None:
        """Before the server starts."""
        health_pb2_grpc.add_HealthServicer_to_server(self._servicer, server)

    async def begin(self) -> None:
        """The server listens, and knows nothing yet."""
        await self._say(LIVENESS, True)
        await self.owns(False)
        await self.shows(False)

    async def owns(self, owned: bool) -> None:
        """Whether commands are decided here."""
        self.owned = owned
        for name in self._commands:
            await self._say(name, owned)
        await self._say(READINESS, self.owned and self.fresh)

    async def shows(self, fresh: bool) -> None:
        """Whether views answer with what is recent enough."""
        self.fresh = fresh
        await self._say(QUERIES, fresh)
        await self._say(READINESS, self.owned and self.fresh)

    async def end(self) -> None:
        """Nothing is SERVING from now on."""
        await self._servicer.enter_graceful_shutdown()

    async def _say(self, name: str, serving: bool) -> None:
        status = health_pb2.HealthCheckResponse
        await self._servicer.set(name, status.SERVING if serving else status.NOT_SERVING)
