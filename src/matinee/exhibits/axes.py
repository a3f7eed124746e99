"""What charts share: names, scales, and a table's columns as numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from matinee.exhibits.svg import ACCENT, INK, MID
from matinee.exhibits.types import Column, Table

LONGEST = 22
"""Letters of a name that are shown; the table has all of it."""

SERIES = ((ACCENT, "o"), (INK, "D"), (MID, "s"))
"""Colour and shape of each series: told apart without colour too."""


def name_rows(axes: Axes, names: Sequence[str]) -> None:
    """Names down the left, the first on top."""
    axes.set_yticks(range(len(names)), [short(name) for name in names])
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params("both", length=0)
    axes.spines["left"].set_visible(False)


def log_scale(axes: Axes, which: str) -> None:
    """A logarithmic axis with plain numbers at powers of ten, closer where there are few."""
    axis = axes.xaxis if which == "x" else axes.yaxis
    (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    low, high = axis.get_view_interval()
    axis.set_major_locator(LogLocator(subs=(1,) if high / low > 100 else (1, 2, 5)))
    axis.set_major_formatter(FuncFormatter(plain))
    axis.set_minor_locator(NullLocator())
    axes.grid(axis="both" if which == "y" else "x")


def plain(value: float, _: object = None) -> str:
    """A number on a scale, without places it has not got."""
    return f"{value:,.6g}".replace("-", "−") if abs(value) < 1e5 else f"{value:,.0f}"


def short(name: str) -> str:
    """A name cut to what has room."""
    return name if len(name) <= LONGEST else name[: LONGEST - 1].rstrip() + "…"


def numbers(table: Table, place: int) -> Any:
    """A column's numbers, NaN where there is none."""
    return np.array([np.nan if v is None else float(v) for v in table.values(place)])


def scaled(table: Table, place: int) -> Any:
    """A column's numbers as they are shown: shares in percent."""
    column: Column = table.columns[place]
    return numbers(table, place) * (100 if column.kind == "share" else 1)


def x_values(table: Table) -> tuple[Any, list[tuple[float, str]]]:
    """The first column as numbers; if it is text, places with up to four names that have room."""
    if table.columns[0].kind != "text":
        return scaled(table, 0), []
    names = [str(name) for name in table.values(0)]
    many = 4 if max(map(len, names), default=0) < 8 else 3
    step = max(-(-len(names) // many), 1)
    return np.arange(len(names)), [(place, names[place]) for place in range(0, len(names), step)]
