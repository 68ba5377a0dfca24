"""Beside the load over gRPC: tasks that are sent in over NATS, all the while."""

from __future__ import annotations

import threading
from itertools import count
from pathlib import Path

from tests.acceptance.sending import Sender
from tests.crash.scene import WORKSPACE

BETWEEN_S = 0.05


class Sending:
    """``start`` and ``stop``; ``sent``: names of messages that NATS said it had."""

    def __init__(self, data: Path) -> None:
        self.sender = Sender(data, WORKSPACE)
        self.sent: list[str] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._go_on, daemon=True)

    def start(self) -> None:
        """One thread."""
        self._thread.start()

    def stop(self, patience: float) -> None:
        """Let it end what it is at."""
        self._stop.set()
        self._thread.join(patience)
        assert not self._thread.is_alive()

    def _go_on(self) -> None:
        for number in count(1):
            if self._stop.wait(BETWEEN_S):
                return
            name = f"sent-{number}"
            try:
                self.sender.send([name])
            except Exception:  # whatever it was, NATS has not said that it has the message
                continue
            self.sent.append(name)
