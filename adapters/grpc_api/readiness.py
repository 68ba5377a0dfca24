"""Waiting for a server to be ready."""

from __future__ import annotations

from time import monotonic, sleep

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

PAUSE_S = 0.05


def wait_until_serving(server: str, seconds: float) -> bool:
    """Whether the server owns its workspace within that time."""
    end = monotonic() + seconds
    with grpc.insecure_channel(server) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        while (left := end - monotonic()) > 0:
            if _says_so(health, left):
                return True
            sleep(PAUSE_S)
    return False


def _says_so(health: health_pb2_grpc.HealthStub, seconds: float) -> bool:
    """False also where the server ends meanwhile: the next one may say so."""
    watch = health.Watch(health_pb2.HealthCheckRequest(), timeout=seconds, wait_for_ready=True)
    try:
        return any(answer.status == health_pb2.HealthCheckResponse.SERVING for answer in watch)
    except grpc.RpcError:
        return False
