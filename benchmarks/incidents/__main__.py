"""Replays the incident log against a running server and holds its measures against the file.

    python -m benchmarks.incidents [--first N] [--server HOST:PORT] [--out FILE]

Starts a server of its own unless one is named, which has to serve ``rehearsal-incidents``, empty, with ``--clock
driven``. Exit code 1 where any figure of any group is not as the file has it.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from adapters.grpc_api.client import Client
from benchmarks.incidents.comparing import by_group, by_priority, differences
from benchmarks.incidents.desk import HOURS, WORKSPACE, Desk
from benchmarks.incidents.measured import measured
from benchmarks.incidents.oracle import expected
from benchmarks.incidents.running import Run, replay
from benchmarks.incidents.source import REPOSITORY, Incident, incidents, source
from benchmarks.machine import machine
from benchmarks.report import put
from benchmarks.served import cluster, serving

PAGE = REPOSITORY / "docs" / "incidents.md"
MARKS = ("<!-- replayed: written by `make incidents` -->", "<!-- end of what was replayed -->")


def main() -> None:
    """Run and print."""
    given, console = _arguments(), Console()
    path = source()
    if not path.is_file():
        raise SystemExit(f"Expected the incident log at {path}, but it is not there; name it in INCIDENT_EVENT_LOG")
    story = list(incidents(path, given.first, given.step))
    with _server(given.server) as (address, where):
        desk = Desk(story)
        run = asyncio.run(_replay(console, address, story, desk))
        console.print(f"waiting for the views at position {run.position:,}", highlight=False)
        client = Client(address, "replay")
        found = measured(client, run.position, desk.group_of)
        client.close()
    wanted = expected(path, given.first, HOURS, given.step)
    wrong = differences(wanted, found)
    lines = [*_figures(run, len(story), where), "", *by_group(wanted, found), "", *by_priority(wanted, found)]
    console.print("\n".join(lines), highlight=False, markup=False, soft_wrap=True)
    out = given.out or (PAGE if given.first is None and given.step == 1 and not wrong else None)
    if out is not None:
        put(out, MARKS, lines)
    if wrong:
        raise SystemExit("\n".join(["Expected every figure as the file has it, but:", *wrong]))


async def _replay(console: Console, address: str, story: Sequence[Incident], desk: Desk) -> Run:
    """A bar on a terminal, a line for each tenth elsewhere."""
    columns = (
        TextColumn("rows"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    turns = sum(len(incident.rows) + 1 for incident in story)
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task("", total=turns)

        def played(number: int) -> None:
            before = int(progress.tasks[0].percentage) // 10
            progress.advance(bar, number)
            if not console.is_terminal and int(progress.tasks[0].percentage) // 10 > before:
                console.print(f"{progress.tasks[0].completed:,} of {turns:,} rows", highlight=False)

        return await replay(address, story, desk, played)


def _figures(run: Run, count: int, where: str) -> list[str]:
    total = sum(run.calls.values())
    kinds = ", ".join(f"{method} {number:,}" for method, number in sorted(run.calls.items()))
    told = f"{count:,} incidents, {run.moments:,} moments of the log; {total:,} commands"
    return [
        f"Measured on {where}." if where else "Measured on a server that was named.",
        "",
        f"{told} ({kinds}) in {run.seconds:,.0f} s: {total / run.seconds:,.0f} a second, {run.position:,} events.",
    ]


@contextmanager
def _server(address: str) -> Iterator[tuple[str, str]]:
    """Address, and the machine where it is known."""
    if address:
        yield address, ""
        return
    options = ("--clock", "driven", "--nats", "off")
    with cluster() as (directory, dsn), serving(directory, dsn, "incidents", WORKSPACE, options) as server:
        yield server.address, machine(directory, dsn)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.incidents", description=__doc__)
    parser.add_argument("--first", type=int, help="Only so many incidents; nothing is written into the docs then.")
    parser.add_argument("--step", type=int, default=1, help="Minutes that the clock goes forward at a time.")
    parser.add_argument("--server", default="", help="HOST:PORT of a server to play to.")
    parser.add_argument("--out", type=Path, help="Page to put the tables into; default: docs/incidents.md.")
    return parser.parse_args()


if __name__ == "__main__":
    main()
