"""What the page says of a measurement: its goals, its table, its floors."""

from __future__ import annotations

from typing import Any

from benchmarks.goals import Line, ranged, row
from benchmarks.own.measurement import Measurement
from benchmarks.roofline import sentence

Result = dict[str, Any]


def lines(measurement: Measurement, result: Result | None) -> list[Line]:
    """A line for each bar."""
    figures = result["figures"] if result else {}
    return [Line.of(measurement.title, bar, figures.get(bar.figure)) for bar in measurement.bars]


def section(measurement: Measurement, result: Result) -> str:
    """One measurement: a table and what it says."""
    turns = len(result["turns"])
    written = [
        f"### {measurement.title}\n",
        row(["what", "unit", f"{turns} turn{'s' if turns > 1 else ''}"]),
        row(["---"] * 3),
        *(
            row([figure.title, figure.unit, ranged(result["figures"][name], ".3g")])
            for name, figure in measurement.figures.items()
        ),
        "",
        *(f"- {told}" for told in sentences(measurement, result)),
    ]
    return "\n".join(written) + "\n"


def sentences(measurement: Measurement, result: Result) -> list[str]:
    """The goals, the floors, and what else is to be known."""
    return [
        *(f"Goal: {line.bar}; {line.verdict}." for line in lines(measurement, result)),
        *floors(measurement, result),
        *([measurement.note] if measurement.note else []),
    ]


def floors(measurement: Measurement, result: Result) -> list[str]:
    """The floor of each figure that has one."""
    return [
        sentence(roof, figure.floor.counted, f"'{figure.title}' takes")
        for name, roof in result["rooflines"].items()
        if (figure := measurement.figures[name]).floor
    ]
