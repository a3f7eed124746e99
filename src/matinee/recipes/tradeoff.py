"""The picture of a trade-off: what variants gain in one figure and lose in another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from matinee.curves import ACCENT, GREY, INK, PAPER, SERIF, plain
from matinee.evaluation import Estimate

Variants = Mapping[str, Mapping[str, Estimate]]
"""Figures by variant and metric."""


def save_tradeoff(variants: Variants, metrics: Sequence[str], path: Path) -> None:
    """Draw one metric against each of some others, as PNG.

    A point is a variant, with its 95 % interval upwards and downwards; points are joined in the
    order of the variants, the first of which is filled.

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
            axes.margins(0.2, 0.12)
            axes.set_xlabel(metric, color=INK)
            _points(axes, variants, metric, up)
        figure.savefig(path, dpi=150)


def _points(axes: Any, variants: Variants, right: str, up: str) -> None:
    heights = [figures[up] for figures in variants.values()]
    x, y = [figures[right].value for figures in variants.values()], [h.value for h in heights]
    axes.plot(x, y, color=GREY, linewidth=1, zorder=1)
    axes.vlines(x, [h.low for h in heights], [h.high for h in heights], color=GREY, linewidth=0.8)
    axes.scatter(x, y, s=34, color=[INK] + [PAPER] * (len(x) - 1), edgecolor=INK, zorder=3)
    for name, at in zip(variants, zip(x, y, strict=True), strict=True):
        axes.annotate(name, at, (6, 4), textcoords="offset points", fontsize=9, color=ACCENT)
