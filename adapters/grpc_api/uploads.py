"""Client streams of an upload: a header, then bytes. None stands for a message that could not be read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from paidan.v1.packages_pb2 import UploadHeader, UploadPackageRequest

from adapters.grpc_api.failures import invalid, overloaded
from engine.refusals import Violation

Part = UploadPackageRequest | None

MAX_PART = 1024 * 1024
"""Bytes of data in one message."""


async def in_time(requests: AsyncIterator[Part], seconds: float) -> AsyncIterator[Part]:
    """The messages as they come. Raises Failure where the next one takes longer than that."""
    while True:
        try:
            async with asyncio.timeout(seconds):
                request = await anext(requests)
        except StopAsyncIteration:
            return
        except TimeoutError as error:
            told = f"Expected the next message of the upload within {seconds:g} s, but none came; send it again"
            raise overloaded("UPLOAD_TOO_SLOW", told) from error
        yield request


async def header_of(requests: AsyncIterator[Part]) -> UploadHeader:
    """The first message's header. Raises Failure where it is none."""
    async for request in requests:
        if request is not None and request.WhichOneof("part") == "header":
            return request.header
        break
    raise invalid(Violation("header", "Expected the header in the first message of an upload, but it is not there"))


async def data_of(requests: AsyncIterator[Part]) -> AsyncIterator[bytes]:
    """The bytes of all other messages. Raises Failure for a second header or a message that is too large."""
    async for request in requests:
        if request is None or request.WhichOneof("part") != "data":
            raise invalid(Violation("data", "Expected data in every message after the first, but one has none"))
        if len(request.data) > MAX_PART:
            told = f"Expected at most {MAX_PART} bytes a message, but got {len(request.data)}"
            raise invalid(Violation("data", told))
        yield request.data
