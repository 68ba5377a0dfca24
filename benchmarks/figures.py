"""What was measured, in words."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.commands import Rates
from benchmarks.imports import Import
from benchmarks.load.runs import Spread


def of_commands(rates: Rates) -> str:
    """Calls a second, and how long a claim takes."""
    shown = f"echo {rates.echo:,.0f}/s, claim {rates.claim:,.0f}/s, complete {rates.complete:,.0f}/s"
    return f"{shown}; a claim {ms(rates.claim_times)}"


def of_claims(echo: Spread, idle: Spread, during: Spread, done: Import) -> str:
    """A single caller on an idle server and beside an import; how a bare echo fares on an idle machine."""
    rate = f"{done.rows:,} rows in {done.seconds:.1f} s ({done.rows / done.seconds:,.0f} rows/s)"
    claims = f"idle {ms(idle)} (a bare echo {ms(echo)}); during {ms(during)} over {during.calls:,} claims"
    return f"{claims}; {rate}; most memory, {memory(done.peak)}"


def of_growth(few: int, many: int, before: Import, after: Import) -> str:
    """The same small package with few and with many tasks open."""
    cpu = f"CPU a task with {few:,} open: {shares(before)}; with {many:,}: {shares(after)}"
    return f"{cpu}; {before.seconds:.2f} and {after.seconds:.2f} s for {before.rows:,} rows"


def shares(done: Import) -> str:
    """Microseconds of CPU a task, by role."""
    roles = [(role, used / done.rows * 1e6) for role, used in done.cpu.most_common()]
    parts = ", ".join(f"{role} {used:.1f}" for role, used in roles if used > 0)
    return f"{done.cpu_per_task:.1f} us ({parts})"


def memory(held: Mapping[str, int]) -> str:
    """MiB by role."""
    return "MiB: " + ", ".join(f"{role} {size / 2**20:.0f}" for role, size in sorted(held.items()))


def ms(times: Spread) -> str:
    """Median and 99th percentile."""
    return f"p50 {times.p50:.1f} ms, p99 {times.p99:.1f} ms"
