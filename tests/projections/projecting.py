"""The projector as the process it is in service: started, told to end, killed."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from adapters.views.connection import positions_of
from tests.projections.live import Live

_ROOT = Path(__file__).parents[2]
_PROGRAM = "import sys; from adapters.views.projector import main; main(sys.argv[1], sys.argv[2])"


def start(live: Live, stdin: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, live.dsn, live.workspace], cwd=_ROOT, stdin=stdin, stderr=subprocess.PIPE
    )


def until(true: Callable[[], bool], seconds: float = 20.0) -> None:
    """Fails when it does not become true in time."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "Expected it to become true in time"
        time.sleep(0.02)


def caught_up(live: Live, position: int) -> bool:
    return set(positions_of(live.connection).values()) == {position}
