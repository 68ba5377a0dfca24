"""Why a task went where it went, or why it waits: the decision made again from the log.

Pure: it is given the log and asks the same code that decided. ``confirmed`` tells whether that comes to what is on
record; for a task deep inside a round, every pick before it is made again first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import NamedTuple

import msgspec

from engine import events as ev
from engine.decide.claiming import choose
from engine.decide.context import Context
from engine.decide.judge import Judge
from engine.decide.pooling import misplaced
from engine.decide.room import no_room
from engine.decide.round import Round, is_set_aside
from engine.decide.seats import Seat, Seats
from engine.decide.settling import reason_of
from engine.events import Pick, Recorded
from engine.evolve import evolve
from engine.explain_words import WHY_IT_WAITS, after, asked_before, free_to, how_given, stage_of, wanted_back
from engine.interventions import MAX_TOLD, intervention_of
from engine.refusals import Refusal, not_found
from engine.remake import Picks
from engine.rules.model import BY_ROUNDS
from engine.state import Agent, State, Task, lane_key
from engine.verdicts import AgentVerdict, Hindrances, Ranking, RuleVerdict, agent_verdicts, rule_verdicts

Log = Callable[[], Iterable[Recorded]]
"""Reads the whole log from its first event; may be called twice."""


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """Empty strings and 0 where there is nobody and nothing."""

    summary: str
    decision_position: int = 0
    rule: str = ""
    version: int = 0
    agent: str = ""
    picked_by: str = ""
    passed: tuple[str, ...] = ()
    rules: tuple[RuleVerdict, ...] = ()
    agents: tuple[AgentVerdict, ...] = ()
    confirmed: bool = True
    interventions: tuple[str, ...] = ()
    """What people said of the task and changed of it, the latest."""
    position: int = 0
    """Looked at last."""


def explain(log: Log, workspace: str, task: int, grant: int = 0) -> Explanation | Refusal:
    """Explain one assignment of a task (``grant`` 0: the last), or why it waits if nobody has had it."""
    now, found, told, into, called = _survey(log(), workspace, task, grant)
    if not 0 < task <= now.last_task:
        return not_found("TASK_UNKNOWN", f"Expected a task of this workspace, but there is no number {task}")
    if grant and found is None:
        return not_found("GRANT_UNKNOWN", f"Expected an assignment of task {task} at {grant}, but there is none")
    waiting = now.tasks.get(task)
    if found is None or (not grant and waiting is not None and waiting.status == "pooled"):
        explanation = _without_agent(now, waiting, task, into, called)
    else:
        explanation = _decision(_replayed(log(), workspace, found.position), found, task)
    return msgspec.structs.replace(explanation, interventions=told, position=now.position)


class _Survey(NamedTuple):
    """What a walk over the whole log finds of a task."""

    now: State
    """At the head."""
    found: Recorded | None
    """The event that gave the task away: the one at the grant asked for, or the last."""
    told: tuple[str, ...]
    """Interventions."""
    into: int
    """Task that it was merged into; 0: into none."""
    called: int
    """Position of its callback's success; 0: there was none."""


def _survey(log: Iterable[Recorded], workspace: str, task: int, grant: int) -> _Survey:
    state, found, told, into, called = State(workspace), None, deque[str](maxlen=MAX_TOLD), 0, 0
    for recorded in log:
        evolve(state, recorded)
        if _gives(recorded.event, task) and grant in (0, recorded.position):
            found = recorded
        if said := intervention_of(recorded, task):
            told.append(said)
        if isinstance(recorded.event, ev.TasksMerged) and task in recorded.event.tasks:
            into = recorded.event.into
        if isinstance(recorded.event, ev.CallbackSucceeded) and recorded.event.task == task:
            called = recorded.position
    return _Survey(state, found, tuple(told), into, called)


def _gives(event: ev.Event, task: int) -> bool:
    if isinstance(event, ev.TasksAllocated):
        return task in event.tasks
    return isinstance(event, ev.TaskClaimed | ev.TaskReassigned) and event.task == task


def _replayed(log: Iterable[Recorded], workspace: str, position: int) -> State:
    """The state as it stood before the event at ``position``."""
    state = State(workspace)
    for recorded in log:
        if recorded.position >= position:
            break
        evolve(state, recorded)
    return state


def _decision(state: State, recorded: Recorded, number: int) -> Explanation:
    context, task = Context(recorded.at, Judge()), state.tasks[number]
    match recorded.event:
        case ev.TasksAllocated() as event:
            return _allocated(state, context, recorded, event, task)
        case ev.TaskClaimed() as event:
            return _claimed(state, context, recorded, event, task)
        case ev.TaskReassigned() as event:
            return _reassigned(state, recorded, event, task)
    raise AssertionError("only these three give a task away")


# --- given by a round ------------------------------------------------------------------------------------------------


def _allocated(state: State, context: Context, recorded: Recorded, event: ev.TasksAllocated, task: Task) -> Explanation:
    picks, place = Picks(state, context, event.among), event.tasks.index(task.number)
    agreed = True
    for before in range(place):
        agreed = picks.take(state.tasks[event.tasks[before]]) == _on_record(event, before) and agreed
    agent, pick = _on_record(event, place)
    verdicts = _of_pick(picks, task, agent, pick.by)
    agreed = picks.take(task) == (agent, pick) and agreed
    return Explanation(
        summary=f"Round {event.round} {how_given(event, place)} task {task.number} to {agent} under rule {task.rule}"
        f"{stage_of(task)}: {pick.by} decided{after(pick.passed)}{asked_before(task)}.",
        decision_position=recorded.position, rule=task.rule or "", version=event.rule_set_version, agent=agent,
        picked_by=pick.by, passed=pick.passed, rules=rule_verdicts(state, task), agents=verdicts, confirmed=agreed,
    )  # fmt: skip


def _on_record(event: ev.TasksAllocated, place: int) -> tuple[str, Pick]:
    return event.agents[event.who[place]], event.picks[event.how[place]]


def _of_pick(picks: Picks, task: Task, agent: str, by: str) -> tuple[AgentVerdict, ...]:
    """As things stand just before the pick."""
    state, rule = picks.state, picks.state.governing[task.rule or ""]
    hindrances = Hindrances(state, picks.context.judge, task, rule, picks.seats)
    chosen = picks.seats.of(state.agents[agent])
    ranking = None if chosen is None else Ranking(picks.queue(task), rule, task, chosen, by)

    def why(other: Agent) -> tuple[str, bool]:
        hindrance = hindrances.of(other)
        if hindrance:
            return hindrance, False
        seat = picks.seats.of(other)
        if seat is None:
            return "not looked at: the round was for agents who had just come free", False
        return _behind(ranking, other, seat), True

    verdicts = []
    for other in state.agents.values():
        reason, eligible = ("chosen", True) if other.id == agent else why(other)
        verdicts.append(AgentVerdict(other.id, other.id == agent, eligible, reason, hindrances.load_of(other)))
    return tuple(verdicts)


def _behind(ranking: Ranking | None, agent: Agent, seat: Seat) -> str:
    return ranking.behind(agent, seat) if ranking else "the agent on record had no seat in this round"


# --- given by a person -----------------------------------------------------------------------------------------------


def _claimed(state: State, context: Context, recorded: Recorded, event: ev.TaskClaimed, task: Task) -> Explanation:
    rule = state.governing.get(event.rule)
    agent = state.agents[event.agent]
    chosen = choose(state, agent, task.number, context)
    verdicts: tuple[AgentVerdict, ...] = ()
    if rule is not None:
        hindrances = Hindrances(state, context.judge, task, rule, Seats(state, None))
        verdicts = agent_verdicts(state, hindrances.of, hindrances.load_of, event.agent, "could have claimed it")
    return Explanation(
        summary=f"{event.agent} claimed task {task.number} under rule {event.rule}; {recorded.actor} sent the claim.",
        decision_position=recorded.position, rule=event.rule, version=event.rule_set_version, agent=event.agent,
        picked_by="claim", rules=rule_verdicts(state, task), agents=verdicts, confirmed=isinstance(chosen, Task),
    )  # fmt: skip


def _reassigned(state: State, recorded: Recorded, event: ev.TaskReassigned, task: Task) -> Explanation:
    reason = f", because: {event.reason}" if event.reason else ""

    def hindrance(agent: Agent) -> str:
        refusal = no_room(state, agent, task)
        return "" if refusal is None else refusal.message

    verdicts = agent_verdicts(
        state, hindrance, lambda agent: agent.load, event.agent, f"not the one {recorded.actor} named"
    )
    return Explanation(
        summary=f"{_moved(recorded, event, task)}{reason}.",
        decision_position=recorded.position, rule=event.rule or "", version=event.rule_set_version, agent=event.agent,
        picked_by="manual", rules=rule_verdicts(state, task), agents=verdicts,
        confirmed=no_room(state, state.agents[event.agent], task) is None,
    )  # fmt: skip


def _moved(recorded: Recorded, event: ev.TaskReassigned, task: Task) -> str:
    marks = task.marks if task.status == "returned" else None
    if marks is None:
        held = f" from {event.held_by}" if event.held_by else " out of its pool"
    elif marks.wanted_back:
        return f"Task {task.number} was reopened and went straight back to {event.agent}, who had completed it"
    else:
        held = f" from {marks.avoid}" if marks.avoid else f", which {marks.done_by} had completed,"
    return f"{recorded.actor} gave task {task.number}{held} to {event.agent}"


# --- given to nobody -------------------------------------------------------------------------------------------------


def _without_agent(state: State, task: Task | None, number: int, into: int, called: int) -> Explanation:
    if task is None:
        return _ended(number, into, called)
    if task.status == "calling":
        return Explanation(summary=f"Task {number} is not in a pool yet: {_asked(state, number)} is asked first.")
    if task.status == "created":
        return Explanation(summary=f"Task {number} is not in a pool yet: its package is still being imported.")
    if task.version != state.version and misplaced(state, [task], Context(state.at, Judge())):
        return Explanation(
            summary=f"Task {task.number} waits to be pooled anew: the rules have just changed.",
            rule=task.rule or "", version=task.version, rules=rule_verdicts(state, task),
        )  # fmt: skip
    if task.rule is None or state.governing.get(task.rule) is None:
        return _ungoverned(state, task)
    return _waiting(state, task)


def _ended(number: int, into: int, called: int) -> Explanation:
    if called:
        told = "its callback did it, so it closed without anybody having it in hand"
        return Explanation(summary=f"Task {number} is completed: {told}.", decision_position=called)
    ended = f"merged into task {into}" if into else "cancelled"
    return Explanation(summary=f"Task {number} was {ended} before anybody had it.")


def _asked(state: State, number: int) -> str:
    return state.calls.callbacks[number].to.origin


def _ungoverned(state: State, task: Task) -> Explanation:
    verdicts = rule_verdicts(state, task)
    return Explanation(
        summary=f"Task {task.number} waits: no rule in force governs it.",
        version=state.version, rules=verdicts, confirmed=not any(verdict.matches for verdict in verdicts),
    )  # fmt: skip


def _waiting(state: State, task: Task) -> Explanation:
    context, rule = Context(state.at, Judge()), state.governing[task.rule or ""]
    lane = state.lanes[lane_key(task)]
    hindrances = Hindrances(state, context.judge, task, rule, Seats(state, None))
    reason, agreed = reason_of(state, lane), True
    if is_set_aside(task, rule):
        reason = "to_be_assigned"
    elif rule.method in BY_ROUNDS:
        round_ = Round(state, context)
        stuck = not round_.give(task, lane.key, rule)
        agreed = stuck == bool(lane.stalled)
        reason = round_.exhausted[lane.key]() if stuck else "in_turn"
    return Explanation(
        summary=f"Task {task.number} waits under rule {rule.id}{stage_of(task)}: {WHY_IT_WAITS[reason]} ({reason})"
        f"{asked_before(task)}{wanted_back(task)}.",
        rule=rule.id, version=task.version, rules=rule_verdicts(state, task),
        agents=agent_verdicts(state, hindrances.of, hindrances.load_of, free=free_to(task, rule)), confirmed=agreed,
    )  # fmt: skip
