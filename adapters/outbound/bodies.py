"""What is sent: one JSON object, ``type``, ``timestamp`` and ``data``, as Standard Webhooks has it.

The same call is always the same bytes. Nothing in it is personal data: the state, which it is made from, has none.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from engine.state.calls import Call

ASKS, TELLS = "task.callback", "task.result"
"""Types."""

_encode = msgspec.json.Encoder(order="deterministic").encode


def body_of(call: Call, workspace: str) -> bytes:
    """JSON in UTF-8."""
    data = {"workspace": workspace, **_task(call), **_ended(call)}
    kind = ASKS if call.result is None else TELLS
    return _encode({"type": kind, "timestamp": _time(call.at), "data": data})


def _task(call: Call) -> dict[str, Any]:
    origin = call.origin
    attributes = zip(origin.columns, call.attributes, strict=True)
    return {
        "task": call.task,
        "task_type": origin.type,
        "business_type": origin.business_type,
        "priority": call.priority,
        "customer": call.customer,
        "owner": call.owner,
        "region": call.region,
        "package": origin.package,
        "attributes": {name: value for name, value in attributes if value is not None},
        "created_at": _time(origin.created_at),
    }


def _ended(call: Call) -> dict[str, Any]:
    ended = call.result
    if ended is None:
        return {}
    return {
        "completed_at": _time(ended.at),
        "agent": ended.agent or None,
        "result": ended.fields,
        "respond_by": _time(ended.respond_by),
        "resolve_by": _time(ended.resolve_by),
        "in_time": ended.at <= ended.resolve_by if ended.resolve_by else None,
    }


def _time(milliseconds: int) -> str | None:
    """RFC 3339; None for 0, which is none."""
    if not milliseconds:
        return None
    return datetime.fromtimestamp(milliseconds / 1_000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
