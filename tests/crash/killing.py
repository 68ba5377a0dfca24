"""What is killed: any process of two servers, PostgreSQL or one of its backends, NATS; and a server that merely stalls."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import NamedTuple

import psutil

from tests.acceptance.serving import Paidan

STALLS_S = (0.3, 6.0)
"""Shorter and longer than a standby waits."""


class Kill(NamedTuple):
    """What was done, and when (seconds since 1970)."""

    target: str
    at: float


class Killer:
    """``strike`` at something; ``end`` lets go of what is stopped."""

    def __init__(self, servers: list[Paidan], random: Random) -> None:
        self._servers, self._random = servers, random
        self._timers: list[threading.Timer] = []
        self.kills: list[Kill] = []

    def strike(self) -> Kill:
        """Kill something that lives."""
        while True:
            target = self._random.choices(list(TARGETS), [weight for weight, _ in TARGETS.values()])[0]
            at = time.time()
            with suppress(LookupError, psutil.NoSuchProcess, ProcessLookupError, FileNotFoundError):
                TARGETS[target][1](self)
                self.kills.append(Kill(target, at))
                return self.kills[-1]

    def end(self) -> None:
        """Nothing stays stopped."""
        for timer in self._timers:
            timer.join()

    def role(self, role: str) -> None:
        self._random.choice(self._servers).process(role).kill()

    def supervisor(self) -> None:
        """Its children end by themselves, and it is started again."""
        served = self._random.choice(self._servers)
        served.kill_supervisor()
        served.start(serving=False)

    def postmaster(self) -> None:
        os.kill(self._postmaster(), signal.SIGKILL)

    def backend(self) -> None:
        """Any child of the postmaster; the others it then ends and starts again itself."""
        children = psutil.Process(self._postmaster()).children()
        if not children:
            raise LookupError
        self._random.choice(children).kill()

    def nats(self) -> None:
        os.kill(int((self._servers[0].data / "nats" / "pid").read_text()), signal.SIGKILL)

    def stall(self) -> None:
        """For a while."""
        process = self._random.choice(self._servers).process("server")
        process.suspend()
        self._timers.append(threading.Timer(self._random.uniform(*STALLS_S), _resume, (process,)))
        self._timers[-1].start()

    def _postmaster(self) -> int:
        return int((self._servers[0].data / "postgres" / "postmaster.pid").read_text().split()[0])


def _resume(process: psutil.Process) -> None:
    with suppress(psutil.NoSuchProcess):
        process.resume()


TARGETS: dict[str, tuple[int, Callable[[Killer], None]]] = {
    "server": (4, lambda killer: killer.role("server")),
    "projector": (2, lambda killer: killer.role("projector")),
    "importer": (2, lambda killer: killer.role("importer")),
    "publisher": (2, lambda killer: killer.role("publisher")),
    "connector": (2, lambda killer: killer.role("connector")),
    "supervisor": (1, Killer.supervisor),
    "postmaster": (2, Killer.postmaster),
    "backend": (2, Killer.backend),
    "nats": (2, Killer.nats),
    "stall": (2, Killer.stall),
}
"""Name -> how often, how."""
