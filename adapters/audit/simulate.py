"""Replays of a whole log for those who question it: each for a process of its own."""

from __future__ import annotations

from collections.abc import Callable

from adapters.audit.findings import Progress
from adapters.log.event_log import EventLog
from engine.refusals import Refusal
from engine.simulation import Simulation, SimulationReport

EVERY = 100
"""Events between two words of progress."""


def simulate(dsn: str, workspace: str, source: str, say: Callable[[Progress], None]) -> SimulationReport | Refusal:
    """The log's inputs lived through again under another rule document."""
    simulation = Simulation(workspace, source)
    refused = simulation.begin()
    if refused is not None:
        return refused
    log = EventLog(dsn, workspace)
    try:
        total = log.head()
        for recorded in log.replay():
            simulation.feed(recorded)
            if recorded.position % EVERY == 0:
                say(Progress("simulate", recorded.position, total))
    finally:
        log.close()
    return simulation.report()
