"""ImporterService: hands packages to the importer process and takes their rows."""

# ruff: noqa: N802 - RPCs are named as in the contract
from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
from paidan.v1 import importer_pb2 as pb
from paidan.v1.importer_pb2_grpc import ImporterServiceServicer

from adapters.grpc_api.desk import Context, Desk
from adapters.grpc_api.services import Writer
from adapters.grpc_api.waiting import Tail
from engine import commands as cmd
from engine.state.package import IMPORTING, Package

_decode_rows = msgspec.json.Decoder(cmd.ImportRows).decode
_encode = msgspec.json.Encoder().encode


class ImporterService(ImporterServiceServicer):
    """Which packages have still to be imported is read from the writer's state: that is never behind the log."""

    def __init__(self, desk: Desk, writer: Writer, tail: Tail) -> None:
        self._desk, self._writer, self._tail = desk, writer, tail

    async def NextPackage(self, request: pb.NextPackageRequest, context: Context) -> pb.NextPackageResponse:
        checks = self._desk.checks()
        checks.parent(request.parent)
        minimum = checks.number("min_position", request.min_position)
        checks.end()
        await self._tail.reached(minimum, context)
        waiting = self._to_import()
        return pb.NextPackageResponse(package=waiting[0] if waiting else None, position=self._writer.position)

    async def WatchPackagesToImport(
        self, request: pb.WatchPackagesToImportRequest, _context: Context
    ) -> AsyncIterator[pb.WatchPackagesToImportResponse]:
        checks = self._desk.checks()
        checks.parent(request.parent)
        checks.end()
        told: set[int] = set()
        while True:
            for package in self._to_import(above=max(told, default=0)):
                told.add(package.number)
                yield pb.WatchPackagesToImportResponse(package=package, position=self._writer.position)
            await self._tail.moved()

    async def StartParsing(self, request: pb.StartParsingRequest, context: Context) -> pb.StartParsingResponse:
        package = self._package(request)
        answer = await self._desk.submit(cmd.StartParsing(package), request.request_id, context)
        return pb.StartParsingResponse(position=answer.position, changed=answer.changed)

    async def ImportRows(self, request: pb.ImportRowsRequest, context: Context) -> pb.ImportRowsResponse:
        package = self._package(request)
        command = self._rows(package, request.command_json)
        answer = await self._desk.submit(command, request.request_id, context)
        return pb.ImportRowsResponse(position=answer.position, changed=answer.changed)

    async def FinishParsing(self, request: pb.FinishParsingRequest, context: Context) -> pb.FinishParsingResponse:
        package = self._package(request)
        command = cmd.FinishParsing(package, request.chunks)
        answer = await self._desk.submit(command, request.request_id, context)
        return pb.FinishParsingResponse(position=answer.position, changed=answer.changed)

    async def FailPackage(self, request: pb.FailPackageRequest, context: Context) -> pb.FailPackageResponse:
        package = self._package(request)
        checks = self._desk.checks()
        reason = checks.text("reason", request.reason, required=True)
        checks.end()
        answer = await self._desk.submit(cmd.FailPackage(package, reason), request.request_id, context)
        return pb.FailPackageResponse(position=answer.position, changed=answer.changed)

    def _package(
        self,
        request: pb.StartParsingRequest | pb.ImportRowsRequest | pb.FinishParsingRequest | pb.FailPackageRequest,
    ) -> int:
        checks = self._desk.checks()
        package = checks.number_in("packages", request.name)
        checks.line("request_id", request.request_id)
        checks.end()
        return package

    def _rows(self, package: int, payload: bytes) -> cmd.ImportRows:
        checks = self._desk.checks()
        try:
            command = _decode_rows(payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            checks.wrong("command_json", f"Expected the command ImportRows, but: {error}")
            checks.end()
            raise
        if command.package != package:
            checks.wrong("command_json", f"Expected rows of package {package}, but they are of {command.package}")
        checks.end()
        return command

    def _to_import(self, above: int = 0) -> list[pb.PackageToImport]:
        packages = self._writer.state.packages
        return [_message(package) for number, package in packages.items() if number > above and _waits(package)]


def _waits(package: Package) -> bool:
    return package.status in IMPORTING


def _message(package: Package) -> pb.PackageToImport:
    event = package.registered
    return pb.PackageToImport(
        number=event.package, spool=event.spool, registration_json=_encode(event), chunks=package.chunks
    )
