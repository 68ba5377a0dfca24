"""The server's measures beside the file's figures: every group is compared, the largest are shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from benchmarks.incidents.desk import HOURS
from benchmarks.incidents.measured import FIGURES, RATES, Counts
from benchmarks.incidents.oracle import Expected

SHOWN = 10
NAMES = {"1": "critical", "2": "high", "3": "moderate", "4": "low"}


def differences(expected: Expected, found: Counts) -> list[str]:
    """A line for each figure of each group or priority that is not as the file has it."""
    return [
        f"{figure} of {key!r}: {found[figure][key]:,} by the server, {wanted[key]:,} by the file"
        for figure in (*FIGURES, *RATES)
        for wanted in (_wanted(expected, figure),)
        for key in sorted(wanted.keys() | found[figure].keys())
        if found[figure][key] != wanted[key]
    ]


def by_group(expected: Expected, found: Counts) -> list[str]:
    """A Markdown table: server / file."""
    groups = [group for group, _ in expected.handed_over.most_common(SHOWN)]
    rest = set().union(*(_wanted(expected, figure) for figure in FIGURES)) - set(groups)
    lines = ["| group | opened | handed over | reopened | resolved |", "|---|--:|--:|--:|--:|"]
    lines += [_line(group, [group], expected, found) for group in groups]
    lines.append(_line(f"{len(rest)} others", list(rest), expected, found))
    return [*lines, _line("**all**", [*groups, *rest], expected, found)]


def by_priority(expected: Expected, found: Counts) -> list[str]:
    """A Markdown table: the on-time rate beside ``made_sla``."""
    lines = [
        "| priority | to be resolved within | resolved | on time, server / file | on-time rate"
        " | marked overdue, server / file | incidents | `made_sla` in the file |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    lines += [_rates(NAMES[key], f"{hours} h", [key], expected, found) for key, hours in HOURS.items()]
    return [*lines, _rates("**all**", "", list(HOURS), expected, found)]


def _wanted(expected: Expected, figure: str) -> Counter[str]:
    wanted: Counter[str] = getattr(expected, figure)
    return wanted


def _line(name: str, groups: Sequence[str], expected: Expected, found: Counts) -> str:
    cells = [f"{_sum(found[figure], groups):,} / {_sum(_wanted(expected, figure), groups):,}" for figure in FIGURES]
    return f"| {name} | {' | '.join(cells)} |"


def _rates(name: str, within: str, keys: Sequence[str], expected: Expected, found: Counts) -> str:
    cells = _rate_cells(keys, expected, found)
    return f"| {name} | {within} | {' | '.join(cells)} |"


def _rate_cells(keys: Sequence[str], expected: Expected, found: Counts) -> Iterator[str]:
    resolutions, in_time = (_sum(found[figure], keys) for figure in ("resolutions", "in_time"))
    incidents, made = _sum(expected.incidents, keys), _sum(expected.made_sla, keys)
    yield f"{resolutions:,}"
    yield f"{in_time:,} / {_sum(expected.in_time, keys):,}"
    yield f"{in_time / max(1, resolutions):.1%}"
    yield f"{_sum(found['overdue'], keys):,} / {_sum(expected.overdue, keys):,}"
    yield f"{incidents:,}"
    yield f"{made:,}, {made / max(1, incidents):.1%}"


def _sum(counts: Counter[str], keys: Sequence[str]) -> int:
    return sum(counts[key] for key in keys)
