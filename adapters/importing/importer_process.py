"""The importer as a process of its own, so that reading lists never holds up the server's event loop."""

from __future__ import annotations

import asyncio
import gc
import signal
from pathlib import Path

from adapters.grpc_api.importer_client import connected
from adapters.importing.importer import Importer
from adapters.importing.spool import Spool
from adapters.processes.parent import ends_with_parent


def run_importer(target: str, workspace: str, spool_directory: Path) -> None:
    """Import what comes to a workspace of the server at ``target``, until SIGTERM, SIGINT or the end of a piped stdin.

    A supervisor keeps the other end of that pipe, so the importer never outlives it.
    """
    gc.set_threshold(50_000)  # rows hold no cycles; looking for some every 700 objects costs a fifth of the time
    asyncio.run(_until_told(target, workspace, spool_directory))


async def _until_told(target: str, workspace: str, spool_directory: Path) -> None:
    async with connected(target, workspace) as port:
        importing = asyncio.create_task(Importer(port, Spool(spool_directory).open).run())
        _stop_when_told(importing)
        await asyncio.wait([importing])
    if not importing.cancelled():
        importing.result()


def _stop_when_told(task: asyncio.Task[None]) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    ends_with_parent(loop, task.cancel)
