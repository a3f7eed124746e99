"""What the page says of a comparison: its goals, its table, its floor."""

from __future__ import annotations

from math import isnan
from statistics import median
from typing import Any

from benchmarks.goals import Bar, Line, Spread, ranged, row
from benchmarks.peers.comparison import Comparison, environment
from benchmarks.peers.environments import OURS, version
from benchmarks.roofline import sentence

Result = dict[str, Any]


def lines(comparison: Comparison, result: Result | None) -> list[Line]:
    """A line for each goal: against the fastest peer, and against those that have their own."""
    goals = {"": comparison.bar, **comparison.over}
    return [line(comparison, result, peer, times) for peer, times in goals.items()]


def line(comparison: Comparison, result: Result | None, peer: str, times: float) -> Line:
    """Whether ours is so many times as fast as a peer, or as the fastest of all."""
    bar = Bar("", "times_ours", times, f"x {peer or 'the fastest peer'}", least=True)
    side = nearest(result, peer) if result else None
    if result is None or side is None:
        return Line.of(comparison.title, bar, None)
    told = Line.of(comparison.title, bar, times_ours(result)[side], f"({remarks(result, side)})")
    if result["equal"] is False or not reached(comparison, result, result["ours"]):
        return Line(told.title, told.bar, told.figure, "missed")
    return told


def times_ours(result: Result) -> dict[str, Spread]:
    """How many times ours each peer's way takes."""
    return {
        side: told["times_ours"]
        for side, told in result["sides"].items()
        if environment(side) != OURS
    }


def nearest(result: Result, peer: str = "") -> str | None:
    """The fastest way of a peer, or of all peers."""
    times = times_ours(result)
    sides = [side for side in times if peer in {"", environment(side)}]
    return min(sides, key=lambda side: times[side]["median"], default=None)


def remarks(result: Result, side: str) -> str:
    """Which way that was, and what limits what it says."""
    told = [side]
    if result["missing"]:
        told.append(f"without {', '.join(result['missing'])}")
    if result["equal"] is False:
        told.append("figures differ")
    return "; ".join(told)


def reached(comparison: Comparison, result: Result, side: str) -> bool:
    """Whether a side became as good as it had to."""
    if comparison.reach is None:
        return True
    figure, least = comparison.reach
    return result["sides"][side]["quality"][figure] >= least


def section(comparison: Comparison, result: Result) -> str:
    """One comparison: a table and what it says."""
    figures = list(result["sides"][result["ours"]]["quality"])
    people = ["people/s"] if comparison.people else []
    columns = ["package", "seconds", *people, "times ours", "processor s", *figures, "peak MB"]
    written = [
        f"### {comparison.title}\n",
        row(columns),
        row(["---"] * len(columns)),
        *(row(cells(side, told, result)) for side, told in result["sides"].items()),
        "",
        *(f"- {told}" for told in sentences(comparison, result)),
    ]
    return "\n".join(written) + "\n"


def cells(side: str, told: dict[str, Any], result: Result) -> list[str]:
    """The cells of one package."""
    package, _, way = side.partition(" ")
    title = "**Matinee**" if package == OURS else f"{package} {version(package)}"
    people = [f"{result['people'] / told['seconds']['median']:,.0f}"] if result["people"] else []
    ratio = "1" if side == result["ours"] else ranged(told["times_ours"], ".3g")
    processor = f"{median(turn['processor'] for turn in result['turns'][side]):.3g}"
    quality = ["" if isnan(value) else f"{value:.5g}" for value in told["quality"].values()]
    return [
        f"{title} {way}".strip(),
        ranged(told["seconds"], ".3g"),
        *people,
        ratio,
        processor,
        *quality,
        f"{told['peak_mb']:.0f}",
    ]


def sentences(comparison: Comparison, result: Result) -> list[str]:
    """The goals, the equality of figures, the floor, and what is missing."""
    told = [
        f"Goal: {line.bar}; {line.verdict}{f' with {line.figure}' if line.figure else ''}."
        for line in lines(comparison, result)
    ]
    if result["equal"] is not None:
        told.append(f"The figures are {'' if result['equal'] else 'not '}equal.")
    told += [
        f"{side} did not reach {comparison.reach[0]} {comparison.reach[1]:g}: its seconds are "
        "those after which it was stopped."
        for side in result["sides"]
        if comparison.reach and not reached(comparison, result, side)
    ]
    told.append(sentence(result["roofline"], comparison.counted))
    if comparison.note:
        told.append(comparison.note)
    if result["missing"]:
        told.append(f"Not measured, as not installed: {', '.join(result['missing'])}.")
    return told
