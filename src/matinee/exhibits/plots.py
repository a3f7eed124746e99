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
from matplotlib.ticker import FuncFormatter, MaxNLocator

from matinee.exhibits.axes import (
    SERIES,
    log_scale,
    name_rows,
    numbers,
    plain,
    scaled,
    short,
    x_values,
)
from matinee.exhibits.scatter import draw_curves, draw_points
from matinee.exhibits.svg import ACCENT, INK, MID, PAPER, RULE, SOFT, page_svg
from matinee.exhibits.types import (
    Bars,
    Boxes,
    Chart,
    Curves,
    Dots,
    Exhibit,
    Lines,
    Points,
    Squares,
    Table,
)

WIDTH = 360
"""Units of a chart's width: as wide as a phone, so that its type is readable there."""

POINT = 72
STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,  # a dollar in a title is a dollar
    "font.family": "DejaVu Sans",  # to measure by: it comes with matplotlib, and is wide
    "font.size": 12,
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


def draw(exhibit: Exhibit) -> str:
    """The chart of an exhibit as an `<svg>` element; '' if it has none, or nothing to draw."""
    chart, table = exhibit.chart, exhibit.table
    if chart is None or not table.rows:
        return ""
    style: Any = {**STYLE, "svg.hashsalt": exhibit.name}
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
        case Bars() if _lying(table):
            return 32 + 24 * rows
        case Dots():
            return 72 + 19 * rows
        case Boxes():
            return 56 + 56 * rows
        case Points(named=True) | Curves():
            return 280
        case Squares():
            longest = max(len(short(c.name)) for c in table.columns[chart.first :])
            return 32 + 7 * longest + max(min(_cell(table, chart), 20), 14) * rows
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
        case Points():
            draw_points(axes, table, chart)
        case Curves():
            draw_curves(axes, table, chart)


def _bars(axes: Axes, table: Table, chart: Bars) -> None:
    """Upright bars, or lying ones where their names are too long to stand side by side."""
    names, column = [str(n) for n in table.values(0)], table.columns[chart.value]
    lengths, places = numbers(table, chart.value), np.arange(len(names))
    colours = [ACCENT if place == np.nanargmax(lengths) else MID for place in places]
    texts = [column.text(float(length)) for length in lengths]
    axes.set_title(column.name, loc="left", fontsize=11, color=MID)
    if _lying(table):
        axes.barh(places, lengths, color=colours, height=0.7)
        name_rows(axes, names)
        axes.set_xticks([])
        axes.spines["bottom"].set_visible(False)
        axes.margins(x=0.12)
        for place, length, text in zip(places, lengths, texts, strict=True):
            axes.annotate(text, (length, place), (4, 0), textcoords="offset points", va="center")
        return
    axes.bar(places, lengths, color=colours, width=0.76)
    for place, length, text in zip(places, lengths, texts, strict=True):
        axes.text(float(place), float(length), text, ha="center", va="bottom", fontsize=11)
    axes.set_xticks(places, names)
    axes.tick_params("x", length=0)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(chart.axis)


def _lying(table: Table) -> bool:
    names = [str(name) for name in table.values(0)]
    return max(map(len, names)) * len(names) > 44


def _dots(axes: Axes, table: Table, chart: Dots) -> None:
    places = np.arange(len(table.rows))
    series = [scaled(table, value) for value in chart.values]
    if chart.interval is not None:
        axes.hlines(places, *(scaled(table, end) for end in chart.interval), color=MID, zorder=1)
    if len(series) > 1:
        low, high = np.fmin.reduce(series), np.fmax.reduce(series)
        axes.hlines(places, low, high, color=RULE, linewidth=2.5, zorder=1)
    if chart.reference is not None:
        _reference(axes, chart)
    for (colour, shape), values in reversed(list(zip(SERIES, series, strict=False))):
        axes.plot(values, places, shape, color=colour, markersize=6 if shape == "o" else 5)
    if len(series) > 1:
        _key(axes, [table.columns[value].name for value in chart.values])
    name_rows(axes, [str(name) for name in table.values(0)])
    axes.grid(axis="x")
    axes.set_xlabel(chart.axis)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(FuncFormatter(plain))
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
        fontsize=11,
    )


def _key(axes: Axes, names: Sequence[str]) -> None:
    """What each shape is, in a line above the chart."""
    for (colour, shape), name in zip(SERIES, names, strict=False):
        axes.plot([], [], shape, color=colour, label=name.removesuffix(", %"), markersize=5.5)
    figure = axes.figure
    figure.legend(
        loc="outside upper left",
        ncols=2,
        frameon=False,
        fontsize=11,
        borderpad=0.1,
        handlelength=0.8,
        columnspacing=1.4,
        handletextpad=0.5,
    )


def _boxes(axes: Axes, table: Table, chart: Boxes) -> None:
    stats: list[dict[str, Any]] = [
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
        name = f"{row[0]}: half {plain(round(half, 2))} or more"
        axes.text(0, place - 0.3, name, transform=axes.get_yaxis_transform(), va="bottom")
    axes.set_ylim(len(stats) - 0.5, -0.75)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(chart.axis)
    if chart.log:
        log_scale(axes, "x")


def _lines(axes: Axes, table: Table, chart: Lines) -> None:
    x, ticks = x_values(table)
    series = [scaled(table, value) for value in chart.values]
    if chart.diagonal:
        axes.plot([x[0], x[-1]], [x[0], x[-1]], color=RULE, linewidth=1.2)
    for (colour, shape), y in zip(SERIES, series, strict=False):
        known = ~np.isnan(y)
        mark = shape if known.sum() == 1 else None
        style = "-" if colour == ACCENT else (0, (5, 1.5))
        axes.plot(x[known], y[known], color=colour, linewidth=2, marker=mark, linestyle=style)
    axes.set_xlabel(chart.x_axis)
    axes.set_title(chart.y_axis, loc="left", fontsize=11, color=MID)
    axes.grid(axis="y")
    if chart.log:
        log_scale(axes, "x")
        log_scale(axes, "y")
    elif chart.zero:
        axes.set_ylim(bottom=0)
    if len(series) > 1 and (chart.log or chart.diagonal):
        _label_lines(axes, x, series, [table.columns[v].name for v in chart.values], log=chart.log)
    elif len(series) > 1:
        _line_key(axes, [table.columns[value].name for value in chart.values])
    if chart.log:
        return
    if ticks:
        axes.set_xticks([place for place, _ in ticks], [name for _, name in ticks])
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.yaxis.set_major_formatter(FuncFormatter(plain))


def _line_key(axes: Axes, names: Sequence[str]) -> None:
    """What each line is, above the chart to the right, where lines cross too much for labels."""
    for line, name in zip(axes.get_lines(), names, strict=True):
        line.set_label(name.removesuffix(", %").removeprefix("share of "))
    axes.legend(
        loc="lower right",
        bbox_to_anchor=(1, 1),
        ncols=2,
        frameon=False,
        fontsize=11,
        borderaxespad=0,
        handlelength=2,
        columnspacing=1.2,
        borderpad=0.2,
    )


def _label_lines(axes: Axes, x: Any, series: list[Any], names: list[str], *, log: bool) -> None:
    """Name two lines where they lie furthest apart, the upper one above, the lower below."""
    first, second = (np.log(y) if log else y for y in series)
    gap = np.where(np.isnan(first) | np.isnan(second), 0, first - second)
    inner = slice(len(x) // 8, max(len(x) * (5 if log else 7) // 8, 1))
    place = inner.start + int(np.abs(gap[inner]).argmax())
    for (colour, _), y, name, upper in zip(
        SERIES, series, names, (gap[place] >= 0, gap[place] < 0), strict=False
    ):
        falling = log or y[place] > y[-1]
        right = upper == falling
        axes.annotate(
            name,
            (x[place], y[place]),
            (6 if right else -6, 5 if upper else -5),
            textcoords="offset points",
            color=colour,
            ha="left" if right else "right",
            va="bottom" if upper else "top",
        )


def _squares(axes: Axes, table: Table, chart: Squares) -> None:
    columns = range(chart.first, len(table.columns))
    values = np.array([numbers(table, column) for column in columns]).T
    largest = chart.largest or float(np.nan_to_num(np.abs(values)).max(initial=0)) or 1.0
    cell = min(_cell(table, chart), 20)
    sides = 0.92 * cell * np.sqrt(np.minimum(np.abs(values) / largest, 1))
    for drawn, face, edge in (
        ((values > 0) & (sides > 1), ACCENT, ACCENT),
        ((values < 0) & (sides > 1), PAPER, INK),
    ):
        rows, places = np.nonzero(drawn)
        axes.scatter(
            places,
            rows,
            s=sides[drawn] ** 2,
            marker="s",
            facecolors=face,
            edgecolors=edge,
            linewidths=0.8,
            zorder=3,
        )
    axes.set_xlim(-0.5, len(columns) - 0.5)
    names = [table.columns[column].name.removesuffix(", %") for column in columns]
    axes.set_xticks(range(len(names)), [short(name) for name in names], rotation=90)
    axes.xaxis.tick_top()
    axes.tick_params(labelsize=11)
    name_rows(axes, [str(name) for name in table.values(0)])
    axes.grid(axis="both", linewidth=0.4)
    axes.spines["bottom"].set_visible(False)


def _cell(table: Table, chart: Squares) -> float:
    """Units a cell is wide."""
    return 0.7 * WIDTH / max(len(table.columns) - chart.first, 1)
