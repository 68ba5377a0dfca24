"""Agents come, change and go."""

from __future__ import annotations

from engine import events as ev
from engine.evolve.holding import ease
from engine.state import Agent, State


def registered(state: State, event: ev.AgentsRegistered, _recorded: ev.Recorded) -> None:
    state.roster_version += 1
    for spec in event.agents:
        known = state.agents.get(spec.id)
        if known is not None:
            known.spec = spec
            continue
        state.agents_seen += 1
        state.agents[spec.id] = Agent(spec, index=state.agents_seen, presence=spec.presence)


def removed(state: State, event: ev.AgentsRemoved, _recorded: ev.Recorded) -> None:
    state.roster_version += 1
    for agent_id in event.agents:
        del state.agents[agent_id]
        state.eased.pop(agent_id, None)


def presence_changed(state: State, event: ev.AgentPresenceChanged, _recorded: ev.Recorded) -> None:
    state.agents[event.agent].presence = event.presence
    ease(state, event.agent)
