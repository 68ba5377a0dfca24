"""The parts of ``make bench``: each measures some goals and tells the figures behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec

from benchmarks import decisions, replay
from benchmarks.apart import apart
from benchmarks.bank_package import SOURCE
from benchmarks.commands import Lives, lifecycles, unary
from benchmarks.desk import agents_for, make_package, open_desk
from benchmarks.figures import ms, of_claims, of_commands, of_growth, shares
from benchmarks.goals import Measured
from benchmarks.imports import Import, claims_during, claims_idle, echoes_idle, raw_copy, timed_import
from benchmarks.load import runs
from benchmarks.load.runs import Load
from benchmarks.served import database, serving
from benchmarks.steps import Steps

WARM, PROBE = 10_000, 10_000
"""Rows that are open before growth is looked at, and rows of the package whose cost is compared."""


class Sizes(msgspec.Struct, frozen=True):
    """How much of each is done."""

    rows: int = 100_000
    imports: int = 3
    big: int = 1_000_000
    probe: int = PROBE
    calls: int = 5_000
    lifecycle_s: float = 8.0
    callers: tuple[int, ...] = (1, 16, 64, 256)
    idle_claims: int = 1_000
    jobs: tuple[tuple[str, int], ...] = (("pgqueuer", 100_000), ("procrastinate", 5_000), ("aggregates", 20_000))
    host_rows: int = 41_188


SMALL = Sizes(
    rows=5_000, imports=1, big=20_000, probe=2_000, calls=500, lifecycle_s=1.0, callers=(1, 16), idle_claims=50,
    jobs=(("pgqueuer", 2_000), ("procrastinate", 200), ("aggregates", 400)), host_rows=2_000,
)  # fmt: skip
"""Proves in a minute or two that everything runs; its figures mean nothing."""


class Bench:
    """One PostgreSQL, one load process; each part gives what it measured."""

    def __init__(self, directory: Path, dsn: str, load: Load, sizes: Sizes, steps: Steps) -> None:
        self._directory, self._dsn, self._load, self._sizes, self.steps = directory, dsn, load, sizes, steps
        self._rate = 0.0
        """Rows a second of the main job, which peers are held against."""
        self.rates: dict[str, float] = {}
        """Rows or jobs a second by who does them."""
        self.lives: list[Lives] = []

    def parts(self) -> dict[str, Callable[[], Iterator[Measured]]]:
        """In the order they are run: peers are held against the main job."""
        return {
            "main": self.main_job, "peers": self.peers, "commands": self.commands, "big": self.big,
            "decisions": self.decisions,
        }  # fmt: skip

    def main_job(self) -> Iterator[Measured]:
        """The package, its floor, and the replay of the log it leaves."""
        agents = agents_for(self._sizes.rows)
        package = make_package(self._directory, self._sizes.rows, agents)
        done: list[Import] = []
        floors: list[float] = []
        for turn in range(self._sizes.imports):
            self.steps.begin(f"import of {self._sizes.rows:,} rows, {turn + 1} of {self._sizes.imports}")
            with serving(self._directory, self._dsn, "main") as server:
                floors.append(raw_copy(server.dsn, package))
                open_desk(server.client, agents)
                done.append(timed_import(server, package))
                server.stop()
                if turn + 1 == self._sizes.imports:
                    replayed = apart(replay.replay, server.dsn)
        yield self._import(min(done, key=lambda one: one.seconds), min(floors))
        yield from self._replay(replayed)

    def _import(self, best: Import, floor: float) -> Measured:
        self._rate = best.rows / best.seconds
        self.rates |= {"raw COPY": best.rows / floor, "Paidan": self._rate}
        figures = (
            f"{best.rows:,} rows, {best.assigned:,} assigned, in {best.seconds:.2f} s ({self._rate:,.0f} rows/s); "
            f"COPY {floor:.2f} s; CPU a row: {shares(best)}"
        )
        return self._done(Measured("import", best.seconds / floor, figures))

    def _replay(self, found: replay.Replay) -> Iterator[Measured]:
        figures = (
            f"{found.events:,} events, {found.facts:,} facts, {found.bytes / 1e6:.1f} MB: "
            f"decode {found.decode:.2f} s, replay {found.replay:.2f} s"
        )
        yield self._done(Measured("replay", found.replay / found.decode, figures))
        yield Measured("facts", found.facts / found.replay, figures)

    def peers(self) -> Iterator[Measured]:
        """As many jobs through others, or as many as show their rate."""
        for name, jobs in self._sizes.jobs:
            self.steps.begin(f"{name}: {jobs:,} jobs")
            package = make_package(self._directory, max(jobs, self._sizes.rows), agents_for(self._sizes.rows))
            module: Any = import_module(f"benchmarks.peers.{name}_peer")
            with database(self._dsn, f"peer_{name}") as own:
                run = apart(module.run, own, package, jobs)
            self.rates[run.name] = run.rate
            figures = (
                f"{run.name}: {run.jobs:,} jobs in {run.enqueue_s:.1f} + {run.hand_out_s:.1f} s, {run.rate:,.0f} jobs/s"
            )
            yield self._done(Measured(name, self._rate / run.rate, figures))

    def commands(self) -> Iterator[Measured]:
        """Single commands and whole lifecycles."""
        self.steps.begin(f"claims and completions beside a bare echo, {self._sizes.calls:,} of each")
        with serving(self._directory, self._dsn, "commands") as server:
            open_desk(server.client, agents_for(self._sizes.rows))
            rates = unary(server, self._load, 1, self._sizes.calls)
            figures = of_commands(rates)
            yield self._done(Measured("claim", rates.claim / rates.echo * 100, figures))
            yield Measured("complete", rates.complete / rates.echo * 100, figures)
            for callers in self._sizes.callers:
                self.steps.begin(f"lifecycles, {callers} callers")
                lived = lifecycles(server, self._load, (callers + 1) * 1_000_000, self._sizes.lifecycle_s, callers)
                self.lives.append(lived)
                self.steps.told(f"lifecycles, {callers} callers: {lived.rate:,.0f}/s, {ms(lived.whole)}")

    def big(self) -> Iterator[Measured]:
        """A claim beside a large import, and what the same small package costs before and after it."""
        sizes, agents = self._sizes, agents_for(self._sizes.big + 4 * self._sizes.probe)
        few, more, big, last = (
            make_package(self._directory, rows, agents, seed)
            for seed, rows in enumerate((sizes.probe, sizes.probe, sizes.big, sizes.probe), 2)
        )
        self.steps.begin(f"claims beside an import of {sizes.big:,} rows")
        with serving(self._directory, self._dsn, "big") as server:
            open_desk(server.client, agents)
            at_most = sizes.idle_claims + max(2_000, sizes.big // 50)
            self._load.run(runs.create, server.address, 1, at_most + sizes.idle_claims)
            timed_import(server, few)
            before = timed_import(server, more)
            echo = echoes_idle(self._load, sizes.idle_claims)
            idle = claims_idle(server, self._load, "idle", sizes.idle_claims)
            during, done = claims_during(server, self._load, big, at_most)
            after = timed_import(server, last)
        yield self._done(Measured("p99", during.p99 / idle.p99, of_claims(echo, idle, during, done)))
        yield self._done(
            Measured(
                "growth",
                after.cpu_per_task / before.cpu_per_task,
                of_growth(sizes.probe, sizes.big + 2 * sizes.probe, before, after),
            )
        )

    def decisions(self) -> Iterator[Measured]:
        """Skipped where the data is not there."""
        if not SOURCE.is_file():
            self.steps.told(f"decisions: not measured, the UCI Bank Marketing data is not at {SOURCE.name}")
            return
        self.steps.begin("rule decisions")
        found = apart(decisions.decisions, SOURCE, self._sizes.host_rows)
        figures = (
            f"{found.rows:,} rows of UCI Bank Marketing: {found.ours:,.0f}/s; "
            f"Host.post {found.host:,.0f}/s over {found.host_rows:,} rows, the same answers"
        )
        yield self._done(Measured("decisions", found.ours / found.host, figures))

    def _done(self, measured: Measured) -> Measured:
        self.steps.told(f"{measured.key}: {measured.value:.3g}; {measured.figures}")
        return measured
