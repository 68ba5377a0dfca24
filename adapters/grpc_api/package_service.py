"""PackageService: takes packages in and reports on them."""

# ruff: noqa: N802 - RPCs are named as in the contract
from __future__ import annotations

from collections.abc import AsyncIterator

from paidan.v1 import packages_pb2 as pb
from paidan.v1.packages_pb2_grpc import PackageServiceServicer

from adapters.grpc_api.checks import Checks
from adapters.grpc_api.connections import is_local
from adapters.grpc_api.desk import Context, Desk
from adapters.grpc_api.package_messages import check_spec, mapping_of, package_message, rejected_message
from adapters.grpc_api.reading import Reading
from adapters.grpc_api.services import Services
from adapters.grpc_api.uploads import data_of, header_of, in_time
from adapters.grpc_api.waiting import Tail
from adapters.importing.allowed_sources import AllowedSources
from adapters.importing.spool import Spooled, package_digest
from engine.answers import Answer
from engine.commands import RegisterPackage, WithdrawPackage

MAX_URI = 4_096
WATCH_S = 0.2
"""Between two looks at a package that is watched."""
AT_REST = frozenset({"distributed", "partly_distributed", "failed", "withdrawn"})


class PackageService(PackageServiceServicer):
    """Lists are spooled here and read by the importer process; nothing is parsed in the server."""

    def __init__(self, desk: Desk, reading: Reading, services: Services, tail: Tail) -> None:
        self._desk, self._reading, self._spool, self._tail = desk, reading, services.spool, tail
        self._allowed = AllowedSources(services.limits.import_from)
        self._part_s = services.limits.upload_part_s

    async def ImportPackage(self, request: pb.ImportPackageRequest, context: Context) -> pb.ImportPackageResponse:
        checks = self._desk.checks()
        checks.text("uri", request.uri, MAX_URI, required=True)
        _check(checks, request)
        answer = self._desk.registered(request.request_id, request.uri)
        if answer is None:
            source = self._allowed.resolved(request.uri, is_local(context.peer()))
            spooled = await self._spool.put_uri(source)
            answer = await self._register(request.uri, spooled, request, context)
        return pb.ImportPackageResponse(
            name=self._name(answer.number), number=answer.number or 0, position=answer.position, changed=answer.changed
        )

    async def UploadPackage(
        self, request_iterator: AsyncIterator[pb.UploadPackageRequest], context: Context
    ) -> pb.UploadPackageResponse:
        parts = in_time(request_iterator, self._part_s)
        header = await header_of(parts)
        checks = self._desk.checks()
        checks.line("header.file_name", header.file_name, MAX_URI, required=True)
        _check(checks, header, "header.")
        spooled = await self._spool.put_chunks(data_of(parts))
        answer = await self._register(f"upload:{header.file_name}", spooled, header, context)
        return pb.UploadPackageResponse(
            name=self._name(answer.number), number=answer.number or 0, position=answer.position, changed=answer.changed
        )

    async def GetPackage(self, request: pb.GetPackageRequest, context: Context) -> pb.GetPackageResponse:
        checks = self._desk.checks()
        number = checks.number_in("packages", request.name)
        minimum = checks.number("min_position", request.min_position)
        checks.end()
        row, position = await self._reading.package(number, minimum, context)
        return pb.GetPackageResponse(package=package_message(request.name, row), position=position)

    async def ListPackages(self, request: pb.ListPackagesRequest, context: Context) -> pb.ListPackagesResponse:
        checks = self._desk.checks()
        checks.parent(request.parent)
        checks.page(request)
        checks.end()
        page = await self._reading.packages(request, context)
        return pb.ListPackagesResponse(
            packages=[package_message(self._name(row.number), row) for row in page.rows],
            next_page_token=page.next_page_token,
            position=page.position,
        )

    async def ListRejectedRows(
        self, request: pb.ListRejectedRowsRequest, context: Context
    ) -> pb.ListRejectedRowsResponse:
        checks = self._desk.checks()
        package = checks.number_in("packages", request.parent, "parent")
        checks.page(request)
        checks.end()
        page = await self._reading.rejected(package, request, context)
        return pb.ListRejectedRowsResponse(
            rejected_rows=map(rejected_message, page.rows), next_page_token=page.next_page_token, position=page.position
        )

    async def DownloadRejectedRows(
        self, request: pb.DownloadRejectedRowsRequest, context: Context
    ) -> AsyncIterator[pb.DownloadRejectedRowsResponse]:
        checks = self._desk.checks()
        package = checks.number_in("packages", request.parent, "parent")
        minimum = checks.number("min_position", request.min_position)
        checks.end()
        _, position = await self._reading.package(package, minimum, context)
        async for rows in self._reading.all_rejected(package):
            yield pb.DownloadRejectedRowsResponse(rejected_rows=map(rejected_message, rows), position=position)

    async def WithdrawPackage(self, request: pb.WithdrawPackageRequest, context: Context) -> pb.WithdrawPackageResponse:
        checks = self._desk.checks()
        number = checks.number_in("packages", request.name)
        reason = checks.text("reason", request.reason)
        checks.line("request_id", request.request_id)
        checks.end()
        answer = await self._desk.submit(WithdrawPackage(number, reason), request.request_id, context)
        return pb.WithdrawPackageResponse(name=request.name, position=answer.position, changed=answer.changed)

    async def WatchPackage(
        self, request: pb.WatchPackageRequest, context: Context
    ) -> AsyncIterator[pb.WatchPackageResponse]:
        checks = self._desk.checks()
        number = checks.number_in("packages", request.name)
        minimum = checks.number("min_position", request.min_position)
        checks.end()
        seen = None
        while True:
            row, position = await self._reading.package(number, minimum, context)
            if row != seen:
                yield pb.WatchPackageResponse(package=package_message(request.name, row), position=position)
            if row.status in AT_REST:
                return
            seen = row
            await self._tail.pause(WATCH_S)

    async def _register(
        self, uri: str, spooled: Spooled, request: pb.ImportPackageRequest | pb.UploadHeader, context: Context
    ) -> Answer:
        spec = request.spec
        mapping = mapping_of(spec.mapping)
        digest = package_digest(spooled.digest, mapping, spec.task_type, spec.business_type)
        command = RegisterPackage(
            spec.segment, uri, spooled.name, digest, spooled.size, spec.task_type, spec.business_type, mapping,
            spec.priority,
        )  # fmt: skip
        return await self._desk.submit(command, request.request_id, context)

    def _name(self, number: int | None) -> str:
        return self._desk.name("packages", number)


def _check(checks: Checks, request: pb.ImportPackageRequest | pb.UploadHeader, at: str = "") -> None:
    checks.parent(request.parent, f"{at}parent")
    check_spec(checks, request.spec, f"{at}spec")
    checks.line(f"{at}request_id", request.request_id)
    checks.end()
