"""Durable commands over gRPC: claims and completions beside a bare echo, and whole lifecycles."""

from __future__ import annotations

from typing import NamedTuple

from benchmarks.echo import echo_server
from benchmarks.load import runs
from benchmarks.load.runs import Load, Spread, spread
from benchmarks.load.scripts import CLAIM
from benchmarks.served import Server

CALLERS = 64
ROUNDS = 3


class Rates(NamedTuple):
    """Calls a second, the best of the rounds."""

    echo: float
    claim: float
    complete: float
    claim_times: Spread


def unary(server: Server, load: Load, first: int, count: int) -> Rates:
    """Echo, claims and completions in turn, some rounds of each; the pool is filled in between."""
    echoed, claimed, completed, times = [0.0], [0.0], [0.0], []
    with echo_server() as echo:
        load.run(runs.echo, echo, count // 4, CALLERS)  # the first calls of a server are slow
        for turn in range(ROUNDS):
            load.run(runs.create, server.address, first + turn * count, count)
            echoed.append(count / load.run(runs.echo, echo, count, CALLERS).seconds)
            claims, completions = load.run(runs.claim_and_complete, server.address, f"unary{turn}", count, CALLERS)
            claimed.append(count / claims.seconds)
            completed.append(count / completions.seconds)
            times += claims.calls[CLAIM]
    return Rates(max(echoed), max(claimed), max(completed), spread(times))


class Lives(NamedTuple):
    """Lifecycles at one concurrency: create, assign, start, complete, each durable before the next."""

    callers: int
    rate: float
    whole: Spread
    command: Spread


def lifecycles(server: Server, load: Load, first: int, seconds: float, callers: int) -> Lives:
    """As many as take about so long, after a small run that finds out how many that is."""
    trial = max(50, callers)
    tried = load.run(runs.live, server.address, f"trial{callers}", first, trial, callers)
    count = max(trial, int(trial / tried.seconds * seconds))
    lived = load.run(runs.live, server.address, f"live{callers}", first + trial, count, callers)
    calls = [taken for path in lived.calls.values() for taken in path]
    return Lives(callers, count / lived.seconds, spread(lived.scripts), spread(calls))
