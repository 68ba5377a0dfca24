"""A package from its registration to the end of its import, and its withdrawal."""

from __future__ import annotations

from msgspec.structs import replace

from engine import events as ev
from engine.answers import Answer
from engine.commands import (
    FailPackage,
    FinishParsing,
    ImportRows,
    RegisterPackage,
    StartParsing,
    SweepPackage,
    WithdrawPackage,
)
from engine.decide.attributes import shadowed, unknown_attribute
from engine.decide.context import Context
from engine.refusals import Refusal, Violation, invalid, not_found, precondition
from engine.rules.model import RuleSet
from engine.state import Package, State
from engine.state.package import IMPORTING, OVER
from engine.state.task import MAX_PRIORITY

MAX_CHUNK = 1_000
"""Rows one ImportRows may carry, rejected ones included."""
_BEGUN = ("in_progress", "completed")
"""What a withdrawal leaves alone."""


def register(state: State, command: RegisterPackage, _context: Context) -> list[ev.Event] | Refusal | Answer:
    known = state.package_by_digest.get(command.digest)
    if known is not None:
        return Answer(state.position, number=known, changed=False)
    if state.rule_set is None:
        return precondition(
            "NO_RULES", "Expected rules in force before a package, but there are none; apply some first"
        )
    wrong = _violations(state.rule_set, command)
    if wrong:
        return invalid("PACKAGE_INVALID", f"Expected a valid package, but found {len(wrong)} problem(s)", *wrong)
    declared = state.rule_set.task_attributes
    mapping = replace(command.mapping, types={name: declared[name] for name in command.mapping.attributes})
    number = state.last_package + 1
    return [
        ev.PackageRegistered(
            number, command.segment or str(number), command.uri, command.spool, command.digest, command.size,
            command.task_type, command.business_type, mapping, command.priority,
        )
    ]  # fmt: skip


def _violations(rule_set: RuleSet, command: RegisterPackage) -> list[Violation]:
    declared = rule_set.task_attributes
    wrong = [
        Violation(f"mapping.attributes.{name}", unknown_attribute(name, declared))
        for name in command.mapping.attributes
        if name not in declared
    ]
    wrong += [
        Violation(f"mapping.attributes.{name}", f"Expected {name!r} as mapping.{name}, not among the attributes")
        for name in shadowed(command.mapping.attributes)
    ]
    if not command.task_type:
        wrong.append(Violation("task_type", "Expected a task type, but it is empty"))
    if not 0 <= command.priority <= MAX_PRIORITY:
        wrong.append(Violation("priority", f"Expected 0 to {MAX_PRIORITY}, but got {command.priority}"))
    if len(command.mapping.delimiter) > 1:
        wrong.append(Violation("mapping.delimiter", "Expected one character, or none to have it found"))
    return wrong


def start_parsing(state: State, command: StartParsing, _context: Context) -> list[ev.Event] | Refusal | Answer:
    package = _importing(state, command.package)
    if isinstance(package, Refusal):
        return package
    if package.status == "parsing":
        return Answer(state.position, number=command.package, changed=False)
    return [ev.PackageParsingStarted(command.package)]


def import_rows(state: State, command: ImportRows, _context: Context) -> list[ev.Event] | Refusal | Answer:
    package = _importing(state, command.package)
    if isinstance(package, Refusal):
        return package
    if command.chunk < package.chunks:
        return Answer(state.position, number=command.package, changed=False)
    if package.status != "parsing":
        return _not_begun(command.package, package)
    if command.chunk > package.chunks:
        return precondition(
            "CHUNK_OUT_OF_TURN",
            f"Expected chunk {package.chunks} of package {command.package}, but got {command.chunk}",
        )
    if told := _misshapen(command):
        return invalid("CHUNK_INVALID", told, Violation("rows", told))
    task = package.registered
    return [
        ev.TasksImported(
            command.package, command.chunk, state.last_task + 1, task.task_type, task.business_type,
            command.columns, command.rows, command.persons, command.rejected,
        )
    ]  # fmt: skip


def _misshapen(command: ImportRows) -> str:
    """What is wrong with the shape of a chunk, which would trip whoever reads it from the log; empty if nothing is."""
    if len(command.rows) + len(command.rejected) > MAX_CHUNK or len(command.persons) not in (0, len(command.rows)):
        return f"Expected at most {MAX_CHUNK} rows, each with its person or none with one"
    width = len(command.columns)
    rows = all(
        len(row.attributes) == width and 0 <= row.priority <= MAX_PRIORITY and row.line >= 0 for row in command.rows
    )
    if rows and len(set(command.columns)) == width:
        return ""
    return f"Expected rows with a line, a priority of 0 to {MAX_PRIORITY} and a value for each of different columns"


def finish_parsing(state: State, command: FinishParsing, _context: Context) -> list[ev.Event] | Refusal | Answer:
    known = state.packages.get(command.package)
    if known is not None and known.status not in IMPORTING | OVER:
        return Answer(state.position, number=command.package, changed=False)
    package = _importing(state, command.package)
    if isinstance(package, Refusal):
        return package
    if package.status != "parsing":
        return _not_begun(command.package, package)
    if command.chunks != package.chunks:
        return precondition("CHUNKS_MISSING", f"Expected {command.chunks} chunks to be in, but {package.chunks} are")
    return [ev.PackageParsed(command.package, package.rows, package.rejected)]


def fail(state: State, command: FailPackage, _context: Context) -> list[ev.Event] | Refusal:
    package = _importing(state, command.package)
    if isinstance(package, Refusal):
        return package
    return [ev.PackageFailed(command.package, command.reason)]


def withdraw(state: State, command: WithdrawPackage, _context: Context) -> list[ev.Event] | Refusal | Answer:
    package = _known(state, command.package)
    if isinstance(package, Refusal):
        return package
    if package.status == "withdrawn":
        return Answer(state.position, number=command.package, changed=False)
    if package.status == "failed":
        return precondition("PACKAGE_OVER", f"Expected package {command.package} to be alive, but it failed")
    return [ev.PackageWithdrawn(command.package, command.reason)]


def sweep(state: State, command: SweepPackage, _context: Context) -> list[ev.Event] | Answer:
    package = state.packages[command.package]
    numbers = package.tasks_after(package.swept_through, command.limit)
    if package.status not in OVER or not numbers:
        return Answer(state.position, changed=False)
    tasks = [task for task in map(state.tasks.get, numbers) if task is not None and task.status not in _BEGUN]
    return [
        ev.TasksCancelled(
            tuple(task.number for task in tasks),
            tuple(task.agent or "" for task in tasks),
            f"package {command.package} {package.status}",
            command.package,
            numbers[-1],
            tuple(task.number for task in tasks if task.given and not task.agent),
            tuple(task.number for task in tasks if task.status == "calling"),
        )
    ]


def _known(state: State, number: int) -> Package | Refusal:
    package = state.packages.get(number)
    return package or not_found(
        "PACKAGE_UNKNOWN", f"Expected a package of this workspace, but there is no number {number}"
    )


def _importing(state: State, number: int) -> Package | Refusal:
    package = _known(state, number)
    if isinstance(package, Refusal) or package.status in IMPORTING:
        return package
    return precondition(
        "PACKAGE_NOT_IMPORTING", f"Expected package {number} to be importing, but it is {package.status}"
    )


def _not_begun(number: int, package: Package) -> Refusal:
    return precondition("PARSING_NOT_STARTED", f"Expected package {number} to be parsing, but it is {package.status}")
