"""The table as a picture: how each goal stands, and who does how many rows a second."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes

from benchmarks.goals import GOALS, Goal, Measured

mpl.use("svg")
mpl.rcParams.update({"svg.hashsalt": "paidan", "svg.fonttype": "none", "font.size": 9})

from matplotlib import pyplot as plt  # noqa: E402 - after the backend is chosen

REACHED, MISSED, OTHERS = "#2a7f62", "#c0392b", "#8d99a6"


def draw(path: Path, measured: Mapping[str, Measured], rates: Mapping[str, float]) -> None:
    """Write an SVG."""
    figure, (goals, who) = plt.subplots(1, 2, figsize=(11, 4.2), width_ratios=(3, 2), layout="constrained")
    _goals(goals, [(goal, measured[goal.key].value) for goal in reversed(GOALS) if goal.key in measured])
    _rates(who, sorted(rates.items(), key=lambda pair: pair[1]))
    figure.savefig(path, format="svg", metadata={"Date": None})
    plt.close(figure)


def _goals(axes: Axes, found: list[tuple[Goal, float]]) -> None:
    """Beyond the line is better than promised, whichever way the goal points."""
    ahead = [goal.limit / value if goal.sense == "at most" else value / goal.limit for goal, value in found]
    bars = axes.barh([goal.key for goal, _ in found], ahead, color=[REACHED if x >= 1 else MISSED for x in ahead])
    axes.bar_label(bars, [f" {x:.2g}" for x in ahead])
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xscale("log")
    axes.margins(x=0.15)
    axes.set_title("times as good as the goal (line: the goal)")


def _rates(axes: Axes, found: list[tuple[str, float]]) -> None:
    names = [name for name, _ in found]
    bars = axes.barh(
        names, [rate for _, rate in found], color=[REACHED if name == "Paidan" else OTHERS for name in names]
    )
    axes.bar_label(bars, [f" {rate:,.0f}" for _, rate in found])
    axes.set_xscale("log")
    axes.margins(x=0.35)
    axes.set_title("rows or jobs a second, in and handed out")
