"""MeasureService: what was done in a time, how fast, and how much of it on time."""

# ruff: noqa: N802 - RPCs are named as in the contract
from __future__ import annotations

from paidan.v1 import measures_pb2 as pb
from paidan.v1.measures_pb2_grpc import MeasureServiceServicer

from adapters.grpc_api.checks import Checks
from adapters.grpc_api.desk import Context, Desk
from adapters.grpc_api.gates import Turns
from adapters.grpc_api.measure_messages import GROUP_WORDS, measure_message
from adapters.grpc_api.reading import Reading
from adapters.grpc_api.services import Services
from projections.measuring import GroupBy, MeasuresAsked

AT_ONCE = 2
"""Measures over a million tasks take PostgreSQL seconds; other queries must find a connection meanwhile."""
LONGEST_MS = 10 * 366 * 24 * 3_600_000
"""Of a bucket."""


class MeasureService(MeasureServiceServicer):
    """A query that may be heavy, in turn."""

    def __init__(self, desk: Desk, reading: Reading, services: Services) -> None:
        self._desk, self._reading = desk, reading
        limits = services.limits
        self._turns = Turns("measures", AT_ONCE, limits.queries_waiting, limits.query_wait_s)

    async def GetMeasures(self, request: pb.GetMeasuresRequest, context: Context) -> pb.GetMeasuresResponse:
        checks = self._desk.checks()
        checks.parent(request.parent)
        asked = MeasuresAsked(
            checks.moment("start_time", request),
            checks.moment("end_time", request),
            tuple(_groups(checks, request)),
            checks.number("bucket_ms", request.bucket_ms, 0, LONGEST_MS),
        )
        minimum = checks.number("min_position", request.min_position)
        checks.end()
        rows, position = await self._reading.measures(asked, self._turns, minimum, context)
        return pb.GetMeasuresResponse(measures=map(measure_message, rows), position=position)


def _groups(checks: Checks, request: pb.GetMeasuresRequest) -> list[GroupBy]:
    found = []
    for group in request.group_by:
        if group in GROUP_WORDS:
            found.append(GROUP_WORDS[group])
        else:
            checks.wrong("group_by", f"Expected one of {', '.join(GROUP_WORDS.values())}, but got {group}")
    return found
