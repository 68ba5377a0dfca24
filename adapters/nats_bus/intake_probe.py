"""``paidan doctor``'s look at what has still to become a task, and at what never did."""

from __future__ import annotations

from datetime import UTC, datetime

from nats.js import JetStreamContext
from nats.js.api import StreamState
from nats.js.errors import NotFoundError

from adapters.nats_bus.intake_streams import DURABLE, dead_stream, waiting_stream
from adapters.operations.findings import Finding, ok, warn

INTAKE, DEAD = "intake", "dead letters"


async def intake_findings(js: JetStreamContext, workspace: str, late_s: float) -> list[Finding]:
    """The connector's lag, and the dead letters. Raises nats.errors.Error."""
    name = waiting_stream(workspace)
    try:
        waiting = await js.consumer_info(name, DURABLE)
        dead = (await js.stream_info(dead_stream(workspace))).state
    except NotFoundError:
        return [warn(INTAKE, f"{name} is not there, or nobody takes from it", "start the connector")]
    age = await _age_s(js, name)
    count, given = waiting.num_pending or 0, waiting.num_ack_pending or 0
    told = f"{name}: {count:,} messages wait, {given:,} are given out"
    if age > late_s:
        told += f", the oldest came {age:,.0f} s ago"
        return [warn(INTAKE, told, "see whether the connector and the server run, and what they log"), _dead(dead)]
    return [ok(INTAKE, told), _dead(dead)]


async def _age_s(js: JetStreamContext, name: str) -> float:
    """Of the oldest message that waits or is given out; 0 where there is none."""
    state = (await js.stream_info(name)).state
    if not state.messages:
        return 0.0
    try:
        oldest = (await js.get_msg(name, seq=state.first_seq)).time
    except NotFoundError:  # it has just become a task
        return 0.0
    return (datetime.now(UTC) - oldest).total_seconds() if oldest is not None else 0.0


def _dead(state: StreamState) -> Finding:
    if not state.messages:
        return ok(DEAD, "none")
    return warn(
        DEAD, f"{state.messages:,} messages never became tasks", "read why in their headers, mend and send them again"
    )
