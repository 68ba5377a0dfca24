"""The methods that the gRPC server knows: each with the guard around it, and the telemetry around that.

They are wrapped once, before the server starts; gRPC's own interceptors would do it anew for every call. And they are
one generic handler: for methods that are registered one by one, grpc.aio waits with one task each, and goes through all
of them whenever a call comes, which with some forty methods costs as much as a command's decision.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import grpc

from adapters.grpc_api.guard import Guard, Handler
from adapters.grpc_api.telemetry import Telemetry

STANDARD = "grpc."
"""Health and reflection look after themselves."""


class Methods(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # generic in the stubs alone
    """Given to ``add_…Servicer_to_server`` in the server's place, and then to the server."""

    def __init__(self, guard: Guard, telemetry: Telemetry) -> None:
        self._guard, self._telemetry = guard, telemetry
        self._handlers: dict[str, Handler] = {}

    def service(self, handler_call_details: Any) -> Handler | None:
        """The handler of ``/package.Service/Method``; None where there is no such method."""
        return self._handlers.get(handler_call_details.method)

    def add_generic_rpc_handlers(self, handlers: Any) -> None:
        """The same methods once more, as a server takes them that knows no names."""

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Handler]) -> None:
        """The methods of a service by name."""
        for name, handler in handlers.items():
            method = f"/{service}/{name}"
            self._handlers[method] = handler if service.startswith(STANDARD) else self._around(handler, method)

    def _around(self, handler: Handler, method: str) -> Handler:
        return self._telemetry.around(self._guard.around(handler, method), method)
