"""RegisterPackage to WithdrawPackage, command by command."""

from __future__ import annotations

from typing import Any

import pytest

from engine import events as ev
from engine.commands import (
    Command,
    FailPackage,
    FinishParsing,
    ImportRows,
    PoolPackage,
    StartParsing,
    SweepPackage,
    WithdrawPackage,
)
from engine.decide.packages import MAX_CHUNK
from engine.refusals import Refusal
from tests.engine.given import register, row, rule, rules, task
from tests.engine.scenario import REST, UNCHANGED, Refused, Scenario, Step, Then, expect

_RULES = rules(rule())
_REGISTERED: list[Step] = [_RULES, register()]
_PARSING: list[Step] = [*_REGISTERED, StartParsing(1)]
_ONE_CHUNK: list[Step] = [*_PARSING, ImportRows(1, 0, (), (row(2),))]
_NOT_IMPORTING = Refused("precondition", "PACKAGE_NOT_IMPORTING")


def test_register_fills_in_the_declared_types() -> None:
    asked = register(mapping=ev.ColumnMapping(customer="C", attributes={"level": "L"}), priority=4)
    mapping = ev.ColumnMapping(customer="C", attributes={"level": "L"}, types={"level": "int"})
    registered = ev.PackageRegistered(1, "seg", "file:x", "x.csv", "d1", 9, "call", "loan", mapping, 4)
    expect([_RULES], asked, [registered])


def test_a_segment_without_a_number_gets_that_of_the_package() -> None:
    scenario = Scenario(*_REGISTERED, register("d2", segment=""))
    assert scenario.state.packages[2].registered.segment == "2"


def test_the_same_content_is_recognised() -> None:
    scenario = expect(_REGISTERED, register(uri="file:other"), UNCHANGED)
    told = scenario.answer(register())
    assert not isinstance(told, Refusal) and (told.number, told.changed) == (1, False)


@pytest.mark.parametrize("end", [FailPackage(1, "torn"), WithdrawPackage(1)])
def test_content_of_a_package_that_is_over_may_come_again(end: Command) -> None:
    scenario = Scenario(*_REGISTERED, end, register())
    assert sorted(scenario.state.packages) == [1, 2] and scenario.state.package_by_digest == {"d1": 2}


def test_a_later_end_does_not_forget_the_newer_package() -> None:
    scenario = Scenario(*_REGISTERED, FailPackage(1, "torn"), register(), WithdrawPackage(2), register())
    assert scenario.state.package_by_digest == {"d1": 3}


def test_register_without_rules() -> None:
    expect([], register(), Refused("precondition", "NO_RULES"))


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"mapping": ev.ColumnMapping(attributes={"lvl": "L"})}, ["mapping.attributes.lvl"]),
        ({"mapping": ev.ColumnMapping(attributes={"owner": "O"})}, ["mapping.attributes.owner"] * 2),
        ({"mapping": ev.ColumnMapping(delimiter="||")}, ["mapping.delimiter"]),
        ({"task_type": ""}, ["task_type"]),
        ({"priority": 101}, ["priority"]),
        ({"priority": -1}, ["priority"]),
    ],
)
def test_a_package_that_is_not_valid(fields: dict[str, Any], wrong: list[str]) -> None:
    told = Scenario(_RULES).answer(register(**fields))
    assert isinstance(told, Refusal) and (told.kind, told.reason) == ("invalid", "PACKAGE_INVALID")
    assert [violation.field for violation in told.violations] == wrong


def test_start_parsing() -> None:
    expect(_REGISTERED, StartParsing(1), [ev.PackageParsingStarted(1)])
    expect(_PARSING, StartParsing(1), UNCHANGED)


def test_import_rows_numbers_the_tasks() -> None:
    persons = (ev.Person("Li"), ev.Person("Wu"))
    rejected = (ev.RejectedRow(4, "L", "not an int", "x"),)
    chunk = ImportRows(1, 0, ("zone",), (row(2, 5, "ann", "JS", "n"), row(3, 0, None, None, None)), persons, rejected)
    imported = ev.TasksImported(1, 0, 2, "call", "loan", ("zone",), chunk.rows, persons, rejected)
    scenario = expect([*_PARSING, task("mail")], chunk, [imported])
    package = scenario.state.packages[1]
    assert (package.rows, package.rejected, package.chunks, package.spans) == (2, 1, 1, [(2, 4)])
    assert (scenario.state.last_task, scenario.state.tasks[3].status) == (3, "created")


def test_a_chunk_of_rejected_rows_only() -> None:
    scenario = Scenario(*_PARSING, ImportRows(1, 0, (), (), (), (ev.RejectedRow(2, "", "torn", ""),)))
    package = scenario.state.packages[1]
    assert (package.rows, package.rejected, package.chunks, package.spans) == (0, 1, 1, [])


@pytest.mark.parametrize(
    ("given", "command", "then"),
    [
        (_ONE_CHUNK, ImportRows(1, 0, (), (row(9),)), UNCHANGED),
        (_ONE_CHUNK, ImportRows(1, 2, (), (row(9),)), Refused("precondition", "CHUNK_OUT_OF_TURN")),
        (_REGISTERED, ImportRows(1, 0, (), (row(2),)), Refused("precondition", "PARSING_NOT_STARTED")),
        (_PARSING, ImportRows(1, 0, (), (row(2),) * (MAX_CHUNK + 1)), Refused("invalid", "CHUNK_INVALID")),
        (_PARSING, ImportRows(1, 0, (), (row(2),), (ev.Person(),) * 2), Refused("invalid", "CHUNK_INVALID")),
        (_ONE_CHUNK, FinishParsing(1, 1), [ev.PackageParsed(1, 1, 0)]),
        (_ONE_CHUNK, FinishParsing(1, 2), Refused("precondition", "CHUNKS_MISSING")),
        ([*_ONE_CHUNK, FinishParsing(1, 1)], FinishParsing(1, 1), UNCHANGED),
        (_PARSING, FailPackage(1, "torn"), [ev.PackageFailed(1, "torn")]),
        ([*_ONE_CHUNK, FinishParsing(1, 1)], FailPackage(1, "torn"), _NOT_IMPORTING),
        (_PARSING, WithdrawPackage(1, "wrong"), [ev.PackageWithdrawn(1, "wrong")]),
        ([*_PARSING, WithdrawPackage(1)], WithdrawPackage(1), UNCHANGED),
        ([*_PARSING, FailPackage(1, "torn")], WithdrawPackage(1), Refused("precondition", "PACKAGE_OVER")),
    ],
)
def test_importing(given: list[Step], command: Command, then: Then) -> None:
    expect(given, command, then)


@pytest.mark.parametrize("end", [FailPackage(1, "torn"), WithdrawPackage(1)])
@pytest.mark.parametrize(
    "command", [StartParsing(1), ImportRows(1, 1, (), ()), FinishParsing(1, 1), FailPackage(1, "again")]
)
def test_nothing_comes_into_a_package_that_is_over(end: Command, command: Command) -> None:
    expect([*_ONE_CHUNK, end], command, _NOT_IMPORTING)


@pytest.mark.parametrize(
    "command", [StartParsing(7), ImportRows(7, 0, (), ()), FinishParsing(7, 0), FailPackage(7, ""), WithdrawPackage(7)]
)
def test_a_package_nobody_knows(command: Command) -> None:
    expect(_PARSING, command, Refused("not_found", "PACKAGE_UNKNOWN"))


def test_engine_steps_on_a_package_with_nothing_to_do() -> None:
    given = [*_ONE_CHUNK, FinishParsing(1, 1), REST]
    expect(given, PoolPackage(1, 10), UNCHANGED)
    expect(given, SweepPackage(1, 10), UNCHANGED)
    expect([*given, WithdrawPackage(1), REST], PoolPackage(1, 10), UNCHANGED)
    expect([*given, WithdrawPackage(1), REST], SweepPackage(1, 10), UNCHANGED)
