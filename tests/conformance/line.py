"""A line to PostgreSQL that can be cut at the worst moment, or go dead without a word."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from psycopg.conninfo import conninfo_to_dict, make_conninfo

Watch = Callable[[bytes], bool]


def never(_data: bytes) -> bool:
    """Nothing happens to what passes."""
    return False


def times(count: int, watch: Watch) -> Watch:
    """The same, so often at most."""
    left = count

    def watched(data: bytes) -> bool:
        nonlocal left
        left -= (found := left > 0 and watch(data))
        return found

    return watched


class Line:
    """A TCP port in front of a cluster's unix socket.

    ``cut_asking``, ``cut_answering``: True for bytes that are lost, and the connection with them. ``dead``: bytes go
    nowhere, and nobody is told.
    """

    def __init__(self, dsn: str) -> None:
        said = conninfo_to_dict(dsn)
        self._socket = str(Path(str(said["host"])) / f".s.PGSQL.{said.get('port') or 5432}")
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.dsn = make_conninfo(dsn, host="127.0.0.1", port=self._listening.getsockname()[1])
        self.cut_asking: Watch = never
        self.cut_answering: Watch = never
        self.dead = threading.Event()
        self.cuts = 0
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """End every connection there is; whoever connects anew because of it gets through."""
        self.cuts += 1
        ending, self._open = self._open, []
        for one in ending:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def close(self) -> None:
        """No more connections."""
        self._listening.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            far.connect(self._socket)
            self._open += [near, far]
            for one, other, side in ((near, far, "cut_asking"), (far, near, "cut_answering")):
                threading.Thread(target=self._pass_on, args=(one, other, side), daemon=True).start()

    def _pass_on(self, one: Any, other: Any, side: str) -> None:
        try:
            while data := one.recv(1 << 16):
                if self.dead.is_set():
                    continue
                if getattr(self, side)(data):
                    self.cut()
                    return
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)
        except OSError:
            return
