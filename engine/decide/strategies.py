"""A rule's strategy chain at work in one lane: each strategy narrows or orders what the one before left.

Narrowing (owner, last_agent, region) falls through, with its reason, when it would leave nobody. Ordering (weighted,
least_loaded, round_robin) compares agents one key after another; equal agents go by who was picked longest ago, then
by registration.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import lru_cache
from operator import itemgetter

from engine.decide.judge import Judge
from engine.decide.seats import Seat, Seats
from engine.decide.standing import Key, Line
from engine.events import Pick
from engine.rules.model import NARROWING, Rule
from engine.state import Agent, LaneKey, State, Task
from engine.state.agent import regions_of

_SHARE = 1_000_000
"""Resolution of a weighted load."""

ORDERINGS: dict[str, Callable[[Seat, str], int]] = {
    "least_loaded": lambda seat, _rule: seat.load,
    "weighted": lambda seat, _rule: (seat.load + 1) * _SHARE // seat.agent.spec.weight,
    "round_robin": lambda seat, rule: seat.turn_under(rule),
}


_NOBODY: dict[str, str] = {}


class Queue:
    """The agents one lane may still go to, best first, for each region asked for."""

    def __init__(self, state: State, judge: Judge, seats: Seats, key: LaneKey, rule: Rule) -> None:
        self._state, self._judge, self._seats, self.key, self.rule = state, judge, seats, key, rule
        self._targets = judge.targets(state, key)
        ordering = [name for name in rule.strategy if name not in NARROWING] or ["least_loaded"]
        self._narrowing = [name for name in rule.strategy if name in NARROWING]
        self._orderings = [ORDERINGS[name] for name in ordering]
        self._ordered_by = ("+".join(ordering), "+".join(["region", *ordering]))
        """How a pick by order is called, without and with a region."""
        self._lines: dict[str | None, Line] = {}
        if seats.among is None:
            self._lines = self._targets.lines
            self._targets.renew(state, seats, self._standing)

    def pick(self, task: Task) -> tuple[Seat, Pick] | None:
        """The agent for this task and how it was found. Those who let it pass are asked again once all others have."""
        if task.marks is None:
            return self._find(task, _NOBODY)
        avoided = {task.marks.avoid: "gave it back"} if task.marks.avoid is not None else {}
        asking = task.asked_under(self.rule.id)
        if asking is None or not asking.let_pass:
            return self._find(task, avoided)
        others = self._find(task, avoided | dict.fromkeys(asking.let_pass, "let it pass"), strictly=True)
        return others or self._find(task, avoided)

    def _find(self, task: Task, avoided: dict[str, str], *, strictly: bool = False) -> tuple[Seat, Pick] | None:
        """``avoided``: agents passed over, with the reason; ``strictly``: also where nobody else can take it."""
        region: str | None = None
        best: Seat | None = None
        passed: tuple[str, ...] = ()
        for name in self._narrowing:
            if name == "region":
                best = self._best(task.region, avoided) if task.region is not None else None
                if best is None:
                    passed = (*passed, "region: none" if task.region is None else "region: nobody with room")
                else:
                    region = task.region
                continue
            wanted = task.owner if name == "owner" else self._seats.last_agent(task.customer)
            seat, reason = self._named(wanted, region) if wanted not in avoided else (None, avoided[wanted])
            if seat is not None:
                return seat, pick_of(name, passed)
            passed = (*passed, f"{name}: {reason}")
        best = best or self._best(None, avoided, last_resort=not strictly)
        return None if best is None else (best, pick_of(self._ordered_by[region is not None], passed))

    def why_nobody(self) -> str:
        """The reason that a lane waits, as a stable word (docs/glossary.md)."""
        there = [agent for agent in self._targets.agents if agent.presence == "available"]
        if not there:
            return "nobody_available" if self._targets.agents else "no_agent_within_targets"
        with_room = [agent for agent in there if self._seats.room_of(agent) > 0]
        if not with_room:
            return "all_at_capacity"
        cap = self.rule.cap_per_agent
        if cap is not None and all(self._seats.held_of(agent, self.rule.id) >= cap for agent in with_room):
            return "all_at_rule_cap"
        return "no_agent_within_targets"

    def key_of(self, seat: Seat) -> Key:
        """What the ordering compares, smaller first."""
        if len(self._orderings) == 1:
            return (self._orderings[0](seat, self.rule.id), seat.turn, seat.agent.index)
        return (*[ordering(seat, self.rule.id) for ordering in self._orderings], seat.turn, seat.agent.index)

    def _named(self, agent_id: str | None, region: str | None) -> tuple[Seat | None, str]:
        if not agent_id:
            return None, "none"
        agent = self._state.agents.get(agent_id)
        if agent is None:
            return None, "not in the roster"
        if agent_id not in self._targets.ids:
            return None, "outside the targets"
        if region is not None and region not in regions_of(agent):
            return None, "outside the region"
        seat = self._seats.of(agent)
        if seat is None or not self._open(seat):
            return None, self._why_closed(agent)
        return seat, ""

    def _why_closed(self, agent: Agent) -> str:
        """Why an agent within the targets takes nothing; also of one the round does not look at."""
        if agent.presence != "available":
            return agent.presence
        if self._seats.room_of(agent) <= 0:
            return "at capacity"
        cap = self.rule.cap_per_agent
        if cap is not None and self._seats.held_of(agent, self.rule.id) >= cap:
            return "at rule cap"
        return "outside the targets"  # which name its load

    def _best(self, region: str | None, avoided: Collection[str], *, last_resort: bool = False) -> Seat | None:
        """The first in line who is not avoided; as a last resort one who is."""
        line = self._lines.get(region)
        if line is None:
            line = self._lines[region] = Line(self._looked_at(region), self._seats, self._standing)
        best = line.best(self._seats, self._standing)
        if best is None or best.agent.id not in avoided:
            return best
        other = self._best_but(avoided, region)
        return best if other is None and last_resort else other

    def _best_but(self, avoided: Collection[str], region: str | None) -> Seat | None:
        """The first of the line but for those."""
        others = (agent for agent in self._looked_at(region) if agent.id not in avoided)
        standing = ((self._standing(self._seats.of(agent)), agent) for agent in others)
        keys = [(key, agent) for key, agent in standing if key is not None]
        return self._seats.of(min(keys, key=itemgetter(0))[1]) if keys else None

    def _looked_at(self, region: str | None) -> Iterable[Agent]:
        if self._seats.among is None:
            return self._targets.serving(region)
        return [agent for agent in self._seats.among if self._targets.have(agent, region)]

    def _standing(self, seat: Seat | None) -> Key | None:
        rule = self.rule
        if seat is None or not seat.may_take(rule.id, rule.cap_per_agent):
            return None
        if self._targets.name_load and not self._judge.is_target(self._state, self.key, seat.agent, seat.load):
            return None
        return self.key_of(seat)

    def _open(self, seat: Seat) -> bool:
        if not seat.may_take(self.rule.id, self.rule.cap_per_agent):
            return False
        return not self._targets.name_load or self._judge.is_target(self._state, self.key, seat.agent, seat.load)


@lru_cache(maxsize=4_096)
def pick_of(by: str, passed: tuple[str, ...]) -> Pick:
    """One Pick object for each way of finding an agent."""
    return Pick(by, passed)
