"""Rule sets are put in force whole, one version after another."""

from __future__ import annotations

from engine import events as ev
from engine.answers import Answer
from engine.commands import ApplyRules
from engine.decide.attributes import fits
from engine.decide.context import Context
from engine.refusals import Refusal, Violation, invalid, precondition
from engine.rules.document import DocumentError, load
from engine.rules.model import RuleSet
from engine.rules.problems import Problem
from engine.state import State


def apply_rules(state: State, command: ApplyRules, _context: Context) -> list[ev.Event] | Refusal | Answer:
    expected = command.expected_version
    if expected is not None and expected != state.version:
        return precondition(
            "RULES_MOVED_ON",
            f"Expected version {expected} to be in force, but it is {state.version}; make the dry run again",
        )
    checked = check(state, command.source)
    if isinstance(checked, Refusal):
        return checked
    if checked == state.rule_set:
        return Answer(state.position, number=state.version, changed=False)
    return [ev.RuleSetApplied(state.version + 1, command.source, checked, command.reason)]


def check(state: State, source: str) -> RuleSet | Refusal:
    """The rule set a document describes, or everything that is wrong with it."""
    try:
        rule_set = load(source)
    except DocumentError as error:
        found = [Violation(f"line {p.line}, column {p.column}", _told(p)) for p in error.problems]
        return invalid("RULES_INVALID", f"Expected a valid rule document, but found {len(found)} problem(s)", *found)
    if rule_set.workspace != state.workspace:
        return invalid(
            "WRONG_WORKSPACE",
            f"Expected rules for workspace {state.workspace!r}, but the document names {rule_set.workspace!r}",
        )
    wrong = _types_changed(state, rule_set) + _agents_that_do_not_fit(state, rule_set)
    if wrong:
        return invalid("ATTRIBUTES_CHANGED", "Expected attributes to keep their types, but some do not", *wrong)
    return rule_set


def _told(problem: Problem) -> str:
    return f"{problem.message} ({problem.hint})" if problem.hint else problem.message


def _types_changed(state: State, new: RuleSet) -> list[Violation]:
    """Values in the log were checked against the type of their day; the name therefore keeps it."""
    wrong = []
    for version, old in state.rule_sets.items():
        for side, before, now in (
            ("task", old.task_attributes, new.task_attributes),
            ("agent", old.agent_attributes, new.agent_attributes),
        ):
            changed = [name for name in now if before.get(name, now[name]) != now[name]]
            wrong += [
                Violation(
                    f"attributes.{side}.{name}",
                    f"Expected {before[name]} as in version {version}, but got {now[name]}; choose a new name",
                )
                for name in changed
            ]
    return wrong


def _agents_that_do_not_fit(state: State, new: RuleSet) -> list[Violation]:
    return [
        Violation(
            f"attributes.agent.{name}", f"Expected {new.agent_attributes[name]}, but agent {agent.id} has {value!r}"
        )
        for agent in state.agents.values()
        for name, value in agent.spec.attributes.items()
        if name in new.agent_attributes and not fits(value, new.agent_attributes[name])
    ]
