"""Goals, and whether they are reached: a line each in the table at the head of the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Spread = dict[str, float]
"""Median, lowest and highest of several turns."""
Verdict = Literal["reached", "missed", "not measured"]


@dataclass(frozen=True)
class Bar:
    """What a figure is to be.

    Attributes:
        what: In a word or two what is measured, where a title does not say it.
        figure: The figure's name among the results.
        limit: At least this, or at most.
        unit: Of both.
        least: Whether more is better.
    """

    what: str
    figure: str
    limit: float
    unit: str
    least: bool = False

    def verdict(self, figure: Spread | None) -> Verdict:
        """Of the median; what is no number has missed."""
        if figure is None:
            return "not measured"
        value = figure["median"]
        reached = value >= self.limit if self.least else value <= self.limit
        return "reached" if reached else "missed"

    def __str__(self) -> str:
        """The bar in words."""
        told = f"{'≥' if self.least else '≤'} {self.limit:g} {self.unit}".strip()
        return f"{self.what}: {told}" if self.what else told


@dataclass(frozen=True)
class Line:
    """A line of the table.

    Attributes:
        title: The section that tells more, and its heading.
        bar: What was asked.
        figure: What was had, in words; empty if nothing was measured.
        verdict: Whether the bar is reached.
    """

    title: str
    bar: str
    figure: str
    verdict: Verdict

    @classmethod
    def of(cls, title: str, bar: Bar, figure: Spread | None, remark: str = "") -> Line:
        """The line of a bar; a remark stands after the figure."""
        told = "" if figure is None else ranged(figure, ".3g")
        return cls(title, str(bar), f"{told} {remark}".strip(), bar.verdict(figure))


def table(lines: list[Line]) -> str:
    """All lines; what was missed and what was not measured stand out."""
    rows = [["work", "bar", "figure", "verdict"], ["---"] * 4]
    for line in lines:
        verdict = line.verdict if line.verdict == "reached" else f"**{line.verdict}**"
        rows.append([line.title, line.bar, line.figure, verdict])
    return "\n".join(map(row, rows))


def row(cells: list[str]) -> str:
    """A line of a table."""
    return f"| {' | '.join(cells)} |"


def ranged(spread: Spread, form: str) -> str:
    """A median with its range."""
    return f"{spread['median']:{form}} [{spread['low']:{form}}, {spread['high']:{form}}]"
