"""A package on its way: initialized, parsing, parsed, distributing, distributed or partly distributed, or it failed."""

from __future__ import annotations

from engine import events as ev
from engine.state import Package, State
from engine.state.task import Origin, new_task


def registered(state: State, event: ev.PackageRegistered, recorded: ev.Recorded) -> None:
    state.last_package = event.package
    state.packages[event.package] = Package(event, recorded.at)
    state.package_by_digest[event.digest] = event.package


def parsing_started(state: State, event: ev.PackageParsingStarted, _recorded: ev.Recorded) -> None:
    state.packages[event.package].status = "parsing"


def tasks_imported(state: State, event: ev.TasksImported, recorded: ev.Recorded) -> None:
    package = state.packages[event.package]
    origin = Origin(
        event.task_type, event.business_type, event.columns, recorded.at, package.registered_at, event.package
    )
    for number, row in enumerate(event.rows, event.first_task):
        state.tasks[number] = new_task(number, origin, row)
    package.chunks = event.chunk + 1
    package.rejected += len(event.rejected)
    if event.rows:
        package.rows += len(event.rows)
        package.spans.append((event.first_task, event.first_task + len(event.rows)))
        state.last_task = event.first_task + len(event.rows) - 1


def parsed(state: State, event: ev.PackageParsed, _recorded: ev.Recorded) -> None:
    state.packages[event.package].status = "parsed"


def distributing(state: State, event: ev.PackageDistributing, _recorded: ev.Recorded) -> None:
    state.packages[event.package].status = "distributing"


def settled(state: State, event: ev.PackageDistributed, _recorded: ev.Recorded) -> None:
    state.packages[event.package].status = "partly_distributed" if event.waiting else "distributed"


def failed(state: State, event: ev.PackageFailed, _recorded: ev.Recorded) -> None:
    _end(state, event.package).status = "failed"


def withdrawn(state: State, event: ev.PackageWithdrawn, _recorded: ev.Recorded) -> None:
    _end(state, event.package).status = "withdrawn"


def _end(state: State, number: int) -> Package:
    """The same content may be imported again."""
    package = state.packages[number]
    if state.package_by_digest.get(package.registered.digest) == number:
        del state.package_by_digest[package.registered.digest]
    return package
