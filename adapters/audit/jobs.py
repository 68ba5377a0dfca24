"""Heavy reading of the log, each piece of work a process of its own: no RPC waits for it, and it can be given up.

The job goes in as JSON on standard input; what it yields comes out as JSON lines.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import msgspec


class Job(msgspec.Struct, frozen=True):
    """One piece of work on one workspace."""

    kind: str
    dsn: str
    workspace: str
    arguments: dict[str, Any] = {}


class JobFailedError(Exception):
    """The work ended without a result; the message says why."""


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a job says: some progress, its result, or what went wrong."""

    progress: msgspec.Raw = msgspec.Raw(b"")
    result: msgspec.Raw = msgspec.Raw(b"")
    error: str = ""


async def run_job(job: Job, module: str = "adapters.audit.process") -> AsyncIterator[Line]:
    """The job's lines as they come. Raises JobFailedError. Ending the iteration early ends the process."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 26
    )
    try:
        async for line in _lines(process, job):
            yield line
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _lines(process: asyncio.subprocess.Process, job: Job) -> AsyncIterator[Line]:
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(msgspec.json.encode(job))
    process.stdin.close()
    async for raw in process.stdout:
        line = msgspec.json.decode(raw, type=Line)
        if line.error:
            raise JobFailedError(line.error)
        yield line
    if await process.wait():
        raise JobFailedError(f"Expected {job.kind} to come to an end, but its process ended with {process.returncode}")
