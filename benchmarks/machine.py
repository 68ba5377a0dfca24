"""What it was measured on."""

from __future__ import annotations

import os
import platform
import statistics
from pathlib import Path
from time import perf_counter

import psutil
import psycopg

SYNCS = 200


def machine(directory: Path, dsn: str) -> str:
    """One line, without a date: processor, cores, memory, how long the disk takes to sync, versions."""
    with psycopg.connect(dsn) as connection:
        postgres = connection.execute("SHOW server_version").fetchone()
    parts = (
        processor(),
        f"{os.cpu_count()} cores",
        f"{psutil.virtual_memory().total / 2**30:.0f} GiB of memory",
        f"a disk that syncs in {sync_seconds(directory) * 1e3:.2f} ms (median of {SYNCS})",
        f"Python {platform.python_version()}",
        f"PostgreSQL {postgres[0] if postgres else 'unknown'} on the same machine, fsync on",
    )
    return ", ".join(parts)


def processor() -> str:
    """Its model, as far as the system tells."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.processor() or platform.machine()


def sync_seconds(directory: Path) -> float:
    """Median time of writing 4 KiB and syncing them."""
    taken = []
    with (directory / "sync").open("wb", buffering=0) as file:
        for _ in range(SYNCS):
            started = perf_counter()
            file.write(bytes(4096))
            os.fdatasync(file.fileno())
            taken.append(perf_counter() - started)
    return statistics.median(taken)
