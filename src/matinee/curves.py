"""The picture of a training: losses and validation over the epochs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from matinee.engine.heldout import VALID_LOSS
from matinee.engine.history import History

PAPER, INK, ACCENT, GREY = "#faf7f2", "#1d1a16", "#a3262a", "#8a8378"
SERIF = ["Iowan Old Style", "Palatino Linotype", "Palatino", "Georgia", "DejaVu Serif", "serif"]

STYLES = {"training": (GREY, "o--"), "validation": (INK, "o-")}
"""Colour and line of what is seen in training and of what is held out."""

RUNS = [(colour, dash) for dash in ("-", "--", ":") for colour in (ACCENT, INK, GREY)]
"""Colour and line of each run."""

Curves = Mapping[str, Sequence[tuple[float, float]]]
"""(seconds, value) pairs by name."""

Points = list[tuple[int, float]]
"""(epoch, value) pairs."""


@dataclass(frozen=True)
class _Panel:
    """Lines by name, the epoch to mark on the last of them if any, and what they show."""

    lines: dict[str, Points]
    best: int | None
    title: str


def save_curves(history: History, path: Path, *, model: str) -> None:
    """Draw the losses and the monitored metric against epochs, as PNG.

    Args:
        history: A training with at least one record.
        path: Where the picture goes; its folder exists.
        model: Named in the titles.
    """
    panels = [_losses(history)]
    if history.best is not None and history.monitor not in (None, VALID_LOSS):
        panels.append(_monitored(history, history.best.epoch))
    with mpl.rc_context({"font.family": "serif", "font.serif": SERIF, "font.size": 11}):
        figure = Figure(figsize=(5.2 * len(panels), 3.8), facecolor=PAPER, layout="constrained")
        for place, panel in enumerate(panels):
            axes = figure.add_subplot(1, len(panels), place + 1)
            axes.set_title(f"{model}: {panel.title}", fontsize=11, color=INK, loc="left", wrap=True)
            _draw(axes, panel)
        figure.savefig(path, dpi=150)


def save_learning(curves: Curves, path: Path, *, metric: str) -> None:
    """Draw a metric against seconds of training, a line a run, as PNG.

    Args:
        curves: (seconds, value) pairs by the name of the run; a single pair is a point.
        path: Where the picture goes; its folder exists.
        metric: What goes upwards.
    """
    with mpl.rc_context({"font.family": "serif", "font.serif": SERIF, "font.size": 11}):
        figure = Figure(figsize=(7.2, 4.4), facecolor=PAPER, layout="constrained")
        axes = figure.add_subplot()
        plain(axes)
        axes.set_xscale("log")
        axes.set_xlabel("seconds of training", color=INK)
        axes.set_title(f"{metric} on the validation part", fontsize=11, color=INK, loc="left")
        for (name, points), (colour, dash) in zip(curves.items(), cycle(RUNS), strict=False):
            x, y = zip(*points, strict=True)
            line = axes.plot(x, y, color=colour, linestyle=dash, linewidth=1.8, label=name)[0]
            line.set_marker("o" if len(points) == 1 else "")
        axes.legend(frameon=False, labelcolor=INK)
        figure.savefig(path, dpi=150)


def _losses(history: History) -> _Panel:
    """Training loss, and validation loss beside it where it was told."""
    training = [(record.epoch, record.loss) for record in history.records]
    told = _points(history, VALID_LOSS)
    if not told:
        first, last = training[0][1], training[-1][1]
        return _Panel({"training": training}, None, f"training loss from {first:.4f} to {last:.4f}")
    best, least = min(told, key=lambda point: point[1])
    title = f"validation loss is least after epoch {best} ({least:.4f})"
    return _Panel({"training": training, "validation": told}, best, title)


def _monitored(history: History, best: int) -> _Panel:
    name = str(history.monitor)
    points = _points(history, name)
    title = f"{name} is best after epoch {best} ({dict(points)[best]:.4f})"
    return _Panel({"validation": points}, best, title)


def _points(history: History, metric: str) -> Points:
    return [(r.epoch, r.metrics[metric]) for r in history.records if metric in r.metrics]


def _draw(axes: Any, panel: _Panel) -> None:
    plain(axes)
    for name, points in panel.lines.items():
        color, style = STYLES[name]
        epochs, values = zip(*points, strict=True)
        axes.plot(epochs, values, style, color=color, linewidth=1.6, markersize=3.5, label=name)
        if panel.best is not None and name == "validation":
            axes.plot([panel.best], [dict(points)[panel.best]], "o", color=ACCENT, markersize=8)
    axes.legend(frameon=False, labelcolor=INK)
    axes.set_xlabel("epoch", color=INK)
    axes.xaxis.get_major_locator().set_params(integer=True)


def plain(axes: Any) -> None:
    """Paper below, two sides of a frame, and light lines across."""
    axes.set_facecolor(PAPER)
    axes.tick_params(colors=GREY, labelcolor=INK)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("bottom", "left"):
        axes.spines[side].set_color(GREY)
    axes.grid(axis="y", color=GREY, alpha=0.25, linewidth=0.6)
