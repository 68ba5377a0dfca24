"""The roster and who is there."""

from __future__ import annotations

from collections import Counter

from engine import events as ev
from engine.answers import Answer
from engine.commands import ApplyRoster, SetPresence
from engine.decide.attributes import attribute_violations
from engine.decide.context import Context
from engine.decide.recycling import agent_gone
from engine.refusals import Refusal, Violation, invalid, not_found, precondition
from engine.state import State
from engine.state.agent import PRESENCES

MAX_CAPACITY = 1_000_000
AGENTS_PER_EVENT = 500


def apply_roster(state: State, command: ApplyRoster, context: Context) -> list[ev.Event] | Refusal | Answer:
    wrong = _roster_violations(state, command.agents)
    if wrong:
        return invalid("ROSTER_INVALID", f"Expected a valid roster, but found {len(wrong)} problem(s)", *wrong)
    gone = _not_named(state, command) if command.prune else ()
    events = _registrations(state, command.agents)
    for agent_id in gone:
        agent = state.agents[agent_id]
        back = agent_gone(state, agent, "agent_removed", context)
        kept = agent.load - _returned(back)
        if kept:
            return _holds_tasks(agent_id, kept)
        events += back
    if gone:
        events.append(ev.AgentsRemoved(gone))
    return events or Answer(state.position, changed=False)


def _returned(events: list[ev.Event]) -> int:
    return sum(len(event.tasks) for event in events if isinstance(event, ev.TasksRecycled | ev.OffersReturned))


def _holds_tasks(agent_id: str, kept: int) -> Refusal:
    return precondition(
        "AGENT_HOLDS_TASKS",
        f"Expected agents to be removed to hold nothing begun, locked or to be kept, but {agent_id} holds {kept}; "
        "reassign or finish them first",
        agent=agent_id,
    )


def _registrations(state: State, specs: tuple[ev.AgentSpec, ...]) -> list[ev.Event]:
    changed = [spec for spec in specs if spec.id not in state.agents or state.agents[spec.id].spec != spec]
    starts = range(0, len(changed), AGENTS_PER_EVENT)
    return [ev.AgentsRegistered(tuple(changed[start : start + AGENTS_PER_EVENT])) for start in starts]


def _not_named(state: State, command: ApplyRoster) -> tuple[str, ...]:
    named = {spec.id for spec in command.agents}
    return tuple(agent for agent in state.agents if agent not in named)


def _roster_violations(state: State, specs: tuple[ev.AgentSpec, ...]) -> list[Violation]:
    counts = Counter(spec.id for spec in specs)
    wrong = [
        Violation(f"agents[{agent}].id", "Expected each id once, but it is there twice")
        for agent in counts
        if counts[agent] > 1
    ]
    for index, spec in enumerate(specs):
        wrong.extend(_spec_violations(state, f"agents[{spec.id or index}]", spec))
    return wrong


def _spec_violations(state: State, where: str, spec: ev.AgentSpec) -> list[Violation]:
    wrong = []
    if not spec.id or len(spec.id) > 128 or spec.id != spec.id.strip():
        wrong.append(
            Violation(f"{where}.id", f"Expected 1 to 128 characters without space around, but got {spec.id!r}")
        )
    if not 0 <= spec.capacity <= MAX_CAPACITY:
        wrong.append(Violation(f"{where}.capacity", f"Expected 0 to {MAX_CAPACITY}, but got {spec.capacity}"))
    if not 1 <= spec.weight <= 1_000:
        wrong.append(Violation(f"{where}.weight", f"Expected 1 to 1000, but got {spec.weight}"))
    if spec.presence not in PRESENCES:
        wrong.append(Violation(f"{where}.presence", _presence_expected(spec.presence)))
    declared = state.rule_set.agent_attributes if state.rule_set else None
    wrong.extend(attribute_violations(f"{where}.attributes", spec.attributes, declared))
    return wrong


def set_presence(state: State, command: SetPresence, context: Context) -> list[ev.Event] | Refusal | Answer:
    agent = state.agents.get(command.agent)
    if agent is None:
        return not_found("AGENT_UNKNOWN", f"Expected an agent of the roster, but {command.agent!r} is not in it")
    if command.presence not in PRESENCES:
        return invalid("PRESENCE_UNKNOWN", _presence_expected(command.presence))
    if agent.presence == command.presence:
        return Answer(state.position, agent=command.agent, changed=False)
    gone = agent_gone(state, agent, "agent_offline", context) if command.presence == "offline" else []
    return [ev.AgentPresenceChanged(command.agent, command.presence, command.reason), *gone]


def _presence_expected(given: str) -> str:
    return f"Expected one of {', '.join(PRESENCES)}, but got {given!r}"
