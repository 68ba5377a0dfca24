"""AgentService: keeps the roster."""

# ruff: noqa: N802 - RPCs are named as in the contract
from __future__ import annotations

from paidan.v1 import agents_pb2 as pb
from paidan.v1.agents_pb2_grpc import AgentServiceServicer

from adapters.grpc_api.agent_messages import agent_message, spec_of
from adapters.grpc_api.desk import Context, Desk
from adapters.grpc_api.reading import Reading
from adapters.grpc_api.words import presence_word
from engine.commands import ApplyRoster, SetPresence

MAX_AGENTS = 20_000


class AgentService(AgentServiceServicer):
    """Thin: checks a request, hands a command in, renders the answer."""

    def __init__(self, desk: Desk, reading: Reading) -> None:
        self._desk, self._reading = desk, reading

    async def ApplyRoster(self, request: pb.ApplyRosterRequest, context: Context) -> pb.ApplyRosterResponse:
        checks = self._desk.checks()
        checks.parent(request.parent)
        if len(request.agents) > MAX_AGENTS or not (request.agents or request.prune):
            checks.wrong("agents", f"Expected 1 to {MAX_AGENTS} agents, but got {len(request.agents)}")
        checks.line("request_id", request.request_id)
        checks.end()
        agents = tuple(spec_of(checks, index, message) for index, message in enumerate(request.agents))
        checks.end()
        answer = await self._desk.submit(ApplyRoster(agents, request.prune), request.request_id, context)
        return pb.ApplyRosterResponse(position=answer.position, changed=answer.changed)

    async def ListAgents(self, request: pb.ListAgentsRequest, context: Context) -> pb.ListAgentsResponse:
        checks = self._desk.checks()
        checks.parent(request.parent)
        checks.page(request)
        checks.end()
        page = await self._reading.agents(request, context)
        return pb.ListAgentsResponse(
            agents=[agent_message(self._desk.name("agents", row.id), row) for row in page.rows],
            next_page_token=page.next_page_token,
            position=page.position,
        )

    async def GetAgent(self, request: pb.GetAgentRequest, context: Context) -> pb.GetAgentResponse:
        checks = self._desk.checks()
        agent = checks.id_in("agents", request.name)
        minimum = checks.number("min_position", request.min_position)
        checks.end()
        row, position = await self._reading.agent(agent, minimum, context)
        return pb.GetAgentResponse(agent=agent_message(request.name, row), position=position)

    async def SetPresence(self, request: pb.SetPresenceRequest, context: Context) -> pb.SetPresenceResponse:
        checks = self._desk.checks()
        agent = checks.id_in("agents", request.name)
        presence = presence_word(request.presence)
        if presence is None:
            checks.wrong("presence", "Expected available, busy, away or offline, but it is not set")
        reason = checks.text("reason", request.reason)
        checks.line("request_id", request.request_id)
        checks.end()
        command = SetPresence(agent, presence or "", reason)
        answer = await self._desk.submit(command, request.request_id, context)
        return pb.SetPresenceResponse(name=request.name, position=answer.position, changed=answer.changed)
