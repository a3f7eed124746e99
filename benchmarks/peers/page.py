"""The reference page of speed, written from what `build/bench` holds."""

from __future__ import annotations

import json
import os
import platform
from importlib import import_module
from math import isnan
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.peers.comparison import Comparison
from benchmarks.peers.environments import OURS, ROOT, THREADS, version

PAGE = ROOT / "docs" / "reference" / "benchmarks.md"
HEAD = """<!-- Written by `make bench`; do not edit. -->

# Speed beside other packages

Each package runs in an environment of its own, in a process of its own, on the same arrays of
MovieLens-1M, with {threads} threads. They take {rounds} turns or more, and each round begins with
another package. A turn does the work once to warm up, unless that takes ten seconds, and then
until a second has passed; its time is the median. Told are the medians over the turns and, in
brackets, the range. 'Times ours' is taken within each round, so that whatever else the machine
did fell on both; 'processor s' is what all threads took together, without waiting for others.

The floor is the time this machine would need if it did nothing but the operations, or nothing but
the reading and writing, that the work cannot do without, at the speed of a large float32 product
of matrices and of a large copy (bytes read and bytes written both count).

`python -m benchmarks.peers setup` makes the environments and `make bench` measures and writes this
page. Machine: {machine}. Floors: product {operations:.0f} GFLOP/s, copy {bytes:.0f} GB/s at best.
"""


def write(results: list[dict[str, Any]]) -> None:
    """Write the page."""
    roofs = [result["roofline"] for result in results]
    head = HEAD.format(
        threads=THREADS,
        rounds=min(len(result["turns"][OURS]) for result in results),
        machine=machine(),
        operations=max(roof["operations_per_second"] for roof in roofs) / 1e9,
        bytes=max(roof["bytes_per_second"] for roof in roofs) / 1e9,
    )
    PAGE.write_text("\n".join([head, *map(section, results)]))


def section(result: dict[str, Any]) -> str:
    """One comparison: a table and what it says."""
    comparison: Comparison = import_module(f"benchmarks.peers.{result['comparison']}").COMPARISON
    figures = list(result["sides"][OURS]["quality"])
    people = ["people/s"] if comparison.people else []
    columns = ["package", "seconds", *people, "times ours", "processor s", *figures, "peak MB"]
    lines = [
        f"## {comparison.title}\n",
        row(columns),
        row(["---"] * len(columns)),
        *(row(cells(side, told, result)) for side, told in result["sides"].items()),
        "",
        *sentences(comparison, result),
    ]
    return "\n".join(lines) + "\n"


def cells(side: str, told: dict[str, Any], result: dict[str, Any]) -> list[str]:
    """The cells of one package."""
    package, _, way = side.partition(" ")
    title = "**Matinee**" if side == OURS else f"{package} {version(package)} {way}".strip()
    people = [f"{result['people'] / told['seconds']['median']:,.0f}"] if result["people"] else []
    ratio = "1" if side == OURS else ranged(told["times_ours"], ".2f")
    processor = f"{median(turn['processor'] for turn in result['turns'][side]):.3g}"
    quality = ["" if isnan(value) else f"{value:.5g}" for value in told["quality"].values()]
    return [
        title,
        ranged(told["seconds"], ".3g"),
        *people,
        ratio,
        processor,
        *quality,
        f"{told['peak_mb']:.0f}",
    ]


def sentences(comparison: Comparison, result: dict[str, Any]) -> list[str]:
    """The bar, the equality of figures, the floor, and what is missing."""
    peers = {s: told["times_ours"]["median"] for s, told in result["sides"].items() if s != OURS}
    told: list[str] = []
    if peers:
        nearest = min(peers, key=lambda side: peers[side])
        verdict = "reached" if peers[nearest] >= comparison.bar else "missed"
        told.append(
            f"Goal: {comparison.bar:g} times as fast as the fastest peer; "
            f"{verdict} with {peers[nearest]:.2f} ({nearest})."
        )
    if result["equal"] is not None:
        told.append(f"The figures are {'' if result['equal'] else 'not '}equal.")
    roof = result["roofline"]
    told.append(
        f"Floor: {roof['operations'] / 1e9:.3g} GFLOP and {roof['bytes'] / 1e6:.3g} MB "
        f"({comparison.counted}) need {1000 * roof['floor_seconds']:.3g} ms; "
        f"ours takes {roof['times_floor']:.1f} times that."
    )
    if comparison.note:
        told.append(comparison.note)
    if result["missing"]:
        told.append(f"Not measured, as not installed: {', '.join(result['missing'])}.")
    return told


def row(cells: list[str]) -> str:
    """A line of a table."""
    return f"| {' | '.join(cells)} |"


def ranged(spread: dict[str, float], form: str) -> str:
    """A median with its range."""
    return f"{spread['median']:{form}} [{spread['low']:{form}}, {spread['high']:{form}}]"


def machine() -> str:
    """The processor, as the system calls it."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.processor()}, {os.cpu_count()} processors"


def stored(folder: Path, names: list[str]) -> list[dict[str, Any]]:
    """The results of those comparisons that have been run."""
    files = [folder / f"{name}.json" for name in names]
    return [json.loads(file.read_text()) for file in files if file.exists()]
