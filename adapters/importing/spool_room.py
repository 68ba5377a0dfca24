"""Room in the spool: how much is in it, and what is no longer needed."""

from __future__ import annotations

import asyncio
import logging
import os
import re
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path

from adapters.importing.spool_parts import STALE_AFTER, clean_parts, remove_older

log = logging.getLogger("paidan.spool")

SWEEP_S = 600.0
"""Between two looks at what may go."""
WHOLE = re.compile(r"[0-9a-f]{64}")
"""Name of a list that is whole: the hash of its bytes."""


Sweep = Callable[[Collection[str]], int]
"""Removes all lists but these and recent ones; gives how many."""


def bytes_in(directory: Path) -> int:
    """Bytes of all that is in the spool, parts under way included."""
    found = 0
    for entry in os.scandir(directory):
        with suppress(FileNotFoundError):  # removed since it was listed
            found += entry.stat().st_size if entry.is_file() else 0
    return found


def sweep(directory: Path, needed: Collection[str], keep_s: float) -> int:
    """Remove lists that are not needed and came in longer ago than ``keep_s``; gives how many.

    One that came in within the last hour stays in any case: its package may be about to be registered.
    """
    clean_parts(directory)
    lists = (path for path in directory.iterdir() if WHOLE.fullmatch(path.name))
    return remove_older((path for path in lists if path.name not in needed), max(keep_s, STALE_AFTER))


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
