"""The way back from an event to the command that brought its content from outside; for living a log through again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from engine import commands as cmd
from engine import events as ev
from engine.decide.forms import made_to_fit
from engine.rules.policy import policy_of
from engine.state import State


def inputs_of(event: ev.Event, state: State) -> list[cmd.Command]:
    """The command, if the event has one whose content does not depend on who holds what."""
    bring = _INPUTS.get(type(event))
    return [] if bring is None else [bring(event, state)]


def _registration(event: ev.PackageRegistered, state: State) -> cmd.Command:
    """Attributes that the rules in force do not declare are no reason to leave the rows out."""
    declared = state.rule_set.task_attributes if state.rule_set else {}
    kept = {name: column for name, column in event.mapping.attributes.items() if name in declared}
    return cmd.RegisterPackage(
        event.segment, event.uri, event.spool, event.digest, event.size, event.task_type, event.business_type,
        replace(event.mapping, attributes=kept, types={}), event.priority,
    )  # fmt: skip


def _rows(event: ev.TasksImported, _state: State) -> cmd.Command:
    return cmd.ImportRows(event.package, event.chunk, event.columns, event.rows, event.persons, event.rejected)


def _creation(event: ev.TaskCreated, state: State) -> cmd.Command:
    """What the type's form does not take is left out, and what it requires is made up: the task came all the same."""
    row, rule_set = event.row, state.rule_set
    form = policy_of(rule_set, event.task_type, None).form if rule_set else {}
    declared = {*(rule_set.task_attributes if rule_set else ()), *form}
    given = dict(zip(event.columns, row.attributes, strict=True))
    own = {"business_type": event.business_type, "customer": row.customer, "owner": row.owner, "region": row.region}
    asked = {name: field for name, field in form.items() if name in own}
    kept = {name: value for name, value in given.items() if name in declared and name not in own}
    attributes = made_to_fit({name: form[name] for name in form.keys() - asked.keys()}, kept)
    named: dict[str, Any] = {"business_type": "", **made_to_fit(asked, own)}
    return cmd.CreateTask(event.task_type, attributes=attributes, priority=row.priority, person=event.person, **named)


_INPUTS: dict[type[ev.Event], Callable[[Any, State], cmd.Command]] = {
    ev.AgentsRegistered: lambda event, _: cmd.ApplyRoster(event.agents),
    ev.AgentPresenceChanged: lambda event, _: cmd.SetPresence(event.agent, event.presence, event.reason),
    ev.PackageRegistered: _registration,
    ev.PackageParsingStarted: lambda event, _: cmd.StartParsing(event.package),
    ev.TasksImported: _rows,
    ev.PackageParsed: lambda event, state: cmd.FinishParsing(event.package, state.packages[event.package].chunks),
    ev.PackageFailed: lambda event, _: cmd.FailPackage(event.package, event.reason),
    ev.PackageWithdrawn: lambda event, _: cmd.WithdrawPackage(event.package, event.reason),
    ev.TaskCreated: _creation,
    ev.TaskClaimed: lambda event, _: cmd.ClaimTask(event.agent, event.task),
}
