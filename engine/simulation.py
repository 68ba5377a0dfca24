"""What if: the inputs of a log, lived through again under another rule document.

What came from outside (rosters, presence, rows, tasks, work done) comes again at the times it came; what the engine
decided, recycling and escalation among it, is decided anew. Work that was accepted, started, locked or finished is so
by whoever holds it here; what nobody holds yet is finished as soon as somebody does. A handover, or a rejection, is one
agent's own judgement: he gives up what he holds here too; for the rest it counts as refused, since another might have
kept it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec

from engine import commands as cmd
from engine import events as ev
from engine.decide.forms import wrap_up_made_to_fit
from engine.decide.settling import reason_of
from engine.inputs import inputs_of
from engine.inputs_of_work import start, work_of
from engine.refusals import Refusal
from engine.rules.policy import policy_of
from engine.state import State
from engine.workspace import Workspace

SIMULATED = "simulation"


class Tally(msgspec.Struct):
    """Assignments made in one history."""

    by_rule: Counter[str] = msgspec.field(default_factory=Counter)
    by_agent: Counter[str] = msgspec.field(default_factory=Counter)
    first_agent: dict[int, str] = {}
    """Task -> the agent it went to first."""

    def count(self, event: ev.Event, state: State) -> None:
        """Note the assignments an event makes."""
        match event:
            case ev.TasksAllocated():
                for task, who, under in zip(event.tasks, event.who, event.under, strict=True):
                    if not event.until or not event.until[under]:  # an offer counts once it is accepted
                        self._one(task, event.agents[who], event.rules[under])
            case ev.TaskClaimed(task=task, agent=agent, rule=rule):
                self._one(task, agent, rule)
            case ev.TaskReassigned(task=task, agent=agent) | ev.OfferAccepted(task=task, agent=agent):
                known = state.tasks.get(task)
                self._one(task, agent, (known.rule if known else None) or "")

    def _one(self, task: int, agent: str, rule: str) -> None:
        self.by_rule[rule] += 1
        self.by_agent[agent] += 1
        self.first_agent.setdefault(task, agent)


class SimulationReport(msgspec.Struct, frozen=True):
    """Two histories of the same inputs. Counts are assignments made, but for ``waiting``."""

    events: int
    """Of the log that was lived through again."""
    tasks: int
    went_elsewhere: int
    """Tasks whose first agent is another, or that only one of the histories gave to anybody."""
    rules_before: dict[str, int]
    rules_after: dict[str, int]
    agents_before: dict[str, int]
    agents_after: dict[str, int]
    waiting_before: dict[str, int]
    """Reason -> tasks that wait at the end."""
    waiting_after: dict[str, int]
    refused: dict[str, int]
    """Reason -> inputs that the other rules do not allow."""


class Simulation:
    """A second life of a log."""

    def __init__(self, workspace: str, source: str) -> None:
        self._source = source
        self._real = Workspace(workspace)
        self._other = Workspace(workspace)
        self._tally_real, self._tally_other = Tally(), Tally()
        self._owed: dict[int, ev.TaskCompleted] = {}
        self._refused: Counter[str] = Counter()
        self._events = 0

    def begin(self) -> Refusal | None:
        """Put the document in force; the reason why not, if it is not valid."""
        _, told = self._other.handle(cmd.Order(cmd.ApplyRules(self._source), SIMULATED), 0)
        return told if isinstance(told, Refusal) else None

    def feed(self, recorded: ev.Recorded) -> None:
        """One event of the log."""
        self._events += 1
        decided = self._comes_of_a_handover(recorded.event)
        self._real.restore([recorded])
        self._tally_real.count(recorded.event, self._real.state)
        self._until(recorded.at)
        for command in () if decided else self._inputs(recorded):
            self._do(command, recorded.at)
        self._pay(recorded.at)

    def report(self) -> SimulationReport:
        """How the two histories differ so far."""
        before, after = self._tally_real, self._tally_other
        tasks = before.first_agent.keys() | after.first_agent.keys()
        return SimulationReport(
            self._events,
            self._real.state.last_task,
            sum(before.first_agent.get(task) != after.first_agent.get(task) for task in tasks),
            dict(before.by_rule),
            dict(after.by_rule),
            dict(before.by_agent),
            dict(after.by_agent),
            _waiting(self._real.state),
            _waiting(self._other.state),
            dict(self._refused),
        )

    def _until(self, now: int) -> None:
        """Timers that fall due before the next input."""
        while (due := self._other.state.timers.next_due()) is not None and due <= now:
            self._note(self._other.tick(due)[0])
            self._settle(due)

    def _do(self, command: cmd.Command, now: int) -> None:
        recorded, told = self._other.handle(cmd.Order(command, SIMULATED), now)
        if isinstance(told, Refusal):
            self._refused[told.reason] += 1
        self._note(recorded)
        self._settle(now)

    def _settle(self, now: int) -> None:
        while (outcome := self._other.follow_up(now)) is not None:
            self._note(outcome[0])

    def _note(self, recorded: Iterable[ev.Recorded]) -> None:
        for one in recorded:
            self._tally_other.count(one.event, self._other.state)

    def _pay(self, now: int) -> None:
        """Finish what was finished, where somebody holds it by now."""
        for number, done in list(self._owed.items()):
            task = self._other.state.tasks.get(number)
            if task is not None and task.agent is None:
                continue
            del self._owed[number]
            for command in self._finish(done) if task is not None else ():
                self._do(command, now)

    def _comes_of_a_handover(self, event: ev.Event) -> bool:
        """Whether the event only says where a task went that had just come back: no supervisor asked for it."""
        task = self._real.state.tasks.get(event.task) if isinstance(event, ev.TaskReassigned) else None
        return task is not None and task.status == "returned"

    def _inputs(self, recorded: ev.Recorded) -> list[cmd.Command]:
        """The commands that bring what this event brought from outside."""
        event, state = recorded.event, self._other.state
        if isinstance(event, ev.TaskCompleted):
            self._owed[event.task] = event
            return []
        return inputs_of(event, state) or work_of(event, state, recorded.at)

    def _finish(self, done: ev.TaskCompleted) -> list[cmd.Command]:
        task = self._other.state.tasks[done.task]
        state = self._other.state
        terms = policy_of(state.rule_set, task.type, state.rule_of(task)).wrap_up if state.rule_set else None
        wrap_up = wrap_up_made_to_fit(terms, done.wrap_up) if terms else done.wrap_up
        complete = cmd.CompleteTask(task.number, task.agent or "", task.grant, wrap_up)
        return [*start(task), complete]


def _waiting(state: State) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for lane in state.lanes.values():
        counts[reason_of(state, lane)] += len(lane.order)
    return dict(counts)
