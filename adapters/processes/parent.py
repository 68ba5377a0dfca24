"""A child of the supervisor ends with it: its standard input is a pipe that only the supervisor holds open."""

from __future__ import annotations

import asyncio
import os
import stat
import threading
from collections.abc import Callable

_STDIN = 0


def ends_with_parent(loop: asyncio.AbstractEventLoop, end: Callable[[], object]) -> None:
    """Call ``end`` when the pipe on standard input ends; does nothing where it is no pipe."""
    if not _is_pipe(_STDIN):
        return

    def read() -> None:
        if not os.read(_STDIN, 4_096):
            loop.remove_reader(_STDIN)
            end()

    loop.add_reader(_STDIN, read)


def stops_with_parent(stop: threading.Event) -> None:
    """The same for a process without an event loop: set ``stop`` when the pipe ends."""
    if _is_pipe(_STDIN):
        threading.Thread(target=_until_it_ends, args=(stop,), daemon=True, name="parent").start()


def _until_it_ends(stop: threading.Event) -> None:
    while os.read(_STDIN, 4_096):
        pass
    stop.set()


def _is_pipe(descriptor: int) -> bool:
    try:
        mode = os.fstat(descriptor).st_mode
    except OSError:
        return False  # closed from the start
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)
