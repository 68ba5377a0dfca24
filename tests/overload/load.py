"""A crowd of callers in a process of its own: each creates tasks as fast as it may, and counts what it is told.

``python -m tests.overload.load ADDRESS WORKSPACE CALLERS SECONDS`` prints one JSON object.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from time import monotonic
from uuid import uuid4

import grpc
from paidan.v1.tasks_pb2 import CreateTaskRequest
from paidan.v1.tasks_pb2_grpc import TaskServiceStub

from adapters.grpc_api.status import told

CONNECTIONS = 4


async def crowd(address: str, workspace: str, callers: int, seconds: float) -> Counter[str]:
    """Outcome -> calls. An outcome is OK, or a code with its reason."""
    options = [("grpc.use_local_subchannel_pool", 1)]
    channels = [grpc.aio.insecure_channel(address, options=options) for _ in range(CONNECTIONS)]
    stubs = [TaskServiceStub(channel) for channel in channels]
    end, counts = monotonic() + seconds, Counter[str]()
    await asyncio.gather(*(_caller(stubs[n % CONNECTIONS], workspace, end, counts) for n in range(callers)))
    for channel in channels:
        await channel.close()
    return counts


async def _caller(stub: TaskServiceStub, workspace: str, end: float, counts: Counter[str]) -> None:
    while monotonic() < end:
        request = CreateTaskRequest(parent=f"workspaces/{workspace}", task_type="errand", request_id=uuid4().hex)
        try:
            await stub.CreateTask(request, timeout=30)
            counts["OK"] += 1
        except grpc.aio.AioRpcError as error:
            counts[f"{error.code().name} {told(error).reason or error.details()}"] += 1


if __name__ == "__main__":
    print(json.dumps(asyncio.run(crowd(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])))))
