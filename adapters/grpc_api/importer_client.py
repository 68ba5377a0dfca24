"""The importer's way to the server: its port, over gRPC."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager

import grpc
import msgspec
from paidan.v1 import importer_pb2 as pb
from paidan.v1.importer_pb2_grpc import ImporterServiceStub

from adapters.grpc_api.metadata import ACTOR
from adapters.grpc_api.status import told
from adapters.importing.importer import OutOfTurnError, PackageOverError, PackageWork, RefusedError, ServerAwayError
from engine.events import PackageRegistered

TIMEOUT_S = 60.0
MESSAGE_BYTES = 16 * 1024 * 1024
FINAL = (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.NOT_FOUND)
"""Whatever is not known to be final is worth another attempt."""
OUT_OF_TURN = ("CHUNK_OUT_OF_TURN", "CHUNKS_MISSING")
OVER = ("PACKAGE_NOT_IMPORTING", "PACKAGE_UNKNOWN")
CALLER = ((ACTOR, "importer"),)

_decode = msgspec.json.Decoder(PackageRegistered).decode


@asynccontextmanager
async def connected(target: str, workspace: str) -> AsyncIterator[GrpcImportPort]:
    """The port of one workspace of the server at ``target`` (host:port); the connection is made when it is used."""
    options = [("grpc.max_send_message_length", MESSAGE_BYTES), ("grpc.max_reconnect_backoff_ms", 5_000)]
    async with grpc.aio.insecure_channel(target, options=options) as channel:
        yield GrpcImportPort(channel, workspace)


class GrpcImportPort:
    """``adapters.importing.importer.ImportPort`` over a channel.

    Requests carry no request ids: each command says by itself whether it was done before, and a refusal remembered
    under an id (of a chunk that overtook another) would be given again when it no longer holds.
    """

    def __init__(self, channel: grpc.aio.Channel, workspace: str) -> None:
        self._parent = f"workspaces/{workspace}"
        self._server = ImporterServiceStub(channel)

    async def packages(self) -> AsyncIterator[PackageWork]:
        """Packages that have still to be imported, as they come."""
        request = pb.WatchPackagesToImportRequest(parent=self._parent)
        try:
            async for message in self._server.WatchPackagesToImport(request, metadata=CALLER):
                yield PackageWork(_decode(message.package.registration_json), message.package.chunks)
        except grpc.aio.AioRpcError as error:
            raise _meaning(error) from error

    async def start(self, package: int) -> None:
        """Reading begins."""
        request = pb.StartParsingRequest(name=self._name(package))
        await _told(self._server.StartParsing(request, timeout=TIMEOUT_S, metadata=CALLER))

    async def send(self, package: int, rows: bytes) -> None:
        """One chunk."""
        request = pb.ImportRowsRequest(name=self._name(package), command_json=rows)
        await _told(self._server.ImportRows(request, timeout=TIMEOUT_S, metadata=CALLER))

    async def finish(self, package: int, chunks: int) -> None:
        """Every chunk is in."""
        request = pb.FinishParsingRequest(name=self._name(package), chunks=chunks)
        await _told(self._server.FinishParsing(request, timeout=TIMEOUT_S, metadata=CALLER))

    async def fail(self, package: int, reason: str) -> None:
        """The package cannot be read."""
        request = pb.FailPackageRequest(name=self._name(package), reason=reason[:4_000])
        await _told(self._server.FailPackage(request, timeout=TIMEOUT_S, metadata=CALLER))

    def _name(self, package: int) -> str:
        return f"{self._parent}/packages/{package}"


async def _told(call: Awaitable[object]) -> None:
    try:
        await call
    except grpc.aio.AioRpcError as error:
        raise _meaning(error) from error


def _meaning(error: grpc.aio.AioRpcError) -> Exception:
    reason, message = told(error).reason, error.details() or error.code().name
    if reason in OUT_OF_TURN:
        return OutOfTurnError(message)
    if reason in OVER:
        return PackageOverError(message)
    return RefusedError(message) if error.code() in FINAL else ServerAwayError(message)
