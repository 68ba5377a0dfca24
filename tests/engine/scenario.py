"""Given / when / then in three arguments: what happened, what is asked, what comes of it.

``given`` holds commands and events in any order, with ``After`` (time passes), ``REST`` (what they set in motion comes
to rest), ``DUE`` and ``RESTART`` between them; ``then`` is the list of events, a ``Refused``, or ``UNCHANGED``. A given
event is only written into the state, as by replay: it sets nothing in motion until a ``RESTART``.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from engine.answers import Answer
from engine.commands import Command, Order
from engine.events import Event, Recorded, TasksAllocated
from engine.refusals import Refusal
from engine.state import State
from engine.workspace import Workspace

NOW = 1_700_000_000_000
MINUTE = 60_000


class After(msgspec.Struct, frozen=True):
    """Time passes, in milliseconds."""

    ms: int


class Rest(msgspec.Struct, frozen=True):
    """Follow-ups run until there are none."""


class Due(msgspec.Struct, frozen=True):
    """The clock ticks once, and what it sets in motion comes to rest."""


class Refused(msgspec.Struct, frozen=True):
    kind: str
    reason: str


class Restart(msgspec.Struct, frozen=True):
    """The process ends; another one replays the log and wakes up."""


REST, DUE, RESTART = Rest(), Due(), Restart()
UNCHANGED = "unchanged"

Step = Command | Order | Event | After | Rest | Due | Restart
Then = Sequence[Event] | Refused | str


class Scenario:
    """A workspace named ``bank`` and a clock that only moves when it is told to."""

    def __init__(self, *given: Step) -> None:
        self.workspace = Workspace("bank")
        self.now = NOW
        self.log: list[Recorded] = []
        for step in given:
            self.do(step)

    @property
    def state(self) -> State:
        return self.workspace.state

    @property
    def events(self) -> list[Event]:
        return [recorded.event for recorded in self.log]

    def do(self, step: Step) -> Then:
        """Take one step; tells what came of it."""
        match step:
            case After(ms):
                self.now += ms
                return UNCHANGED
            case Rest():
                return self.rest()
            case Due():
                recorded, _ = self.workspace.tick(self.now)
                self.log.extend(recorded)
                return [*(one.event for one in recorded), *self.rest()]
            case Restart():
                return self._restart()
            case Event():
                return self._happened(step)
            case Order():
                return self._told(self.workspace.handle(step, self.now))
        return self._told(self.workspace.handle(Order(step, "op"), self.now))

    def answer(self, command: Command, request: str = "") -> Answer | Refusal:
        """What the caller is told."""
        recorded, told = self.workspace.handle(Order(command, "op", request), self.now)
        self.log.extend(recorded)
        return told

    def rest(self) -> list[Event]:
        """Run follow-ups until all is at rest; fails where that never is."""
        before = len(self.log)
        for _ in range(1_000):
            outcome = self.workspace.follow_up(self.now)
            if outcome is None:
                return [recorded.event for recorded in self.log[before:]]
            self.log.extend(outcome[0])
        raise AssertionError("Expected the workspace to come to rest, but it goes on for ever")

    def _happened(self, event: Event) -> Then:
        recorded = Recorded(self.state.position + 1, self.now, "op", "", "", event)
        self.workspace.restore([recorded])
        self.log.append(recorded)
        return [event]

    def _restart(self) -> Then:
        self.workspace = Workspace("bank")
        self.workspace.restore(self.log)
        self.workspace.wake()
        return UNCHANGED

    def _told(self, outcome: tuple[list[Recorded], Answer | Refusal]) -> Then:
        recorded, told = outcome
        self.log.extend(recorded)
        if isinstance(told, Refusal):
            return Refused(told.kind, told.reason)
        return [one.event for one in recorded] if recorded else UNCHANGED


def expect(given: Sequence[Step], when: Step, then: Then) -> Scenario:
    """Fails unless ``when``, after ``given``, comes to ``then``."""
    scenario = Scenario(*given)
    assert scenario.do(when) == then
    return scenario


def outcome(scenario: Scenario, step: Step) -> str:
    """A word for what came of a step: ``accepted``, ``unchanged``, or the reason it was refused for."""
    told = scenario.do(step)
    if isinstance(told, Refused):
        return told.reason
    return told if isinstance(told, str) else "accepted"


def holders(scenario: Scenario) -> dict[int, str | None]:
    """Open task -> the agent who holds it."""
    return {number: task.agent for number, task in scenario.state.tasks.items()}


def picks(scenario: Scenario) -> dict[int, tuple[str, str, tuple[str, ...]]]:
    """Task -> (agent, by, passed) over all rounds so far."""
    found: dict[int, tuple[str, str, tuple[str, ...]]] = {}
    for event in scenario.events:
        if isinstance(event, TasksAllocated):
            for place, number in enumerate(event.tasks):
                pick = event.picks[event.how[place]]
                found[number] = (event.agents[event.who[place]], pick.by, pick.passed)
    return found
