"""The picture of a training: loss and validation over the epochs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from matinee.engine.history import History

PAPER, INK, ACCENT, GREY = "#faf7f2", "#1d1a16", "#a3262a", "#8a8378"
SERIF = ["Iowan Old Style", "Palatino Linotype", "Palatino", "Georgia", "DejaVu Serif", "serif"]

_Panel = tuple[str, list[tuple[int, float]], int | None]
"""What it shows, (epoch, value) points, and the best epoch if one is to be marked."""


def save_curves(history: History, path: Path, *, model: str) -> None:
    """Draw training loss and the monitored metric against epochs, as PNG.

    Args:
        history: A training with at least one record.
        path: Where the picture goes; its folder exists.
        model: Named in the titles.
    """
    panels: list[_Panel] = [("training loss", [(r.epoch, r.loss) for r in history.records], None)]
    if history.best is not None and history.monitor is not None:
        told = [(r.epoch, r.metrics[history.monitor]) for r in history.records if r.metrics]
        panels.append((f"validation {history.monitor}", told, history.best.epoch))
    with mpl.rc_context({"font.family": "serif", "font.serif": SERIF, "font.size": 11}):
        figure = Figure(figsize=(5.2 * len(panels), 3.8), facecolor=PAPER, layout="constrained")
        for place, (name, points, best) in enumerate(panels):
            axes = figure.add_subplot(1, len(panels), place + 1)
            _panel(axes, points, best, f"{model}: {_verdict(name, points, best)}")
        figure.savefig(path, dpi=150)


def _verdict(name: str, points: list[tuple[int, float]], best: int | None) -> str:
    """The sentence that a panel shows."""
    if best is None:
        return f"{name} goes from {points[0][1]:.4f} to {points[-1][1]:.4f}"
    return f"{name} is best after epoch {best} ({dict(points)[best]:.4f})"


def _panel(axes: Any, points: list[tuple[int, float]], best: int | None, title: str) -> None:
    epochs, values = zip(*points, strict=True)
    axes.set_facecolor(PAPER)
    axes.plot(epochs, values, color=INK, linewidth=1.6, marker="o", markersize=3.5)
    if best is not None:
        axes.plot([best], [dict(points)[best]], "o", color=ACCENT, markersize=8)
    axes.set_title(title, fontsize=11, color=INK, loc="left", wrap=True)
    axes.set_xlabel("epoch", color=INK)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.tick_params(colors=GREY, labelcolor=INK)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("bottom", "left"):
        axes.spines[side].set_color(GREY)
    axes.grid(axis="y", color=GREY, alpha=0.25, linewidth=0.6)
