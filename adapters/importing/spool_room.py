"""Room in the spool: how much is in it, and what is no longer needed."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Collection, Iterator

from fsspec import AbstractFileSystem

from adapters.importing.spool_parts import STALE_AFTER, clean_parts, remove_older

log = logging.getLogger("paidan.spool")

SWEEP_S = 600.0
"""Between two looks at what may go."""
WHOLE = re.compile(r"[0-9a-f]{64}")
"""Name of a list that is whole: the hash of its bytes."""


Sweep = Callable[[Collection[str]], int]
"""Removes all lists but these and recent ones; gives how many."""


def bytes_in(fs: AbstractFileSystem, directory: str) -> int:
    """Bytes of all that is in the spool, parts under way included."""
    return sum(item["size"] or 0 for item in fs.ls(directory, detail=True) if item["type"] == "file")


def sweep(fs: AbstractFileSystem, directory: str, needed: Collection[str], keep_s: float) -> int:
    """Remove lists that are not needed and came in longer ago than ``keep_s``; gives how many.

    One that came in within the last hour stays in any case: its package may be about to be registered.
    """
    clean_parts(fs, directory)
    paths = (path for path, name in _whole(fs, directory) if name not in needed)
    return remove_older(fs, paths, max(keep_s, STALE_AFTER))


async def sweep_for_ever(sweep: Sweep, needed: Callable[[], Collection[str] | None]) -> None:
    """Now and then; ``needed`` gives None while this server cannot know. Ends by cancellation."""
    while True:
        names = needed()
        if names is not None:
            await _swept(sweep, names)
        await asyncio.sleep(SWEEP_S)


async def _swept(sweep: Sweep, needed: Collection[str]) -> None:
    try:
        removed = await asyncio.to_thread(sweep, needed)
    except Exception:  # a driver raises what it likes, and the next time may do better
        log.exception("the spool cannot be cleaned now")
    else:
        if removed:
            log.info("%d lists removed from the spool: their packages are done", removed)


def _whole(fs: AbstractFileSystem, directory: str) -> Iterator[tuple[str, str]]:
    for path in fs.ls(directory, detail=False):
        name = path.rpartition("/")[2]
        if WHOLE.fullmatch(name):
            yield path, name
