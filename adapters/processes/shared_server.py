"""A server of our own beside Paidan, for a machine that has none set up: shared by all who use one data directory."""

from __future__ import annotations

import asyncio
import fcntl
import logging
from abc import ABC, abstractmethod
from pathlib import Path
from typing import IO, ClassVar

WATCH_S = 1.0
"""Between two looks at whether it lives."""


class SharedServer(ABC):
    """Several servers on one data directory may share it; the last one out stops it."""

    name: ClassVar[str]
    """Of its setting, its files in the data directory, and its logger."""
    title: ClassVar[str]
    """As people call it."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._users: IO[str] | None = None
        self._log = logging.getLogger(f"paidan.{self.name}")

    @abstractmethod
    def is_running(self) -> bool:
        """Whether its process lives."""

    @abstractmethod
    def _start(self) -> str:
        """Start it or find it running; gives where it is to be reached."""

    @abstractmethod
    def _stop(self) -> None:
        """Stop it, if it runs; whoever is connected is disconnected."""

    def start(self) -> str:
        """Start it or find it running; gives where it is to be reached."""
        if self._users is None:
            self._data.mkdir(parents=True, exist_ok=True)
            self._users = (self._data / f"{self.name}.users").open("w")
            fcntl.flock(self._users, fcntl.LOCK_SH)
        with (self._data / f"{self.name}.start").open("w") as starting:
            fcntl.flock(starting, fcntl.LOCK_EX)  # two that start at once make one of it
            return self._start()

    async def keep_running(self) -> None:
        """Start it again, to be reached as before, should it die; ends by cancellation."""
        while True:
            await asyncio.sleep(WATCH_S)
            if self.is_running():
                continue
            self._log.warning("the embedded %s ended; starting it again", self.title)
            try:
                await asyncio.to_thread(self.start)
            except Exception:  # a recovery may take longer than is waited for; whoever gives up here never comes back
                self._log.exception("the embedded %s did not start; trying again", self.title)

    def stop(self) -> None:
        """Stop it, unless another server still uses it."""
        if self._users is None:
            return
        try:
            fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return
        finally:
            self._users.close()
            self._users = None
        self._stop()
