"""The reference page of growth: exponents, and pictures with the points they were fitted to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from benchmarks.growth.works import AXES, WORKS, Point
from matinee.curves import ACCENT, GREY, INK, PAPER, SERIF, plain

DOCS = Path(__file__).parents[2] / "docs"
LINES = {
    "users": (INK, "o-"),
    "films": (ACCENT, "s-"),
    "ratings": (GREY, "^-"),
    "dim": (INK, "o:"),
    "batch": (ACCENT, "s:"),
}
"""Colour, marker and line of each axis: told apart without colour too."""
FITTED = 3
"""The largest sizes, which the exponent is fitted to: a decade."""
COLUMNS = 3
KINDS = {"seconds": "seconds of the processor", "bytes": "bytes"}
HEAD = """<!-- Written by `python -m benchmarks.growth`; do not edit. -->

# How cost and memory grow

Each size is varied over two decades while all others stay as they are ({base}). A point is the
least processor time of several runs on one thread, and the peak of the memory beyond what the
process had before, in a process of its own. The exponent is the slope of a line through the
last decade on logarithmic axes: 0 is no growth, 1 in proportion, 2 with the square. What is fixed
(the first call of a library, about 10 MB) weighs on small sizes, so that slopes lie a little
below those of the limit.

EASE and the neighbours of films compare all films with each other: EASE's memory is quadratic in
films by construction and its cost cubic, as it inverts a matrix of films by films; of the
neighbours a block of the comparisons is held at a time, but all are made. SASRec costs people
times films, by the softmax over all films at every place. iALS solves one system of `dim`
equations for everyone, cubic in `dim` in the limit. Nothing else is made to grow with
more than the product of two sizes; a training step of NeuMF and `mf` costs the same whatever the
tables, which tests hold by counting operations.
"""


def slope(line: Sequence[Mapping[str, float]], kind: str = "seconds") -> float:
    """The exponent: of a fit to the last decade of points."""
    last = line[-FITTED:]
    sizes, values = [point["at"] for point in last], [max(point[kind], 1e-9) for point in last]
    return float(np.polyfit(np.log(sizes), np.log(values), 1)[0])


def write(found: Mapping[str, Mapping[str, Any]]) -> None:
    """Write the page and its pictures."""
    sizes = {axis: getattr(Point(), axis) for axis in AXES}
    text = [HEAD.format(base=", ".join(f"{size:,} {axis}" for axis, size in sizes.items()))]
    for kind, title in (("seconds", "Cost"), ("bytes", "Memory")):
        picture = f"growth-{kind}.svg"
        draw(found, kind, DOCS / "assets" / picture)
        text += [f"## {title}\n", f"![{title} against sizes](../assets/{picture})\n"]
        text += [*table(found, kind), ""]
    if missing := [work.title for name, work in WORKS.items() if name not in found]:
        text.append(f"Not measured yet: {'; '.join(missing)}.\n")
    (DOCS / "reference" / "growth.md").write_text("\n".join(text))


def table(found: Mapping[str, Mapping[str, Any]], kind: str) -> list[str]:
    """Exponents, a row for each work."""
    rows = [["exponent of", *AXES], ["---"] * (1 + len(AXES))]
    for name, lines in found.items():
        told = [f"{slope(lines[axis], kind):.2f}" if axis in lines else "" for axis in AXES]
        rows.append([WORKS[name].title, *told])
    return [f"| {' | '.join(row)} |" for row in rows]


def draw(found: Mapping[str, Mapping[str, Any]], kind: str, path: Path) -> None:
    """All works side by side, a line for each size."""
    style: Any = {"font.family": "serif", "font.serif": SERIF, "font.size": 9}
    with mpl.rc_context({**style, "svg.fonttype": "none", "svg.hashsalt": kind}):
        rows = -(-len(found) // COLUMNS)
        size = (3.4 * COLUMNS, 2.9 * rows)
        figure = Figure(figsize=size, facecolor=PAPER, layout="constrained")
        for place, (name, lines) in enumerate(found.items()):
            axes = figure.add_subplot(rows, COLUMNS, place + 1)
            panel(axes, lines, kind)
            axes.set_title(WORKS[name].title, fontsize=10, color=INK, loc="left")
            axes.set_xlabel("times the smallest size", color=INK)
            axes.set_ylabel(KINDS[kind], color=INK)
        figure.savefig(path, metadata={"Date": None})


def panel(axes: Any, lines: Mapping[str, Any], kind: str) -> None:
    """One work: sizes as multiples of the smallest, exponents beside the names."""
    plain(axes)
    for axis, line in lines.items():
        color, style = LINES[axis]
        sizes = [point["at"] / line[0]["at"] for point in line]
        values = [max(point[kind], 1e-9) for point in line]
        told = f"{axis} {slope(line, kind):.1f}"
        axes.plot(sizes, values, style, color=color, linewidth=1.2, markersize=3, label=told)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.legend(frameon=False, labelcolor=INK, fontsize=8)
