"""Measures as messages."""

from __future__ import annotations

from paidan.v1 import measures_pb2 as pb

from adapters.grpc_api.words import timestamp
from projections.measuring import COUNTED, GROUPS, KEPT, GroupBy, MeasureView, Spread

GROUP_WORDS: dict[pb.MeasureGroup.ValueType, GroupBy] = {
    pb.MeasureGroup.Value(f"MEASURE_GROUP_{word.upper()}"): word for word in GROUPS
}
_PLAIN = (*GROUPS, *COUNTED, *KEPT)


def measure_message(row: MeasureView) -> pb.Measure:
    """One group."""
    return pb.Measure(
        bucket_time=timestamp(row.bucket_at),
        to_assign=_spread(row.to_assign),
        to_start=_spread(row.to_start),
        to_complete=_spread(row.to_complete),
        **{name: getattr(row, name) for name in _PLAIN},
    )


def _spread(spread: Spread | None) -> pb.DurationSpread | None:
    if spread is None:
        return None
    return pb.DurationSpread(count=spread.count, p50_ms=spread.p50, p90_ms=spread.p90, p99_ms=spread.p99)
