"""docs/benchmarks.md: what was measured stands between marks and is written anew; all else is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.commands import Lives
from benchmarks.goals import GOALS, Measured, shown

REPOSITORY = Path(__file__).resolve().parents[1]
MARKS = ("<!-- measured: written by `make bench` -->", "<!-- end of what was measured -->")


def write_report(path: Path, machine: str, measured: Mapping[str, Measured], lives: Sequence[Lives]) -> None:
    """Put the table into the page. Raises ValueError where its marks are gone."""
    put(path, MARKS, _made(machine, measured, lives))


def put(path: Path, marks: tuple[str, str], lines: Sequence[str]) -> None:
    """Write lines between two marks of a page; at its end where it has none of them yet. Raises ValueError."""
    text = path.read_text("utf-8") if path.exists() else ""
    if not any(mark in text for mark in marks):
        text += "\n".join(marks) + "\n"
    before, first, rest = text.partition(marks[0])
    _, last, after = rest.partition(marks[1])
    if not first or not last:
        raise ValueError(f"Expected {marks[0]} and {marks[1]} in {path}, but one of them is gone; put it back")
    path.write_text("\n".join((before + first, *lines, last + after)), "utf-8")


def _made(machine: str, measured: Mapping[str, Measured], lives: Sequence[Lives]) -> list[str]:
    lines = [f"Measured on {machine}.", "", *table(measured)]
    return [*lines, "", *_lives(lives)] if lives else lines


def table(measured: Mapping[str, Measured]) -> list[str]:
    """Each goal with its floor or peer and what came out."""
    lines = [
        "| what | floor or peer in the same run | goal | measured | reached | figures |",
        "|---|---|---|---|---|---|",
    ]
    for goal in GOALS:
        found = measured.get(goal.key)
        out, reached, figures = "not measured", "", ""
        if found is not None:
            out, reached, figures = shown(found.value, goal.unit), _yes(goal.reached(found.value)), found.figures
        lines.append(f"| {goal.what} | {goal.beside} | {goal.wanted} | {out} | {reached} | {figures} |")
    return lines


def _lives(lives: Sequence[Lives]) -> list[str]:
    """Full lifecycles."""
    lines = [
        "Full lifecycles over gRPC: create, claim, start, complete, each durable before the next is asked.", "",
        "| callers | lifecycles/s | p50 | p99 | one command p50 | p99 |", "|---|---|---|---|---|---|",
    ]  # fmt: skip
    return lines + [
        f"| {one.callers} | {one.rate:,.0f} | {one.whole.p50:.1f} ms | {one.whole.p99:.1f} ms "
        f"| {one.command.p50:.1f} ms | {one.command.p99:.1f} ms |"
        for one in lives
    ]


def _yes(reached: bool) -> str:
    return "yes" if reached else "**no**"
