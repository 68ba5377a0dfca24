"""How methods get to the gRPC server: each with the guard around it, and the telemetry around that.

gRPC's own interceptors would do it anew for every call, a coroutine each; this is done once, before the server starts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.grpc_api.guard import Guard, Handler
from adapters.grpc_api.telemetry import Telemetry


class Registrar:
    """Given to ``add_…Servicer_to_server`` in the server's place. Health and reflection look after themselves."""

    def __init__(self, server: Any, guard: Guard, telemetry: Telemetry) -> None:
        self._server, self._guard, self._telemetry = server, guard, telemetry

    def add_generic_rpc_handlers(self, handlers: Any) -> None:
        """The same methods once more, for servers that know no others."""

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Handler]) -> None:
        """The methods of a service by name."""
        around = {name: self._around(handler, f"/{service}/{name}") for name, handler in handlers.items()}
        self._server.add_registered_method_handlers(service, around)

    def _around(self, handler: Handler, method: str) -> Handler:
        return self._telemetry.around(self._guard.around(handler, method), method)
