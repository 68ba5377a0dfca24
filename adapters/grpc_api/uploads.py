"""Client streams of an upload: a header, then bytes. None stands for a message that could not be read."""

from __future__ import annotations

from collections.abc import AsyncIterator

from paidan.v1.packages_pb2 import UploadHeader, UploadPackageRequest

from adapters.grpc_api.failures import invalid
from engine.refusals import Violation

MAX_PART = 1024 * 1024
"""Bytes of data in one message."""


async def header_of(requests: AsyncIterator[UploadPackageRequest | None]) -> UploadHeader:
    """The first message's header. Raises Failure where it is none."""
    async for request in requests:
        if request is not None and request.WhichOneof("part") == "header":
            return request.header
        break
    raise invalid(Violation("header", "Expected the header in the first message of an upload, but it is not there"))


async def data_of(requests: AsyncIterator[UploadPackageRequest | None]) -> AsyncIterator[bytes]:
    """The bytes of all other messages. Raises Failure for a second header or a message that is too large."""
    async for request in requests:
        if request is None or request.WhichOneof("part") != "data":
            raise invalid(Violation("data", "Expected data in every message after the first, but one has none"))
        if len(request.data) > MAX_PART:
            told = f"Expected at most {MAX_PART} bytes a message, but got {len(request.data)}"
            raise invalid(Violation("data", told))
        yield request.data
