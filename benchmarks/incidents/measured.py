"""What the server says came of it: its measures, group by group and priority by priority."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from paidan.v1 import measures_pb2 as pb

from adapters.grpc_api.client import CallError, Client
from benchmarks.incidents.desk import WORKSPACE
from benchmarks.incidents.source import MISSING, NO_GROUP

PARENT = f"workspaces/{WORKSPACE}"
FIGURES = ("opened", "handed_over", "reopened", "resolved")
"""By group."""
RATES = ("incidents", "resolutions", "in_time", "overdue")
"""By priority."""

Counts = dict[str, Counter[str]]
"""Figure -> group or priority -> how many."""


def measured(client: Client, position: int, group_of: Mapping[str, str]) -> Counts:
    """Once the views have come to this position. ``group_of``: of each rule. Raises CallError."""
    found: Counts = {name: Counter() for name in (*FIGURES, *RATES)}
    for row in _asked(client, position, pb.MEASURE_GROUP_BUSINESS_TYPE):
        found["opened"][_group(row.business_type)] += row.created
    for row in _asked(client, position, pb.MEASURE_GROUP_RULE):
        group = _group(group_of.get(row.rule, ""))
        found["handed_over"][group] += row.handed_over
        found["reopened"][group] += row.reopened
        found["resolved"][group] += row.completed
    for row in _asked(client, position, pb.MEASURE_GROUP_TYPE):
        priority = row.type[-1:]
        found["incidents"][priority] += row.created
        found["resolutions"][priority] += row.with_resolve_by
        found["in_time"][priority] += row.resolved_in_time
        found["overdue"][priority] += row.escalated
    return found


def _asked(client: Client, position: int, by: pb.MeasureGroup.ValueType) -> list[pb.Measure]:
    """Views are waited for as long as they take."""
    request = pb.GetMeasuresRequest(parent=PARENT, group_by=[by], min_position=position)
    while True:
        try:
            return list(client.ask(client.measures.GetMeasures, request).measures)
        except CallError as error:
            if not error.late:
                raise


def _group(name: str) -> str:
    """As the file calls it."""
    return MISSING if name == NO_GROUP else name
