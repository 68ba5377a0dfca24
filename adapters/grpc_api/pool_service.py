"""PoolService: shows what waits and how work is spread."""

# ruff: noqa: N802 - RPCs are named as in the contract
from __future__ import annotations

from paidan.v1 import pools_pb2 as pb
from paidan.v1.pools_pb2_grpc import PoolServiceServicer

from adapters.grpc_api.desk import Context, Desk
from adapters.grpc_api.reading import Reading
from adapters.grpc_api.task_messages import count_message, pool_message, spread_message


class PoolService(PoolServiceServicer):
    """Thin: queries, rendered."""

    def __init__(self, desk: Desk, reading: Reading) -> None:
        self._desk, self._reading = desk, reading

    async def ListPools(self, request: pb.ListPoolsRequest, context: Context) -> pb.ListPoolsResponse:
        checks = self._desk.checks()
        checks.parent(request.parent)
        checks.page(request)
        checks.end()
        page = await self._reading.pools(request, context)
        return pb.ListPoolsResponse(
            pools=map(pool_message, page.rows), next_page_token=page.next_page_token, position=page.position
        )

    async def GetStatistics(self, request: pb.GetStatisticsRequest, context: Context) -> pb.GetStatisticsResponse:
        checks = self._desk.checks()
        checks.parent(request.parent)
        minimum = checks.number("min_position", request.min_position)
        checks.end()
        counts, spread, position = await self._reading.statistics(minimum, context)
        return pb.GetStatisticsResponse(
            counts=map(count_message, counts), spread=map(spread_message, spread), position=position
        )
