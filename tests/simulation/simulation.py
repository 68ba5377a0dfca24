"""A workspace under a random sequence of commands, checked after every one of them."""

from __future__ import annotations

from adapters.log.codec import GENESIS, decode, encode, hash_of
from engine import events as ev
from engine.answers import Answer
from engine.commands import ClaimTask, Command, Order, Tick
from engine.evolve import evolve
from engine.refusals import Refusal
from engine.state import State
from engine.workspace import SYSTEM, Outcome, Workspace
from tests.simulation.invariants import check_at_rest, check_decision, check_refused_claim, check_timers
from tests.simulation.ledger import Ledger
from tests.simulation.worlds import NOW

RESTS_WITHIN = 2_000


class Simulation:
    """``replica`` is built from the log's bytes alone; ``twin``, once there, is a restarted workspace in step."""

    def __init__(self, checked: bool = True) -> None:
        self.live = Workspace("sim")
        self.now = NOW
        self.log: list[ev.Recorded] = []
        self.asked: list[tuple[Order, Answer | Refusal, bool]] = []
        """Orders with a request id, what they were told, and whether the log knows them."""
        self.replica = State("sim")
        self.ledger = Ledger()
        self.twin: Workspace | None = None
        self.steps = 0
        self._checked = checked
        self._prev = GENESIS

    @property
    def state(self) -> State:
        return self.live.state

    def ask(self, command: Command, request: str = "") -> Outcome:
        """Hand in a command."""
        order = Order(command, "op", request)
        now = max(self.now, self.state.at)
        outcome = self.live.handle(order, self.now)
        if self._checked and isinstance(command, ClaimTask) and isinstance(outcome[1], Refusal):
            check_refused_claim(self.replica, command, outcome[1], now)
        self._absorb(command, outcome)
        if self.twin is not None:
            assert self.twin.handle(order, self.now) == outcome, "the restarted workspace decides otherwise"
        if request:
            self.asked.append((order, outcome[1], bool(outcome[0])))
        return outcome

    def ask_again(self, place: int, other: Command | None = None) -> None:
        """Repeat an earlier request, or use its id for something else."""
        order, told, known = self.asked[place % len(self.asked)]
        if not known:
            return
        if other is not None and other != order.command:
            recorded, again = self.ask(other, order.request)
            assert isinstance(again, Refusal) and again.reason == "REQUEST_ID_REUSED" and not recorded
        else:
            assert self.live.handle(order, self.now) == ([], told), "a repeated request is answered otherwise"
        self._compare()

    def tick(self) -> None:
        self._absorb(Tick(0), self.live.tick(self.now))
        if self.twin is not None:
            self.twin.tick(self.now)
            self._in_step()

    def follow_up(self) -> bool:
        """One step of what is in motion; False at rest."""
        if not self._checked:
            outcome, command = self.live.follow_up(self.now), None
        else:  # as Workspace.follow_up does, but the command is seen
            command = self.live._agenda.next(self.state)
            outcome = None if command is None else self.live.handle(Order(command, SYSTEM), self.now)
        if self.twin is not None:
            assert self.twin.follow_up(self.now) == outcome, "the restarted workspace goes on otherwise"
        if outcome is not None:
            self._absorb(command, outcome)
        return outcome is not None

    def rest(self) -> None:
        for _ in range(RESTS_WITHIN):
            if not self.follow_up():
                break
        else:
            raise AssertionError(f"not at rest after {RESTS_WITHIN} steps")
        if self._checked:
            check_at_rest(self.state)

    def restart(self) -> None:
        """From rest: another process takes over from the log, finds nothing to do, and stays in step from here on."""
        self.twin = None
        self.rest()
        twin = self._restored()
        found = self._rest_of(twin)
        assert all(isinstance(one.event, ev.PoolStalled) for one in found), "a restart finds work left lying"
        self.live.wake()
        before = len(self.log)
        self.rest()
        assert self.log[before:] == found
        self.twin = twin

    def crash(self) -> None:
        """In the midst of things: what the agenda knew is lost."""
        self.twin = None
        self.live = self._restored()

    def _restored(self) -> Workspace:
        fresh = Workspace("sim")
        fresh.restore(self._decoded())
        fresh.wake()
        return fresh

    def _decoded(self) -> list[ev.Recorded]:
        return [decode(encode(recorded, GENESIS)) for recorded in self.log]

    def _rest_of(self, workspace: Workspace) -> list[ev.Recorded]:
        found: list[ev.Recorded] = []
        while (outcome := workspace.follow_up(self.now)) is not None:
            found.extend(outcome[0])
        return found

    def _in_step(self) -> None:
        assert self.twin is not None and self.twin.state.position == self.state.position

    def _absorb(self, command: Command | None, outcome: Outcome) -> None:
        recorded, _ = outcome
        self.log.extend(recorded)
        self.steps += 1
        if not self._checked:
            return
        for one in recorded:
            stored = encode(one, self._prev)
            read = decode(stored)
            assert read == one, "the codec changes an event"
            self._prev = hash_of(stored)
            if command is not None:
                check_decision(self.replica, command, one)
            self.ledger.enter(read)
            evolve(self.replica, read)
        self._compare()
        if recorded:
            self.ledger.compare(self.state)
            check_timers(self.state)

    def _compare(self) -> None:
        """Also after a step without events: a refusal must leave no trace."""
        if self._checked:
            compare(self.replica, self.state)

    def finish(self) -> None:
        """At the end: come to rest, and replay the whole log once more, to the last byte."""
        self.rest()
        fresh = State("sim")
        for recorded in self._decoded():
            evolve(fresh, recorded)
        assert picture(fresh) == picture(self.state)


def compare(replica: State, live: State) -> None:
    """Every field, lanes and timers too."""
    for field in State.__struct_fields__:
        told, found = getattr(replica, field), getattr(live, field)
        if field == "timers":
            told, found = told.entries(), found.entries()
        assert told == found, f"{field} differs after replay: {told} is not {found}"


def picture(state: State) -> str:
    """The whole state as text, with the order of every mapping and the type of every value."""
    fields = {field: getattr(state, field) for field in State.__struct_fields__}
    fields["timers"] = state.timers.entries()
    return "\n".join(f"{name}: {value!r}" for name, value in fields.items())
