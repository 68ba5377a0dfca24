"""Measures every goal beside its floor or peer, in one run, and writes docs/benchmarks.md and its chart.

    python -m benchmarks [--only main,peers,commands,big,decisions] [--small] [--out DIRECTORY]

Nothing is written of a run that was small or partial, unless --out says where.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from rich.console import Console

from benchmarks.goals import GOALS, Measured, shown
from benchmarks.load.runs import load_process
from benchmarks.machine import machine
from benchmarks.report import REPOSITORY, write_report
from benchmarks.served import cluster
from benchmarks.steps import Steps
from benchmarks.table import SMALL, Bench, Sizes

PARTS = ("main", "peers", "commands", "big", "decisions")


def main() -> None:
    """Run and print."""
    given = _arguments()
    chosen = _chosen(given.only)
    console, sizes = Console(), SMALL if given.small else Sizes()
    sizes = Sizes(**{name: getattr(sizes, name) for name in sizes.__struct_fields__} | _changed(given))
    with cluster() as (directory, dsn), load_process() as load:
        where = machine(directory, dsn)
        console.print(f"machine: {where}", highlight=False, soft_wrap=True)
        bench = Bench(directory, dsn, load, sizes, Steps(console, 4 + len(sizes.jobs) + len(sizes.callers)))
        measured = _measure(bench, chosen)
    _show(console, measured)
    if bench.steps.faults:
        raise SystemExit(
            f"Expected every part to come through, but {', '.join(bench.steps.faults)} did not; nothing is written"
        )
    out = given.out or (REPOSITORY / "docs" if chosen == PARTS and sizes == Sizes() else None)
    if out is not None:
        _write(console, out, where, measured, bench)


def _measure(bench: Bench, chosen: tuple[str, ...]) -> dict[str, Measured]:
    measured: dict[str, Measured] = {}
    with bench.steps.running():
        for name, part in bench.parts().items():
            if name in chosen:
                measured |= _part(bench, name, part)
    return measured


def _part(bench: Bench, name: str, part: Callable[[], Iterator[Measured]]) -> dict[str, Measured]:
    """What a part measured before it ended, well or not: a fault in one must not lose the others."""
    found: dict[str, Measured] = {}
    try:
        for measured in part():
            found[measured.key] = measured
    except Exception:
        bench.steps.failed(name)
    return found


def _show(console: Console, measured: Mapping[str, Measured]) -> None:
    for goal in GOALS:
        found = measured.get(goal.key)
        if found is not None:
            reached = "reached" if goal.reached(found.value) else "NOT REACHED"
            line = f"{goal.key:<14} {shown(found.value, goal.unit):>16}   {goal.wanted:<24} {reached}"
            console.print(line, highlight=False, soft_wrap=True)


def _write(console: Console, out: Path, where: str, measured: Mapping[str, Measured], bench: Bench) -> None:
    # Imported here: the chart's library is wanted only by who writes the page.
    from benchmarks.chart import draw

    out.mkdir(parents=True, exist_ok=True)
    write_report(out / "benchmarks.md", where, measured, bench.lives)
    draw(out / "benchmarks.svg", measured, bench.rates)
    console.print(f"written: {out / 'benchmarks.md'}, {out / 'benchmarks.svg'}", highlight=False, soft_wrap=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="Parts to run, by comma.")
    parser.add_argument("--small", action="store_true", help="Prove that everything runs; the figures mean nothing.")
    parser.add_argument("--rows", type=int, help="Rows of the main job's package.")
    parser.add_argument("--big", type=int, help="Rows of the large package.")
    parser.add_argument("--out", type=Path, help="Directory to write benchmarks.md and benchmarks.svg into.")
    return parser.parse_args()


def _chosen(only: str) -> tuple[str, ...]:
    """The parts to run, in their order; peers are held against the main job, so it comes with them."""
    wanted = set(only.split(",")) if only else set(PARTS)
    if not wanted <= set(PARTS):
        raise SystemExit(f"Expected --only with some of {', '.join(PARTS)}, but got {only!r}")
    return tuple(part for part in PARTS if part in wanted or (part == "main" and "peers" in wanted))


def _changed(given: argparse.Namespace) -> dict[str, int]:
    return {name: getattr(given, name) for name in ("rows", "big") if getattr(given, name) is not None}


if __name__ == "__main__":
    main()
