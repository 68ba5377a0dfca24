"""One short question to a server: is it there, and what does it say of its health."""

from __future__ import annotations

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

PATIENCE_S = 2.0


def health_of(server: str, service: str = "", seconds: float = PATIENCE_S) -> str:
    """``SERVING``, ``NOT_SERVING``, or the gRPC code of a call that failed (``UNAVAILABLE``: nobody answers)."""
    with grpc.insecure_channel(server) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        try:
            answer = health.Check(health_pb2.HealthCheckRequest(service=service), timeout=seconds)
        except grpc.RpcError as error:
            return str(error.code().name)
    return str(health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))
