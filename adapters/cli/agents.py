"""``paidan agents``: apply a roster, list, presence."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from adapters.cli.options import File, Filter, Limit, OrderBy, Reason, RequestId
from adapters.cli.session import Session, fail, remote

if TYPE_CHECKING:
    from paidan.v1.agents_pb2 import AgentSpec as AgentMessage

    from engine.events import AgentSpec

app = typer.Typer(help="Agents: who may take work, and who is there.", no_args_is_help=True)


class There(StrEnum):
    """What ``--help`` offers as presence."""

    available = "available"
    busy = "busy"
    away = "away"
    offline = "offline"


@app.command("apply")
@remote
def apply_roster(
    session: Session,
    file: File,
    prune: Annotated[bool, typer.Option("--prune", help="Also remove agents that the file does not name.")] = False,
    request_id: RequestId = "",
) -> None:
    """Register the agents of a YAML or CSV file, or give them new data."""
    from paidan.v1.agents_pb2 import ApplyRosterRequest

    from adapters.grpc_api.client import fresh_request_id

    agents = [agent_message(agent) for agent in _read(session, file)]
    request = ApplyRosterRequest(
        parent=session.parent, agents=agents, prune=prune, request_id=request_id or fresh_request_id()
    )
    answer = session.ask(session.client.agents.ApplyRoster, request)
    done = f"The roster of {len(agents)} agents is in force" if answer.changed else "The roster was in force already"
    session.tell(answer, f"{done} (position {answer.position}).")


@app.command("list")
@remote
def list_agents(session: Session, filter: Filter = "", order_by: OrderBy = "", limit: Limit = 50) -> None:  # noqa: A002
    """Agents with what they hold."""
    from paidan.v1.agents_pb2 import ListAgentsRequest

    from adapters.cli.rendering import field, number, pairs, word

    request = ListAgentsRequest(parent=session.parent, filter=filter, order_by=order_by)
    rows = session.pages(session.client.agents.ListAgents, request, "agents", limit)
    columns = [
        ("agent", field("agent_id")), ("name", field("display_name")), ("team", field("team")),
        ("presence", word("presence")), ("load#", number("load")), ("of#", number("capacity")),
        ("weight#", number("weight")), ("by rule", pairs("load_by_rule")), ("done#", number("completed_total")),
        ("attributes", pairs("attributes")),
    ]  # fmt: skip
    session.show_rows(rows, columns, "No agents; register some with: paidan agents apply FILE")


@app.command("presence")
@remote
def presence(
    session: Session,
    agent: Annotated[str, typer.Argument(help="Id of the agent.")],
    presence: Annotated[There, typer.Argument(help="Whether the agent is there.")],
    reason: Reason = "",
    request_id: RequestId = "",
) -> None:
    """Note whether an agent is there."""
    from paidan.v1.agents_pb2 import Presence, SetPresenceRequest

    from adapters.grpc_api.client import fresh_request_id

    request = SetPresenceRequest(
        name=session.name("agents", agent), presence=Presence.Value(f"PRESENCE_{presence.upper()}"),
        reason=reason, request_id=request_id or fresh_request_id(),
    )  # fmt: skip
    answer = session.ask(session.client.agents.SetPresence, request)
    session.tell(answer, f"{agent} is {presence}" + ("." if answer.changed else ", as before."))


def _read(session: Session, file: Path) -> list[AgentSpec]:
    from adapters.rosters.reading import RosterError, read_roster

    declared = _declared(session) if file.suffix.lower() == ".csv" else {}
    try:
        return read_roster(file, declared)
    except RosterError as error:
        raise fail(f"Expected a roster in {file}, but found {len(error.faults)} problem(s):\n{error}") from error
    except OSError as error:
        raise fail(f"Expected to read {file}, but {error}") from error


def _declared(session: Session) -> Mapping[str, Any]:
    """Agent attributes and their types in the rules in force; none where there are no rules."""
    from paidan.v1.rules_pb2 import GetRuleSetRequest

    from adapters.grpc_api.client import CallError
    from engine.rules.document import load

    try:
        found = session.query(
            session.client.rules.GetRuleSet, GetRuleSetRequest(name=session.name("ruleSets", "current"))
        )
    except CallError as error:
        if error.reason == "RULE_SET_UNKNOWN":
            return {}
        raise
    return load(found.rule_set.source).agent_attributes  # read as the server read it: it was accepted there


def agent_message(agent: AgentSpec) -> AgentMessage:
    from paidan.v1.agents_pb2 import AgentSpec as AgentMessage
    from paidan.v1.agents_pb2 import Presence

    from adapters.grpc_api.values import to_values

    name = f"PRESENCE_{agent.presence.upper()}"
    if name not in Presence.keys():  # noqa: SIM118 - an enum wrapper, which has no other way to ask
        raise fail(f"Expected agent {agent.id} to be available, busy, away or offline, but got {agent.presence!r}")
    return AgentMessage(
        agent_id=agent.id, display_name=agent.name, team=agent.team, capacity=agent.capacity, weight=agent.weight,
        attributes=to_values(agent.attributes), presence=Presence.Value(name),
    )  # fmt: skip
