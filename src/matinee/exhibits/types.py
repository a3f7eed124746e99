"""What a page is made of: tables, the charts drawn from them, and what they say."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from matinee.exhibits.words import significant

Cell = str | int | float | None
Kind = Literal["text", "count", "number", "share", "figure", "setting"]

FORMATS = {
    "text": "{}",
    "count": "{:,.0f}",
    "number": "{:,.2f}",
    "share": "{:.1f}",
    "figure": "{:.4f}",
}
"""How values are shown, settings apart."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        name: Its header, with the unit.
        kind: `text`; `count`, a whole number; `number`, shown with two places; `share`, a part
            of one, shown in percent; `figure`, a metric, with four places; `setting`, with three
            significant figures.
    """

    name: str
    kind: Kind = "text"

    def text(self, value: Cell) -> str:
        """A value as it is shown; a dash where there is none."""
        if value is None:
            return "–"
        if isinstance(value, str):
            return value
        if self.kind == "setting":
            return significant(value)
        return FORMATS[self.kind].format(100 * value if self.kind == "share" else value)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells; the one source of a chart, of the page's tables and of the JSON.

    Attributes:
        columns: The columns.
        rows: A cell for each column; None where there is no value.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def values(self, place: int) -> list[Any]:
        """A column's cells."""
        return [row[place] for row in self.rows]

    def as_dict(self) -> dict[str, Any]:
        """The outward JSON form."""
        return {"columns": [c.name for c in self.columns], "rows": [list(r) for r in self.rows]}


@dataclass(frozen=True, slots=True)
class Bars:
    """Upright bars: the first column names them, `value` is their height.

    Attributes:
        value: Place of the column drawn.
        axis: What the names are.
    """

    value: int
    axis: str = ""


@dataclass(frozen=True, slots=True)
class Dots:
    """A line a row, named by the first column, with a dot of each of up to three columns.

    Attributes:
        values: Places of the columns drawn.
        axis: What the dots' scale is.
        reference: Where an upright line stands, or None.
        reference_name: What it says.
        interval: Places of the columns with the ends of an interval around the dot, or None.
    """

    values: tuple[int, ...]
    axis: str = ""
    reference: float | None = None
    reference_name: str = ""
    interval: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Boxes:
    """Lying box plots: name, count, least, whisker, quarter, half, quarter, whisker, most.

    Attributes:
        axis: What is measured.
        log: Whether the axis is logarithmic.
    """

    axis: str
    log: bool = False


@dataclass(frozen=True, slots=True)
class Lines:
    """Up to two columns against the first.

    Attributes:
        values: Places of the columns drawn.
        x_axis: What the first column is.
        y_axis: What the others are.
        log: Whether both axes are logarithmic.
        diagonal: Whether to draw the line of equality.
        zero: Whether the scale begins at 0.
    """

    values: tuple[int, ...]
    x_axis: str
    y_axis: str
    log: bool = False
    diagonal: bool = False
    zero: bool = False


@dataclass(frozen=True, slots=True)
class Squares:
    """A square for each cell, the larger the further from 0; hollow where below 0.

    Attributes:
        largest: The value of a full square; by default the largest there is.
        first: Place of the first column drawn; the rows are named by the first of all.
    """

    largest: float | None = None
    first: int = 1


@dataclass(frozen=True, slots=True)
class Points:
    """A point a row, one column against another.

    Attributes:
        x: Place of the column to the right; of text, whose values stand side by side, or numbers.
        y: Place of the column upwards.
        x_axis: What the former is.
        y_axis: What the latter is.
        log: Whether the scale to the right is logarithmic.
        named: Whether each point bears its name, which is the first column.
        marked: Rows that stand out.
        interval: Places of the columns with the ends of an interval upwards, or None.
    """

    x: int
    y: int
    x_axis: str
    y_axis: str
    log: bool = False
    named: bool = False
    marked: tuple[int, ...] = ()
    interval: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Curves:
    """A line for each name in the first column, of the third column against the second.

    Attributes:
        x_axis: What goes to the right.
        y_axis: What goes upwards.
        log: Whether the scale to the right is logarithmic.
    """

    x_axis: str
    y_axis: str
    log: bool = False


Chart = Bars | Dots | Boxes | Lines | Squares | Points | Curves


@dataclass(frozen=True, slots=True)
class Exhibit:
    """A table, perhaps drawn, and the sentence it shows.

    Attributes:
        name: Its name in the JSON, one word or several with underscores.
        says: The sentence, computed from the table.
        table: The table.
        chart: How it is drawn; None shows the table itself.
        note: How it was computed, where that needs saying.
        wide: Whether the chart needs the whole width of the page.
        untitled: Whether the sentence stands elsewhere on the page.
    """

    name: str
    says: str
    table: Table
    chart: Chart | None = None
    note: str = ""
    wide: bool = False
    untitled: bool = False

    def as_dict(self) -> dict[str, Any]:
        """The outward JSON form."""
        noted = {"note": self.note} if self.note else {}
        return {"says": self.says, **self.table.as_dict(), **noted}


@dataclass(frozen=True)
class Section:
    """One side of a thing.

    Attributes:
        name: Its name in the JSON.
        title: Its heading.
        exhibits: What it shows.
        missing: What it cannot show, a sentence each.
        figures: The numbers that conclusions are drawn from.
    """

    name: str
    title: str
    exhibits: tuple[Exhibit, ...] = ()
    missing: tuple[str, ...] = ()
    figures: dict[str, float] = field(default_factory=dict[str, float])

    def as_dict(self) -> dict[str, Any]:
        """The outward JSON form."""
        return {
            "title": self.title,
            "figures": dict(self.figures),
            "missing": list(self.missing),
            "tables": {exhibit.name: exhibit.as_dict() for exhibit in self.exhibits},
        }
