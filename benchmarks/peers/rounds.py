"""All sides take turns, and what came of it: seconds, ratios, the floor."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.goals import Spread
from benchmarks.peers.comparison import Comparison, environment
from benchmarks.peers.environments import OURS, child, ready
from benchmarks.roofline import highest, roofline

Turns = dict[str, list[dict[str, Any]]]
TURN = "benchmarks.peers.turn"


def compare(name: str, file: Path, rounds: int) -> dict[str, Any]:
    """Run a comparison; each round begins with another side, and measures the ceilings."""
    comparison: Comparison = import_module(f"benchmarks.peers.{name}").COMPARISON
    sides = [side for side in comparison.sides if ready(environment(side))]
    turns: Turns = {side: [] for side in sides}
    ceilings: list[dict[str, float]] = []
    for number in range(rounds):
        ceilings.append(json.loads(child(OURS, "benchmarks.ceilings")))
        first = number % len(sides)
        for side in sides[first:] + sides[:first]:
            told = json.loads(child(environment(side), TURN, name, side, str(file)))
            turns[side].append(told)
            print(f"{name} {number + 1}/{rounds} {side}: {told['seconds']:.4f} s", file=sys.stderr)
    with np.load(file) as arrays:
        work = comparison.work(arrays)
        people = len(arrays[comparison.people]) if comparison.people else 0
    ours = fastest(turns, [side for side in sides if environment(side) == OURS])
    return {
        "comparison": name,
        "ours": ours,
        "people": people,
        "missing": [side for side in comparison.sides if side not in sides],
        "sides": {side: summary(turns[side], turns[ours]) for side in sides},
        "equal": equal(turns, ours, comparison.tolerance),
        "roofline": roofline(work, highest(ceilings), typical(turns[ours])),
        "turns": turns,
    }


def typical(turns: list[dict[str, Any]]) -> float:
    """The median of the seconds."""
    return median(turn["seconds"] for turn in turns)


def fastest(turns: Turns, sides: list[str]) -> str:
    """The side of the least seconds."""
    return min(sides, key=lambda side: typical(turns[side]))


def summary(turns: list[dict[str, Any]], ours: list[dict[str, Any]]) -> dict[str, Any]:
    """Seconds and quality of one side, and how many times ours its seconds are, in each round."""
    return {
        "seconds": spread(turn["seconds"] for turn in turns),
        "times_ours": spread(
            turn["seconds"] / own["seconds"] for turn, own in zip(turns, ours, strict=True)
        ),
        "peak_mb": median(turn["peak_mb"] for turn in turns),
        "quality": {
            figure: median(turn["quality"][figure] for turn in turns)
            for figure in turns[0]["quality"]
        },
    }


def spread(values: Iterable[float]) -> Spread:
    """Median and range."""
    ordered = sorted(values)
    return {"median": median(ordered), "low": ordered[0], "high": ordered[-1]}


def equal(turns: Turns, ours: str, tolerance: float | None) -> bool | None:
    """Whether all figures of all turns agree with ours, if they are meant to."""
    if tolerance is None:
        return None
    own = turns[ours][0]["quality"]
    return all(
        abs(turn["quality"][figure] - value) <= tolerance * max(abs(value), 1e-12)
        for side in turns.values()
        for turn in side
        for figure, value in own.items()
    )
