"""The way back from an event to the command that brought its content from outside; for living a log through again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from engine import commands as cmd
from engine import events as ev
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
    row = event.row
    declared = state.rule_set.task_attributes if state.rule_set else {}
    given = dict(zip(event.columns, row.attributes, strict=True))
    kept = {name: value for name, value in given.items() if name in declared}
    return cmd.CreateTask(
        event.task_type, event.business_type, kept, row.customer, row.owner, row.region, row.priority, event.person
    )


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
