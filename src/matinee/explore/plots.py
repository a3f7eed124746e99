"""Charts: each kind of chart drawn from a table, and from nothing else."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from html import escape
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from matinee.explore.svg import ACCENT, INK, MID, PAPER, RULE, SOFT, page_svg
from matinee.explore.types import Bars, Boxes, Chart, Column, Dots, Exhibit, Lines, Squares, Table

WIDTH = 360
"""Units of a chart's width: as wide as a phone, so that its type is readable there."""

POINT = 72
LONGEST = 20
"""Letters of a name that are shown; the table has all of it."""

STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,  # a dollar in a title is a dollar
    "font.family": "DejaVu Sans",  # to measure by: it comes with matplotlib, and is wide
    "font.size": 10.5,
    "text.color": INK,
    "axes.edgecolor": RULE,
    "axes.labelcolor": MID,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": RULE,
    "ytick.color": RULE,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "figure.constrained_layout.w_pad": 0.03,
    "figure.constrained_layout.h_pad": 0.03,
}

SERIES = ((ACCENT, "o"), (INK, "D"), (MID, "s"))
"""Colour and shape of each series: told apart without colour too."""


def draw(exhibit: Exhibit) -> str:
    """The chart of an exhibit as an `<svg>` element; '' if it has none, or nothing to draw."""
    chart, table = exhibit.chart, exhibit.table
    if chart is None or not table.rows:
        return ""
    style = {**STYLE, "svg.hashsalt": exhibit.name}
    with mpl.rc_context(style), warnings.catch_warnings():
        # Only widths are measured here; the reader's own fonts draw the letters.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        warnings.filterwarnings("ignore", message="constrained_layout not applied")
        figure = Figure(figsize=(WIDTH / POINT, _height(chart, table) / POINT))
        figure.set_layout_engine("constrained")
        axes = figure.add_subplot()
        _draw(chart, axes, table)
        return page_svg(figure, exhibit.name, escape(exhibit.says, quote=True))


def _height(chart: Chart, table: Table) -> float:
    rows = len(table.rows)
    match chart:
        case Dots():
            return 64 + 17 * rows
        case Boxes():
            return 52 + 52 * rows
        case Squares():
            side = WIDTH * 0.72 / max(len(table.columns) - chart.first, 1)
            return 100 + max(min(side, 17), 12) * rows
        case _:
            return 240


def _draw(chart: Chart, axes: Axes, table: Table) -> None:
    match chart:
        case Bars():
            _bars(axes, table, chart)
        case Dots():
            _dots(axes, table, chart)
        case Boxes():
            _boxes(axes, table, chart)
        case Lines():
            _lines(axes, table, chart)
        case Squares():
            _squares(axes, table, chart)


def _bars(axes: Axes, table: Table, chart: Bars) -> None:
    names, column = [str(n) for n in table.values(0)], table.columns[chart.value]
    heights = _numbers(table, chart.value)
    commonest = int(np.nanargmax(heights))
    colours = [ACCENT if place == commonest else MID for place in range(len(names))]
    axes.bar(range(len(names)), heights, color=colours, width=0.76)
    for place, height in enumerate(heights):
        axes.text(place, height, column.text(float(height)), ha="center", va="bottom", fontsize=9.5)
    long = max(len(name) for name in names) * len(names) > 44
    axes.set_xticks(range(len(names)), [_short(n) for n in names], rotation=40 if long else 0)
    if long:
        for label in axes.get_xticklabels():
            label.set_ha("right")
            label.set_rotation_mode("anchor")
    axes.tick_params("x", length=0)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(chart.axis)
    axes.set_title(column.name, loc="left", fontsize=10, color=MID)


def _dots(axes: Axes, table: Table, chart: Dots) -> None:
    places = np.arange(len(table.rows))
    series = [_scaled(table, value) for value in chart.values]
    if len(series) > 1:
        low, high = np.nanmin(series, 0), np.nanmax(series, 0)
        axes.hlines(places, low, high, color=RULE, linewidth=2.5, zorder=1)
    if chart.reference is not None:
        _reference(axes, chart)
    for (colour, shape), values in reversed(list(zip(SERIES, series, strict=False))):
        axes.plot(values, places, shape, color=colour, markersize=6 if shape == "o" else 5)
    if len(series) > 1:
        _key(axes, [table.columns[value].name for value in chart.values])
    _rows(axes, [str(name) for name in table.values(0)])
    axes.grid(axis="x")
    axes.set_xlabel(chart.axis)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(FuncFormatter(_plain))
    axes.margins(x=0.06)


def _reference(axes: Axes, chart: Dots) -> None:
    assert chart.reference is not None
    axes.axvline(chart.reference, color=INK, linewidth=1, linestyle=(0, (3, 2)))
    axes.annotate(
        chart.reference_name,
        (chart.reference, 1),
        (0, 3),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        ha="center",
        va="bottom",
        fontsize=9.5,
    )


def _key(axes: Axes, names: Sequence[str]) -> None:
    """What each shape is, in a line above the chart."""
    for (colour, shape), name in zip(SERIES, names, strict=False):
        axes.plot([], [], shape, color=colour, label=name.removesuffix(", %"), markersize=5.5)
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=2,
        frameon=False,
        fontsize=9.5,
        borderaxespad=0.2,
        handlelength=0.8,
        columnspacing=1.4,
        handletextpad=0.5,
        mode=None,
    )


def _boxes(axes: Axes, table: Table, chart: Boxes) -> None:
    stats = [
        dict(zip(("whislo", "q1", "med", "q3", "whishi"), row[3:8], strict=True))
        for row in table.rows
    ]
    places = np.arange(len(stats))
    axes.bxp(
        stats,
        positions=places,
        orientation="horizontal",
        widths=0.42,
        showfliers=False,
        patch_artist=True,
        boxprops={"facecolor": SOFT, "edgecolor": INK},
        medianprops={"color": ACCENT, "linewidth": 2.2},
        whiskerprops={"color": INK},
        capprops={"color": INK},
    )
    for place, row in zip(places, table.rows, strict=True):
        least, half, most = (float(row[i] or 0) for i in (2, 5, 8))
        axes.plot([least, most], [place, place], "|", color=MID, markersize=9)
        name = f"{row[0]}: half {table.columns[5].text(half).removesuffix('.00')} or more"
        axes.text(0, place - 0.3, name, transform=axes.get_yaxis_transform(), va="bottom")
    axes.set_ylim(len(stats) - 0.5, -0.75)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(chart.axis)
    if chart.log:
        _log(axes, "x")


def _lines(axes: Axes, table: Table, chart: Lines) -> None:
    x, ticks = _x_values(table)
    if chart.diagonal:
        axes.plot([x[0], x[-1]], [x[0], x[-1]], color=RULE, linewidth=1.2)
    for (colour, shape), value in zip(SERIES, chart.values, strict=False):
        y = _scaled(table, value)
        known = ~np.isnan(y)
        mark = shape if known.sum() == 1 else None
        style = "-" if colour == ACCENT else (0, (5, 1.5))
        axes.plot(x[known], y[known], color=colour, linewidth=2, marker=mark, linestyle=style)
        name = table.columns[value].name.removesuffix(", %")
        axes.plot([], [], color=colour, linewidth=2, linestyle=style, label=name)
    if len(chart.values) > 1:
        axes.legend(
            loc="lower left",
            bbox_to_anchor=(0, 1),
            ncols=2,
            frameon=False,
            fontsize=9.5,
            borderaxespad=0.2,
            handlelength=1.8,
            columnspacing=1.4,
        )
    axes.set_xlabel(chart.x_axis)
    axes.set_title(chart.y_axis, loc="left", fontsize=10, color=MID, y=1.0)
    axes.grid(axis="y")
    if chart.log:
        _log(axes, "x")
        _log(axes, "y")
        return
    if chart.zero:
        axes.set_ylim(bottom=0)
    if ticks:
        axes.xaxis.set_major_locator(FixedLocator([place for place, _ in ticks]))
        axes.set_xticks([place for place, _ in ticks], [name for _, name in ticks])
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.yaxis.set_major_formatter(FuncFormatter(_plain))


def _squares(axes: Axes, table: Table, chart: Squares) -> None:
    rows, columns = len(table.rows), len(table.columns) - chart.first
    values = np.array([_numbers(table, chart.first + c) for c in range(columns)]).T
    largest = chart.largest or float(np.nanmax(np.abs(values))) or 1.0
    side = np.sqrt(np.minimum(np.abs(values) / largest, 1)) * 0.92
    for row in range(rows):
        for column in range(columns):
            value, size = values[row, column], side[row, column]
            if np.isnan(value) or size < 0.06:
                continue
            below = value < 0
            axes.add_patch(
                mpl.patches.Rectangle(
                    (column - size / 2, row - size / 2),
                    size,
                    size,
                    facecolor=PAPER if below else ACCENT,
                    edgecolor=INK if below else ACCENT,
                    linewidth=0.9 if below else 0,
                )
            )
    axes.set_xlim(-0.5, columns - 0.5)
    names = [column.name.removesuffix(", %") for column in table.columns[chart.first :]]
    axes.set_xticks(range(columns), [_short(name) for name in names], rotation=90)
    axes.xaxis.tick_top()
    axes.tick_params(labelsize=9.5)
    _rows(axes, [str(name) for name in table.values(0)])
    axes.grid(axis="both", linewidth=0.4)
    axes.spines["bottom"].set_visible(False)


def _rows(axes: Axes, names: Sequence[str]) -> None:
    """Names down the left, the first on top."""
    axes.set_yticks(range(len(names)), [_short(name) for name in names])
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params("both", length=0)
    axes.spines["left"].set_visible(False)


def _log(axes: Axes, which: str) -> None:
    """A logarithmic axis with plain numbers at powers of ten."""
    axis = axes.xaxis if which == "x" else axes.yaxis
    (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    axis.set_major_formatter(FuncFormatter(_plain))
    axis.set_minor_locator(NullLocator())
    axes.grid(axis="both" if which == "y" else "x")


def _plain(value: float, _: object = None) -> str:
    return f"{value:,.6g}".replace("-", "−") if abs(value) < 1e5 else f"{value:,.0f}"


def _short(name: str) -> str:
    return name if len(name) <= LONGEST else name[: LONGEST - 1].rstrip() + "…"


def _numbers(table: Table, place: int) -> Any:
    return np.array([np.nan if v is None else float(v) for v in table.values(place)])


def _scaled(table: Table, place: int) -> Any:
    """A column's numbers as they are shown: shares in percent."""
    column: Column = table.columns[place]
    return _numbers(table, place) * (100 if column.kind == "share" else 1)


def _x_values(table: Table) -> tuple[Any, list[tuple[float, str]]]:
    """The first column as numbers; if it is text, places with about five names."""
    if table.columns[0].kind != "text":
        return _scaled(table, 0), []
    names = [str(name) for name in table.values(0)]
    step = max(-(-len(names) // 5), 1)
    return np.arange(len(names)), [(place, names[place]) for place in range(0, len(names), step)]
