"""Points with their names, and lines by name: what is told apart by labels, not by a key."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator
from matplotlib.transforms import Bbox

from matinee.exhibits.axes import log_scale, numbers, plain, scaled, short
from matinee.exhibits.svg import ACCENT, INK, MID, RULE
from matinee.exhibits.types import Curves, Points, Table

AROUND = ((6, 0), (-6, 0), (0, 8), (0, -8), (6, 9), (-6, 9), (6, -9), (-6, -9), (0, 18), (0, -18))
"""Where a name may stand, in points from its point; the first that is free is taken."""

DASHES: tuple[Any, ...] = ("-", (0, (6, 1.5)), (0, (1.5, 1.5)))
"""How lines are broken, so that they are told apart without colour too."""


def draw_points(axes: Axes, table: Table, chart: Points) -> None:
    """A point a row, those marked in the accent colour, with names where there is room."""
    x, names = _places(table, chart.x)
    y = scaled(table, chart.y)
    if chart.log:
        axes.set_xscale("log")
    if chart.interval is not None:
        axes.vlines(x, *(scaled(table, end) for end in chart.interval), color=RULE, zorder=1)
    marked = np.isin(np.arange(len(x)), chart.marked)
    for rows, colour, shape in ((~marked, MID, "o"), (marked, ACCENT, "D")):
        axes.plot(x[rows], y[rows], shape, color=colour, markersize=5)
    _scales(axes, chart.x_axis, chart.y_axis, log=chart.log)
    if names:
        axes.set_xticks(range(len(names)), names)
    axes.margins(x=0.08, y=0.1)
    if chart.named:
        order = sorted(range(len(x)), key=lambda row: (not marked[row], -y[row]))
        _name(axes, x, y, [short(str(n)) for n in table.values(0)], order)


def draw_curves(axes: Axes, table: Table, chart: Curves) -> None:
    """A line for each name, which stands where the line ends; a single value is a point."""
    x, y = numbers(table, 1), scaled(table, 2)
    names = list(dict.fromkeys(str(name) for name in table.values(0)))
    own = np.array([names.index(str(name)) for name in table.values(0)])
    ends: list[int] = []
    styles = [(colour, dash) for dash in DASHES for colour in (ACCENT, INK, MID)]
    for number, (colour, dash) in zip(range(len(names)), cycle(styles), strict=False):
        rows = np.flatnonzero((own == number) & ~np.isnan(y))
        mark = "o" if len(rows) == 1 else None
        axes.plot(x[rows], y[rows], color=colour, linestyle=dash, marker=mark, linewidth=1.8)
        ends += [int(row) for row in rows[-1:]]
    _scales(axes, chart.x_axis, chart.y_axis, log=chart.log)
    axes.margins(x=0.12, y=0.08)
    _name(axes, x, y, [short(str(n)) for n in table.values(0)], ends)


def _places(table: Table, place: int) -> tuple[Any, list[str]]:
    """A column's numbers; of text, the place of each value among all, and those."""
    if table.columns[place].kind != "text":
        return scaled(table, place), []
    values = [str(value) for value in table.values(place)]
    names = sorted(set(values))
    return np.array([float(names.index(value)) for value in values]), names


def _scales(axes: Axes, right: str, up: str, *, log: bool) -> None:
    axes.set_xlabel(right)
    axes.set_title(up, loc="left", fontsize=11, color=MID)
    axes.grid(axis="y")
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.yaxis.set_major_formatter(FuncFormatter(plain))
    if log:
        log_scale(axes, "x")
    else:
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.xaxis.set_major_formatter(FuncFormatter(plain))


def _name(axes: Axes, x: Any, y: Any, names: Sequence[str], order: Sequence[int]) -> None:
    """Write each name beside its point, where it covers neither point nor other name.

    A name without room is left out: the table has them all.
    """
    figure: Any = axes.figure
    figure.draw_without_rendering()  # settles where things are
    frame = axes.get_window_extent()
    places = axes.transData.transform(np.column_stack([x, y]))
    taken = [Bbox.from_bounds(px - 3, py - 3, 6, 6) for px, py in places[list(order)]]
    for row in order:
        for dx, dy in AROUND:
            label = axes.annotate(
                names[row],
                (x[row], y[row]),
                (dx, dy),
                textcoords="offset points",
                ha=("center", "left", "right")[int(np.sign(dx))],
                va="center",
                fontsize=10,
            )
            box = label.get_window_extent()
            inside = frame.x0 <= box.x0 and box.x1 <= frame.x1 + 4 and frame.y0 <= box.y0
            if inside and not any(box.overlaps(other) for other in taken):
                label.set_in_layout(False)
                taken.append(box)
                break
            label.remove()
