"""An agent: who may take what, and how much it holds."""

from __future__ import annotations

import msgspec

from engine.events import AgentSpec

PRESENCES = ("available", "busy", "away", "offline")
"""Push goes to ``available``; a claim may come from ``busy`` too."""


class Agent(msgspec.Struct):
    """Mutable, written only by ``engine.evolve``."""

    spec: AgentSpec
    index: int
    """Order of registration: the last tie-break, so equal agents are always taken in the same order."""
    presence: str
    load: int = 0
    """Open tasks held, over all rules."""
    load_by_rule: dict[str | None, int] = {}
    tasks: set[int] = set()
    """Numbers of the open tasks held."""
    turn: int = 0
    """When it was last picked, counted in picks of the workspace; 0: never."""
    turn_by_rule: dict[str | None, int] = {}

    @property
    def id(self) -> str:
        return self.spec.id

    @property
    def has_room(self) -> bool:
        """Whether push may give it one more task."""
        return self.presence == "available" and self.load < self.spec.capacity


def regions_of(agent: Agent) -> tuple[str, ...]:
    """Regions the agent serves: its attribute ``regions``, or ``region``, or none."""
    regions = agent.spec.attributes.get("regions", agent.spec.attributes.get("region"))
    if isinstance(regions, tuple):
        return tuple(str(region) for region in regions)
    return () if regions is None else (str(regions),)
