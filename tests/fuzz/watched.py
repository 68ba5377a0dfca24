"""A hunt in a child process with a watchdog: what hangs while it holds the GIL, or dies, ends the child and not the hunt."""

from __future__ import annotations

import os
import resource
import select
import subprocess
import sys
import time
from pathlib import Path

import msgspec

from tests.fuzz.hunting import MAX_FAULTS, Figures, hunt

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60.0
"""Of wall time for one input: machines that run tests are busy."""
MEMORY = 3 * 1024**3
"""Bytes of address space of the child: a blow-up is a MemoryError there, and no trouble for anybody else."""


def watched_hunt(name: str, lasting: float) -> Figures:
    """``hunt`` of the entrance of this name, in as many children as it takes."""
    figures, start, end = Figures(name), 0, time.monotonic() + lasting
    while (left := end - time.monotonic()) > 0 and len(figures.faults) < MAX_FAULTS:
        last = _Child(name, left, start).followed(figures)
        start = last + 1
    return figures


class _Child:
    """One process. It says each number before it tries it, and its figures at the end."""

    def __init__(self, name: str, lasting: float, start: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.fuzz.watched", name, str(lasting), str(start)],
            cwd=ROOT, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'proto'}"},
        )  # fmt: skip
        self._last, self._rest = start - 1, b""

    def followed(self, figures: Figures) -> int:
        """Until its end, whatever that is; the last number it tried."""
        began = time.monotonic()
        try:
            told = self._told()
        except TimeoutError:
            self._process.kill()
            figures.fault(self._last, f"hangs for {PATIENCE_S:.0f} s")
        else:
            code = self._process.wait()
            if told is not None:
                figures.join(told)
                return self._last
            figures.fault(self._last, f"kills its process, which ends with {code}")
        finally:
            self._process.wait()
            assert self._process.stdout is not None
            self._process.stdout.close()
        figures.tried += max(0, self._last)
        figures.took_s += time.monotonic() - began
        return self._last

    def _told(self) -> Figures | None:
        """Its figures; None where it ended without. Raises TimeoutError."""
        assert self._process.stdout is not None
        while select.select([self._process.stdout], [], [], PATIENCE_S)[0]:
            data = os.read(self._process.stdout.fileno(), 1 << 16)
            if not data:
                return None
            *lines, self._rest = (self._rest + data).split(b"\n")
            for line in lines:
                if line.startswith(b"{"):
                    return msgspec.json.decode(line, type=Figures)
                self._last = int(line)
        raise TimeoutError


def main(name: str, lasting: str, start: str) -> None:
    from tests.fuzz.entrances import alone

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what an input makes the program print is not what the watchdog reads

    def say(number: int) -> None:
        out.write(f"{number}\n")

    figures = hunt(alone(name), float(lasting), int(start), say)
    out.write(msgspec.json.encode(figures).decode() + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
