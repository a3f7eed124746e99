"""What a measurement consists of, and how its turns are summed up."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.goals import Bar
from benchmarks.peers.environments import OURS, child
from benchmarks.peers.rounds import spread
from benchmarks.roofline import Work, highest, roofline

SECONDS: dict[str, Callable[[float], float]] = {
    "s": lambda value: value,
    "ms": lambda value: value / 1000,
    "µs a positive": lambda value: value / 1e6,
    "a second": lambda value: 1 / value,
}
"""How long one piece of work takes, from a figure in that unit."""


@dataclass(frozen=True)
class Floor:
    """What the work behind a figure cannot do without.

    Attributes:
        counted: What `work` counts, in words.
        work: The least that has to be done.
    """

    counted: str
    work: Callable[[], Work]


@dataclass(frozen=True)
class Figure:
    """One number that a turn gives.

    Attributes:
        title: What it is.
        unit: Its unit; one of `SECONDS` if it has a floor.
        floor: The least that has to be done.
    """

    title: str
    unit: str
    floor: Floor | None = None


@dataclass(frozen=True)
class Measurement:
    """Figures without a peer.

    Attributes:
        title: What is measured.
        figures: By name, in the order of the table.
        bars: What they are to be.
        turns: Takes so many turns, each of which gives every figure.
        rounds: How many turns are usual.
        note: What else a reader must know.
    """

    title: str
    figures: Mapping[str, Figure]
    bars: Sequence[Bar]
    turns: Callable[[int], list[dict[str, float]]]
    rounds: int = 5
    note: str = ""


def measure(measurement: Measurement, rounds: int) -> dict[str, Any]:
    """Take the turns, with the ceilings before and after."""
    before = json.loads(child(OURS, "benchmarks.ceilings"))
    turns = measurement.turns(rounds)
    ceilings = highest([before, json.loads(child(OURS, "benchmarks.ceilings"))])
    figures = {name: spread(turn[name] for turn in turns) for name in measurement.figures}
    return {
        "figures": figures,
        "rooflines": {
            name: roofline(
                figure.floor.work(), ceilings, SECONDS[figure.unit](figures[name]["median"])
            )
            for name, figure in measurement.figures.items()
            if figure.floor
        },
        "turns": turns,
    }
