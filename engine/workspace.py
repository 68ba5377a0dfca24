"""The workspace: command -> decision -> events -> state, one command after another.

Pure but for the state it owns: no clock, no log. The writer (adapters/log/writer.py) gives it the time, appends what it
returns, and throws the whole object away if an append fails.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from engine.answers import Answer, answer_of
from engine.commands import Order, Tick
from engine.decide import Context, decide, fingerprint_of
from engine.decide.judge import Judge
from engine.events import Event, Recorded
from engine.evolve import evolve
from engine.reactions import ROUND, Agenda
from engine.refusals import Refusal
from engine.state import State

Outcome = tuple[list[Recorded], Answer | Refusal]
"""What to append, and what to tell the caller once it is durable."""

SYSTEM = "paidan"
"""Actor of what the engine does of its own accord."""


class Workspace:
    """One log's state and what still has to be looked at."""

    def __init__(self, name: str) -> None:
        self.state = State(name)
        self._judge = Judge()
        self._agenda = Agenda()

    def restore(self, log: Iterable[Recorded]) -> None:
        """Replay the log; nothing is decided."""
        for recorded in log:
            evolve(self.state, recorded)

    def wake(self) -> None:
        """After the last restored event: put everything on the agenda once."""
        self._agenda.everything(self.state)

    def handle(self, order: Order, now: int) -> Outcome:
        """Decide one command and write its events into the state."""
        now = max(now, self.state.at)
        decision = decide(self.state, order, Context(now, self._judge))
        if not isinstance(decision, list):
            return [], self._told(decision)
        fingerprint = fingerprint_of(order.command) if order.request else ""
        recorded = [self._record(event, order, now, fingerprint) for event in decision]
        self._agenda.again(order.command, decision)
        return recorded, self._told(self._answer(order, recorded))

    def follow_up(self, now: int, most: int | None = None) -> Outcome | None:
        """The next step of what events have set in motion, of ``most`` tasks or a round; None when all is at rest."""
        command = self._agenda.next(self.state, most)
        return None if command is None else self.handle(Order(command, SYSTEM), now)

    def tick(self, now: int, most: int | None = None) -> Outcome:
        """Act on timers that are due, ``most`` of them or a round."""
        return self.handle(Order(Tick(most or ROUND), SYSTEM), now)

    def _answer(self, order: Order, recorded: list[Recorded]) -> Answer:
        if order.request:
            return self.state.requests[order.request]  # as a repeat will be told
        return replace(answer_of(recorded[0]), position=recorded[-1].position)

    def _told(self, decision: Answer | Refusal) -> Answer | Refusal:
        return decision.refusal if isinstance(decision, Answer) and decision.refusal else decision

    def _record(self, event: Event, order: Order, now: int, fingerprint: str) -> Recorded:
        recorded = Recorded(
            self.state.position + 1,
            now,
            order.actor,
            order.request,
            order.correlation or order.request,
            event,
            fingerprint,
            order.trace,
        )
        evolve(self.state, recorded)
        self._agenda.note(self.state, event)
        return recorded
