"""The picture of a trade-off: what variants gain in one figure and lose in another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from matinee.curves import ACCENT, GREY, INK, PAPER, SERIF, plain
from matinee.evaluation import Estimate

Variants = Mapping[str, Mapping[str, Estimate]]
"""Figures by variant and metric."""


def save_tradeoff(variants: Variants, metrics: Sequence[str], path: Path) -> None:
    """Draw one metric against each of some others, as PNG.

    A point is a variant, with its 95 % interval upwards and downwards; points are joined, and
    darker, in the order of the variants.

    Args:
        variants: The figures.
        metrics: What goes upwards, then what goes to the right: a panel each.
        path: Where the picture goes; its folder exists.
    """
    up, *others = metrics
    with mpl.rc_context({"font.family": "serif", "font.serif": SERIF, "font.size": 11}):
        figure = Figure(figsize=(4.2 * len(others), 4.0), facecolor=PAPER, layout="constrained")
        panels = figure.subplots(1, len(others), sharey=True, squeeze=False)[0]
        panels[0].set_ylabel(up, color=INK)
        for axes, metric in zip(panels, others, strict=True):
            plain(axes)
            axes.set_xlabel(metric, color=INK)
            _points(axes, variants, metric, up)
        panels[-1].legend(frameon=False, labelcolor=INK, fontsize=9)
        figure.savefig(path, dpi=150)


def _points(axes: Any, variants: Variants, right: str, up: str) -> None:
    places = [(figures[right].value, figures[up].value) for figures in variants.values()]
    axes.plot(*zip(*places, strict=True), color=GREY, linewidth=1, zorder=1)
    shades = LinearSegmentedColormap.from_list("shades", [PAPER, ACCENT])
    for number, (name, (x, y)) in enumerate(zip(variants, places, strict=True)):
        height = variants[name][up]
        axes.vlines(x, height.low, height.high, color=GREY, linewidth=0.8, zorder=2)
        shade = shades(number / max(len(places) - 1, 1))
        axes.scatter(x, y, s=42, color=[shade], edgecolor=INK, zorder=3, label=name)
