"""The server as the importer sees it, without gRPC: the real engine deciding, and whatever a test wants to go wrong."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from typing import BinaryIO

import msgspec

from adapters.importing.importer import OutOfTurnError, PackageOverError, PackageWork, RefusedError, ServerAwayError
from engine.commands import (
    ApplyRules,
    Command,
    FailPackage,
    FinishParsing,
    ImportRows,
    Order,
    RegisterPackage,
    StartParsing,
    WithdrawPackage,
)
from engine.events import ColumnMapping, Event, TasksImported
from engine.refusals import Refusal
from engine.state import Package
from engine.workspace import Workspace
from tests.packages.lists import ONE

RULES = """
workspace: desk
attributes: {task: {v: string}, agent: {}}
rules: [{id: all, name: All, task_type: call}]
"""
SPOOL_NAME = "0" * 64

Trouble = Callable[[Command], None]
"""Called before each command is decided; may raise."""


class StandIn:
    """An ``ImportPort`` with a workspace behind it."""

    def __init__(self, trouble: Trouble = lambda command: None) -> None:
        self.trouble = trouble
        self.workspace = Workspace("desk")
        self.log: list[Event] = []
        self.commands: list[Command] = []
        """Those that reached the server."""
        self.tells_chunks = True
        self.decide(ApplyRules(RULES))

    def register(self, mapping: ColumnMapping = ONE, digest: str = "one") -> int:
        """A package that waits to be imported."""
        command = RegisterPackage("", "memory://list", SPOOL_NAME, digest, 1, "call", "", mapping)
        return self.decide(command) or 0

    def withdraw(self, package: int) -> None:
        """Somebody takes the package back."""
        self.decide(WithdrawPackage(package))

    def package(self, number: int = 1) -> Package:
        """What the server knows of a package."""
        return self.workspace.state.packages[number]

    def chunks(self) -> list[TasksImported]:
        """Those in the log."""
        return [event for event in self.log if isinstance(event, TasksImported)]

    def decide(self, command: Command) -> int | None:
        """The number answered. Raises as a client of the server would."""
        recorded, answer = self.workspace.handle(Order(command, "importer"), 1)
        self.log.extend(item.event for item in recorded)
        if isinstance(answer, Refusal):
            raise _error_of(answer)
        return answer.number

    async def packages(self) -> AsyncIterator[PackageWork]:
        self.trouble(Command())
        for package in list(self.workspace.state.packages.values()):
            if package.status in ("initialized", "parsing"):
                yield PackageWork(package.registered, package.chunks if self.tells_chunks else 0)

    async def start(self, package: int) -> None:
        await self._call(StartParsing(package))

    async def send(self, package: int, rows: bytes) -> None:
        command = msgspec.json.decode(rows, type=ImportRows)
        assert command.package == package
        await self._call(command)

    async def finish(self, package: int, chunks: int) -> None:
        await self._call(FinishParsing(package, chunks))

    async def fail(self, package: int, reason: str) -> None:
        await self._call(FailPackage(package, reason))

    async def _call(self, command: Command) -> None:
        await asyncio.sleep(0)
        self.trouble(command)
        self.commands.append(command)
        self.decide(command)
        await asyncio.sleep(0)


def spool_of(data: bytes) -> Callable[[str], BinaryIO]:
    """A spool that holds one list."""
    return lambda name: io.BytesIO(data)


def _error_of(refusal: Refusal) -> Exception:
    known = {
        "CHUNK_OUT_OF_TURN": OutOfTurnError,
        "CHUNKS_MISSING": OutOfTurnError,
        "PACKAGE_NOT_IMPORTING": PackageOverError,
        "PACKAGE_UNKNOWN": PackageOverError,
    }
    return known.get(refusal.reason, RefusedError)(refusal.message)


def away_at(call: int) -> Trouble:
    """The server goes away before it decides one call, counted from 1, and is back for the next."""
    calls = iter(range(1, 1_000_000))

    def trouble(command: Command) -> None:
        if next(calls) == call:
            raise ServerAwayError("gone")

    return trouble
