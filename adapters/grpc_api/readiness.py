"""Waiting for a server to be ready."""

from __future__ import annotations

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc


def wait_until_serving(server: str, seconds: float) -> bool:
    """Whether the server owns its workspace within that time."""
    with grpc.insecure_channel(server) as channel:
        watch = health_pb2_grpc.HealthStub(channel).Watch(
            health_pb2.HealthCheckRequest(), timeout=seconds, wait_for_ready=True
        )
        try:
            return any(answer.status == health_pb2.HealthCheckResponse.SERVING for answer in watch)
        except grpc.RpcError:
            return False
