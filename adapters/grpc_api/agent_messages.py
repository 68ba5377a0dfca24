"""Agents as messages, and rosters as commands."""

from __future__ import annotations

from paidan.v1 import agents_pb2 as pb

from adapters.grpc_api.checks import MAX_ID, Checks
from adapters.grpc_api.values import of_values, to_values
from adapters.grpc_api.words import PRESENCE, presence_word, timestamp
from engine.events import AgentSpec
from projections.rows import AgentView


def agent_message(name: str, row: AgentView) -> pb.Agent:
    """An agent with what it holds."""
    return pb.Agent(
        name=name,
        agent_id=row.id,
        display_name=row.name,
        team=row.team,
        presence=PRESENCE[row.presence],
        capacity=row.capacity,
        weight=row.weight,
        load=row.load,
        load_by_rule=row.load_by_rule,
        attributes=to_values(row.attributes),
        assigned_total=row.assigned_total,
        completed_total=row.completed_total,
        removed=row.removed,
        update_time=timestamp(row.changed_at),
    )


def spec_of(checks: Checks, index: int, message: pb.AgentSpec) -> AgentSpec:
    """The roster line a message describes; what is wrong with its form is noted."""
    at = f"agents[{message.agent_id[:MAX_ID] or index}]"
    plain = AgentSpec(checks.line(f"{at}.agent_id", message.agent_id, required=True))
    if "/" in message.agent_id:
        checks.wrong(f"{at}.agent_id", f"Expected an id without a slash, but got {message.agent_id[:MAX_ID]!r}")
    presence = presence_word(message.presence or PRESENCE[plain.presence])
    if presence is None:
        checks.wrong(f"{at}.presence", f"Expected a known presence, but got {message.presence}")
    return AgentSpec(
        plain.id,
        checks.line(f"{at}.display_name", message.display_name),
        checks.line(f"{at}.team", message.team),
        message.capacity if message.HasField("capacity") else plain.capacity,
        message.weight if message.HasField("weight") else plain.weight,
        of_values(message.attributes),
        presence or plain.presence,
    )
