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

from benchmarks.peers.comparison import Comparison, environment
from benchmarks.peers.environments import OURS, child, ready

Turns = dict[str, list[dict[str, Any]]]


def compare(name: str, file: Path, rounds: int) -> dict[str, Any]:
    """Run a comparison; each round begins with another side, and measures the ceilings."""
    comparison: Comparison = import_module(f"benchmarks.peers.{name}").COMPARISON
    sides = [side for side in comparison.sides if ready(environment(side))]
    turns: Turns = {side: [] for side in sides}
    ceilings: list[dict[str, float]] = []
    for number in range(rounds):
        ceilings.append(json.loads(child(OURS, "ceilings")))
        first = number % len(sides)
        for side in sides[first:] + sides[:first]:
            turns[side].append(json.loads(child(environment(side), "turn", name, side, str(file))))
            told = turns[side][-1]
            print(f"{name} {number + 1}/{rounds} {side}: {told['seconds']:.4f} s", file=sys.stderr)
    with np.load(file) as arrays:
        work = comparison.work(arrays)
        people = len(arrays[comparison.people]) if comparison.people else 0
    highest = {kind: max(one[kind] for one in ceilings) for kind in ceilings[0]}
    return {
        "comparison": name,
        "people": people,
        "missing": [side for side in comparison.sides if side not in sides],
        "sides": {side: summary(turns[side], turns[OURS]) for side in sides},
        "equal": equal(turns, comparison.tolerance),
        "roofline": roofline(work.operations, work.bytes, highest, turns[OURS]),
        "turns": turns,
    }


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


def spread(values: Iterable[float]) -> dict[str, float]:
    """Median and range."""
    ordered = sorted(values)
    return {"median": median(ordered), "low": ordered[0], "high": ordered[-1]}


def equal(turns: Turns, tolerance: float | None) -> bool | None:
    """Whether all figures of all turns agree with ours, if they are meant to."""
    if tolerance is None:
        return None
    ours = turns[OURS][0]["quality"]
    return all(
        abs(turn["quality"][figure] - value) <= tolerance * max(abs(value), 1e-12)
        for side in turns.values()
        for turn in side
        for figure, value in ours.items()
    )


def roofline(
    operations: float, moved: float, ceilings: dict[str, float], ours: list[dict[str, Any]]
) -> dict[str, float]:
    """The time that the machine needs at least, and how many times that ours takes."""
    floor = max(operations / ceilings["operations"], moved / ceilings["bytes"])
    return {
        "operations": operations,
        "bytes": moved,
        "operations_per_second": ceilings["operations"],
        "bytes_per_second": ceilings["bytes"],
        "floor_seconds": floor,
        "times_floor": median(turn["seconds"] for turn in ours) / floor,
    }
